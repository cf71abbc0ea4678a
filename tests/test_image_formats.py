"""The formats of the public sets, read from tiny files, and refused when they are something else."""

import io

import numpy as np
import pytest
from PIL import Image

from tests import stand_ins
from utils import image_formats


def write(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("shape", [(7,), (3, 28, 28), (1, 2, 3, 4)])
def test_idx(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(image_formats.read_idx(write(tmp_path, stand_ins.idx_gz(array))), array)


@pytest.mark.parametrize("data", [b"", b"\0\0\x08", b"\0\0\x08\x02\0\0\0\x01", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0"])
def test_idx_of_another_kind(tmp_path, data):
    with pytest.raises(ValueError, match="IDX"):
        image_formats.read_idx(write(tmp_path, stand_ins.gzip.compress(data)))


def test_idx_that_is_too_short(tmp_path):
    data = stand_ins.gzip.decompress(stand_ins.idx_gz(np.zeros((2, 3), np.uint8)))[:-1]
    with pytest.raises(ValueError, match="IDX"):
        image_formats.read_idx(write(tmp_path, stand_ins.gzip.compress(data)))


def test_cifar_planes_are_red_green_blue_row_by_row(tmp_path):
    record = bytes([7]) + bytes(range(256)) * 4 + bytes([1]) * 1024 + bytes([2]) * 1024
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    files = {f"cifar-10-batches-bin/{name}": record for name in names}
    files["cifar-10-batches-bin/batches.meta.txt"] = b"airplane\nautomobile\n\n"
    (x, y), (x_test, _), class_names = image_formats.read_cifar(write(tmp_path, stand_ins.tar_gz(files)))
    assert x.shape == (5, 32, 32, 3) and x_test.shape == (1, 32, 32, 3) and y.tolist() == [7] * 5
    assert x[0, 0, :3, 0].tolist() == [0, 1, 2] and x[0, 1, 0, 0] == 32  # along the row, then down
    assert np.all(x[..., 1] == 1) and np.all(x[..., 2] == 2)
    assert class_names == ["airplane", "automobile"]


def test_cifar_in_the_pickled_version_is_refused(tmp_path):
    data = stand_ins.tar_gz({"cifar-10-batches-py/data_batch_1": b"cos\nsystem\n"})
    with pytest.raises(ValueError, match="binary version"):
        image_formats.read_cifar(write(tmp_path, data))


def test_cifar_with_half_a_record(tmp_path):
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", "batches.meta.txt"]
    data = stand_ins.tar_gz({f"cifar-10-batches-bin/{name}": b"short" for name in names})
    with pytest.raises(ValueError, match="data_batch_1.bin does not consist of records of 3,073 bytes"):
        image_formats.read_cifar(write(tmp_path, data))


def jpeg(colour, width=30, height=20):
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "JPEG")
    return data.getvalue()


def test_photo_archive(tmp_path):
    red, blue = jpeg("red"), jpeg("blue")
    files = {
        "flower_photos/tulips/2.jpg": blue,
        "flower_photos/LICENSE.txt": b"CC-BY",
        "flower_photos/tulips/10.jpg": red,
        "flower_photos/daisy/3.JPG": red,
        "flower_photos/daisy/._3.jpg": b"left by another system",
        "flower_photos/daisy/notes.txt": b"",
    }
    photos, labels, class_names = image_formats.read_photo_archive(write(tmp_path, stand_ins.tar_gz(files)))
    assert photos == [red, red, blue]  # by name, whatever the order in the archive
    assert labels.tolist() == [0, 1, 1] and class_names == ["daisy", "tulips"]


def test_photo_archive_without_photos(tmp_path):
    with pytest.raises(ValueError, match="no JPEG file"):
        image_formats.read_photo_archive(write(tmp_path, stand_ins.tar_gz({"flower_photos/LICENSE.txt": b""})))


def test_photos_are_cut_to_the_middle_square():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40, 1] = 200  # green in the middle third, black beside it
    data = io.BytesIO()
    Image.fromarray(wide).save(data, "PNG")
    grey = io.BytesIO()
    Image.new("L", (9, 9), 50).save(grey, "JPEG")
    out = image_formats.decode_photos([data.getvalue(), grey.getvalue()], 10)
    assert out.shape == (2, 10, 10, 3) and out.dtype == np.uint8
    assert np.all(out[0, :, 1:-1, 1] == 200) and out[0, :, :, 1].min() > 150  # the filter reaches a little over the cut
    assert np.all(out[0, ..., 0] == 0) and np.all(np.abs(out[1].astype(int) - 50) <= 1)
