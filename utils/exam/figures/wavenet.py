"""Figures of questions on WaveNet."""

from matplotlib.figure import Figure

# Of each panel: for every layer from the input up, how many steps back its two taps look (negative: into the future).
PANELS = {
    "A": ((0, 1),) * 3,
    "B": ((0, 1), (-2, 2), (-1, 1)),
    "C": ((0, 1), (0, 2), (0, 4)),
    "D": ((0, 1), (0, 1), (0, 4)),
}
STEPS, OUTPUT_STEP = 12, 7


def inputs_of(panel):
    """The input steps that the marked output reads: a sorted list."""
    return sorted(_path(panel)[0])


def _path(panel):
    rows = [{OUTPUT_STEP}]
    for taps in reversed(PANELS[panel]):
        rows.append({step - back for step in rows[-1] for back in taps})
    return rows[::-1]


def four_stacks():
    """Four stacks of three layers with two taps; the lines lead to one output."""
    figure = Figure(figsize=(8.6, 5.2))
    for axes, (name, layers) in zip(figure.subplots(2, 2).ravel(), PANELS.items(), strict=True):
        rows = _path(name)
        for row, taps in enumerate(layers, start=1):
            for step in rows[row]:
                for back in taps:
                    axes.plot([step - back, step], [row - 1, row], color="#D55E00", linewidth=1.8, zorder=1)
        for row, used in enumerate(rows):
            for step in range(STEPS):
                on = step in used
                color = "#333333" if 0 < row < 3 else "#0072B2" if row == 0 else "#009E73"
                axes.plot(
                    step, row, "o", color=color if on else "white", markeredgecolor="#8a8a8a", markersize=9, zorder=2
                )
        axes.set_title(name, fontsize=14, fontweight="bold")
        axes.set(xticks=[OUTPUT_STEP], xticklabels=["t"], yticks=[0, 3], yticklabels=["input", "output"])
        axes.tick_params(length=0, labelsize=11)
        for side in axes.spines.values():
            side.set_visible(False)
    figure.tight_layout()
    return figure
