"""Every picture is drawn as in a chapter, and closed afterwards."""

import matplotlib as mpl
import pytest

mpl.use("Agg")

from utils import plots


@pytest.fixture(autouse=True)
def chapter_style():
    with mpl.rc_context():
        plots.style()
        yield
    mpl.pyplot.close("all")
