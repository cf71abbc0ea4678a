"""The public sets of pictures: where their files are, how large they are, what their hashes are, how they are read.

Sizes and SHA-256 are those that TensorFlow Datasets publishes (tensorflow_datasets/url_checksums/*.txt in
github.com/tensorflow/datasets). A second place for each is named beside it.
"""

from utils import image_formats
from utils.downloads import Remote, fetch

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def _idx(folder, mirrors, files):
    return tuple(Remote(f"{folder}/{name}", tuple(m + name for m in mirrors), size, sha) for name, size, sha in files)


REMOTES = {
    # The page of the set's author (first mirror) gives the MD5 of this archive: c32a1d4ab5d03f1284b67883e8d87530.
    # The second mirror is that of Swift for TensorFlow's swift-models.
    "cifar10": (
        Remote(
            "cifar10/cifar-10-binary.tar.gz",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
            ),
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    # The same files by MD5: torchvision/datasets/mnist.py, class MNIST, which also names the second mirror.
    "mnist": _idx(
        "mnist",
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        (
            (
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
    # The same hashes: keras/src/datasets/fashion_mnist.py, which names the first mirror; the second is Zalando's own.
    "fashion_mnist": _idx(
        "fashion_mnist",
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            (
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
    ),
    # The OpenEmbedded recipe of tensorflow-for-poets-2 pins the same SHA-256.
    "flowers": (
        Remote(
            "flowers/flower_photos.tgz",
            (
                "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
                "http://download.tensorflow.org/example_images/flower_photos.tgz",
            ),
            228_813_984,
            "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
        ),
    ),
}

DEFAULTS = {"mnist": "digits", "fashion_mnist": "digits", "cifar10": "textures", "flowers": "textures"}


def load(name):
    """(pool, test, class_names) of a public set, downloaded and verified on first use.

    pool and test are (pictures, labels); test is None where the set has no official test part. Pictures are a uint8
    array (N, H, W, C), or a list of JPEG files' bytes (flowers).

    Raises:
        utils.downloads.DownloadError: the files cannot be had; the message names the set to use instead.
    """
    paths = [fetch(remote, f'load_images("{DEFAULTS[name]}")') for remote in REMOTES[name]]
    if name == "cifar10":
        return image_formats.read_cifar(*paths)
    if name == "flowers":
        files, labels, class_names = image_formats.read_photo_archive(*paths)
        return (files, labels), None, class_names
    x_train, y_train, x_test, y_test = (image_formats.read_idx(path) for path in paths)
    class_names = FASHION_CLASSES if name == "fashion_mnist" else tuple("0123456789")
    return (x_train[..., None], y_train), (x_test[..., None], y_test), class_names
