"""A question's figure as PNG: the same bytes every time, and nothing left behind in the reader's matplotlib."""

import base64
import inspect
import io

from utils.exam import instance
from utils.exam.faults import QuestionError


def png(reference, values=None):
    """Draw a figure.

    Args:
        reference: `module.function` in utils/exam/figures.
        values: a calculation's values; the function gets those that it has parameters for.

    Returns:
        Base64 text of the PNG.

    Raises:
        QuestionError: if there is no such function, or it returns something else than a matplotlib Figure.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    function = instance.find("figures", reference)
    wanted = inspect.signature(function).parameters
    given = {name: value for name, value in (values or {}).items() if name in wanted}
    # The chapter's style must not leak into the question, nor the question's into the chapter.
    with mpl.rc_context():
        mpl.rcdefaults()
        drawn = function(**given)
        if not isinstance(drawn, Figure):
            raise QuestionError("figure", f"{reference} returned {type(drawn).__name__}; expected a matplotlib Figure")
        stream = io.BytesIO()
        drawn.savefig(stream, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
    _forget(drawn)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _forget(drawn):
    """Take the figure from pyplot, which would show it below the cell once more."""
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(drawn)
