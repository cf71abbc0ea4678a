"""Shared plots: training curves, and pictures that take little room in a notebook."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

mpl.use("Agg")

from utils import plots


@pytest.fixture(autouse=True)
def fresh_settings():
    with mpl.rc_context():
        yield
    mpl.pyplot.close("all")


def history(n):
    return {"accuracy": list(range(n)), "val_accuracy": list(range(1, n + 1))}


def test_training_curves_draw_every_model_with_its_name():
    fig = plots.training_curves({"a": history(3), "b": history(5)}, chance=0.1)
    training, validation = fig.axes
    assert [line.get_ydata().tolist() for line in validation.lines[:2]] == [[1, 2, 3], [1, 2, 3, 4, 5]]
    assert [list(line.get_xdata()) for line in training.lines[:2]] == [[1, 2, 3], [1, 2, 3, 4, 5]]
    assert [text.get_text() for text in validation.get_legend().get_texts()] == ["a", "b", "chance"]


def test_training_curves_name_what_a_history_lacks():
    with pytest.raises(ValueError, match="history of 'a' has no 'loss'; it has: accuracy, val_accuracy"):
        plots.training_curves({"a": history(2)}, metric="loss")


def png_of(figure):
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def test_a_diagram_gets_a_palette_and_looks_the_same():
    plots.style()
    before = png_of(plots.training_curves({"a": history(4)}))
    after = plots.with_palette(before)
    assert len(after) < 0.5 * len(before)
    assert Image.open(io.BytesIO(after)).mode == "P"
    pixels = [np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float) for png in (before, after)]
    assert np.abs(pixels[0] - pixels[1]).mean() < 0.5  # of 255
    assert plots.with_palette(base64.b64encode(before).decode()) == base64.b64encode(after).decode()


def test_a_photograph_keeps_its_colors():
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype="uint8")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    assert plots.with_palette(stream.getvalue()) == stream.getvalue()


def test_style_outside_of_jupyter_changes_settings_alone():
    code = "from utils import plots; plots.style(); plots.style(); print(plots.plt.rcParams['figure.dpi'])"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "100.0"


def test_figures_shown_in_a_notebook_have_a_palette():
    import nbformat
    from nbclient import NotebookClient

    setup = "from utils import plots\nimport matplotlib.pyplot as plt\nplots.style()\nplots.style()"
    draw = "plt.plot([1, 2])\nplt.show()"
    cells = [nbformat.v4.new_code_cell(code) for code in (setup, draw, "fig, ax = plt.subplots()", "fig")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, resources={"metadata": {"path": str(Path(__file__).parents[1])}}).execute()
    shown = [output["data"] for cell in notebook.cells for output in cell.outputs]
    assert len(shown) == 3
    for data in shown:
        assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).mode == "P"
        assert data["text/plain"].startswith("<Figure size")
