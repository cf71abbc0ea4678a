"""The look that all chapters share, and the few plots that several of them draw."""

import base64
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image

# Okabe and Ito's colours: readers with any kind of colour vision can tell them apart. In diagrams the first three
# always mean the same: what goes in, what is learned, what comes out.
INPUT, WEIGHT, OUTPUT = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PINK = "#E69F00", "#56B4E9", "#CC79A7"
INK, GREY, PALE = "#333333", "#8a8a8a", "#e9e9e9"
SERIES = (INPUT, WEIGHT, OUTPUT, PINK, ORANGE, SKY)

STYLE = {
    "figure.dpi": 100,  # Jupyter would show 72: small and blurred
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.prop_cycle": mpl.cycler(color=SERIES),
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": PALE,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "text.color": INK,
}


MANY_COLORS = 8192  # a diagram with its smoothed edges has one or two thousand, a photograph far more


def style():
    """Give every figure drawn from now on the look of the chapters, and a third of the size in a notebook."""
    plt.rcParams.update(STYLE)
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    plt.switch_backend(mpl.get_backend())  # so that Jupyter's own way to show a figure is set up before ours, not after
    formatter = shell.display_formatter.formatters["image/png"]
    try:
        shown = formatter.lookup_by_type(mpl.figure.Figure)
    except KeyError:  # the reader shows figures in another way (a window, SVG)
        return
    if not hasattr(shown, "with_full_colors"):

        def small(figure):
            return with_palette(shown(figure))

        small.with_full_colors = shown
        formatter.for_type(mpl.figure.Figure, small)


def with_palette(png):
    """The same picture with at most 256 colours, where it is a diagram; photographs stay as they are.

    Args:
        png: the file's bytes, or their base64 text.

    Returns:
        bytes or text, as given.
    """
    data = base64.b64decode(png) if isinstance(png, str) else png
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    if opaque.getcolors(MANY_COLORS) is None:
        return png
    stream = io.BytesIO()
    opaque.quantize(256, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    data = stream.getvalue()
    return base64.b64encode(data).decode("ascii") if isinstance(png, str) else data


def training_curves(curves, metric="accuracy", chance=None):
    """Training and validation curves of one or several models, epoch by epoch.

    Args:
        curves: dict from a model's name to its Keras history: a dict with lists under `metric` and `val_` + `metric`.
        metric: "accuracy", "loss" or any other name in the history.
        chance: what guessing would give, drawn as a dotted line; None for no line.

    Returns:
        matplotlib Figure: training on the left, validation on the right, on one scale.

    Raises:
        ValueError: if a history lacks the metric.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    for ax, prefix, title in zip(axes, ("", "val_"), ("training", "validation"), strict=True):
        for (name, history), marker in zip(curves.items(), "os^Dv*" * len(curves), strict=False):
            if prefix + metric not in history:
                raise ValueError(f"the history of {name!r} has no {prefix + metric!r}; it has: {', '.join(history)}")
            values = history[prefix + metric]
            ax.plot(range(1, len(values) + 1), values, marker=marker, label=name)
        if chance is not None:
            ax.axhline(chance, color=GREY, linestyle=":", label="chance")
        ax.set(title=title, xlabel="epoch")
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes[0].set_ylabel(metric)
    axes[1].legend(loc="best")
    return fig
