"""What every picture must be: its numbers shown, its texts legible and inside the frame, the same bytes every time."""

import io


def texts_of(figure):
    """What is written in a figure, tick labels left out (those outside of an axis exist but are not drawn)."""
    figure.canvas.draw()
    texts = []
    for ax in figure.axes:
        legend = ax.get_legend()
        texts += [*ax.texts, *(legend.get_texts() if legend else []), ax.title, ax._left_title]
        texts += [ax.xaxis.label, ax.yaxis.label] if ax.axison else []
    return [text for text in texts if text.get_text().strip()]


def assert_shows(figure, expected):
    missing = set(expected) - {text.get_text() for text in texts_of(figure)}
    assert not missing


def assert_legible(figure):
    """No text is cut off by the frame or smaller than 9 points."""
    texts = texts_of(figure)
    renderer, frame = figure.canvas.get_renderer(), figure.bbox
    for text in texts:
        box = text.get_window_extent(renderer)
        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < frame.x1 + 1 and box.y1 < frame.y1 + 1
        assert inside, f"{text.get_text()!r} is cut off: {box}"
        assert text.get_fontsize() >= 9, text.get_text()


def assert_same_bytes(draw):
    """Two drawings of one picture are one file: a rebuilt notebook does not change."""
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        draw().savefig(file, format="png", metadata={"Software": None})
    assert files[0].getvalue() == files[1].getvalue()
