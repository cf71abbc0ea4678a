"""Pictures of gated cells: every gate is there, every text legible, the same bytes every time."""

import numpy as np
import pytest

from tests.pictures import looks
from utils.pictures import gates

DRAWN = {
    "lstm": (gates.lstm_cell, {"$i^t$", "$f^t$", "$g^t$", "$o^t$", "$c^t$", "$h^t$", "σ", "tanh", "⊙", "+"}),
    "peephole": (lambda: gates.lstm_cell(peephole=True), {"reads\n$c^{t-1}$", "reads $c^t$"}),
    "gru": (gates.gru_cell, {"$z^t$", "$r^t$", "$n^t$", "$h^t$", "$1 - z^t$"}),
    "both ways": (gates.bidirectional, {"forwards", "backwards", "$h_f^1$", "$h_b^4$"}),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_diagram_shows_its_parts(name):
    draw, texts = DRAWN[name]
    figure = draw()
    looks.assert_shows(figure, texts)
    looks.assert_legible(figure)
    looks.assert_same_bytes(draw)


def test_only_peepholes_reach_from_the_cell_to_the_gates():
    without, with_peepholes = (len(gates.lstm_cell(peephole).axes[0].lines) for peephole in (False, True))
    assert with_peepholes == without + 3


def test_over_time_draws_bars_and_heat_maps_with_their_limits():
    rows = {"sign": np.array([1.0, -1.0, 1.0]), "gate": np.full((3, 2), 0.5), "memory": np.full((3, 2), -1.5)}
    figure = gates.over_time(rows, limits={"sign": (-1, 1), "memory": (-2, 2)}, marks=[1])
    bars, gate, memory = figure.axes[:3]
    assert len(bars.patches) == 3 and bars.get_ylim()[0] < -1
    assert gate.images[0].get_clim() == (0, 1) and memory.images[0].get_clim() == (-2, 2)
    assert gate.images[0].get_array().shape == (2, 3)  # a row for each unit, a column for each step
    assert [line.get_xdata()[0] for line in gate.lines] == [1]
    looks.assert_legible(figure)
