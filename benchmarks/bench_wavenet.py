"""WaveNet's generation in NumPy: cached against naive, and against the cache's own matrix products.

One clip, float64 (the generator's own type: in it both ways draw the same samples), 64 residual and 128 skip channels,
kernel size 2, 256 classes, one draw of the softmax a sample. Naive: the network runs over its receptive field for each
sample. The receptive field doubles with every layer (4 to 12 layers), as in the paper; in the last rows the number of
layers stays 12 and only the dilations grow, which shows what the reach alone costs.
"""

import numpy as np

from benchmarks.timing import measure, row
from utils import runtime
from utils.audio.generation import CachedWaveNet, NumpyWaveNet, choose

FIELDS = (16, 64, 256, 1024, 4096)
GOAL, GOAL_AT = 1 / 100, 1024  # cached / naive
FLAT = 1.1  # cost of a cached sample at the largest field / at the smallest, with the same number of layers


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    lines = []
    for field in FIELDS:
        network = random_network([2**i for i in range(int(np.log2(field)))])
        calls = {"cached": cached(network), "naive": naive(network), "its matrix products": products(network)}
        times = measure(calls, rounds=5)
        work = f"WaveNet sample, receptive field {field}"
        lines.append(row(f"{work}, cached", times, "cached", "naive", GOAL if field == GOAL_AT else None))
        lines.append(row(f"{work}, cached", times, "cached", "its matrix products"))
    networks = {field: random_network(same_layers(field)) for field in (FIELDS[0], FIELDS[-1])}
    times = measure({f"field {field}": cached(network) for field, network in networks.items()})
    low, high = times
    lines.append(row(f"WaveNet sample, 12 layers, {high}, cached", times, high, low, FLAT))
    return lines


def same_layers(field, layers=12):
    """Dilations of `layers` layers that add up to `field` − 1."""
    return np.diff(np.linspace(0, field - 1, layers + 1).round().astype(int)).tolist()


def random_network(dilations, channels=64, skip=128, classes=256):
    """A network with random weights, without building it in Keras."""
    rng = np.random.default_rng(0)

    class Layer:
        def __init__(self, name, *shape, dilation_rate=1):
            self.name, self.dilation_rate = name, (dilation_rate,)
            self.weights = rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1])), np.zeros(shape[-1])

        def get_weights(self):
            return self.weights

    class Model:
        layers = [
            Layer("input_conv", 2, classes, channels),
            Layer("post_1", skip, skip),
            Layer("logits", skip, classes),
        ]

    for number, dilation in enumerate(dilations, start=1):
        Model.layers.append(Layer(f"dilated_{number}", 2, channels, 2 * channels, dilation_rate=dilation))
        Model.layers.append(Layer(f"skip_{number}", channels, skip))
        if number < len(dilations):
            Model.layers.append(Layer(f"residual_{number}", channels, channels))
    return NumpyWaveNet(Model)


def cached(network):
    """Function that generates one more sample with the cache."""
    cache, rng = CachedWaveNet(network), np.random.default_rng(0)
    last = [np.array([128])]

    def run():
        last[0] = choose(cache.step(last[0]), rng.random(1))

    return run


def naive(network):
    """Function that generates one sample from a full window."""
    rng = np.random.default_rng(0)
    window = rng.integers(0, network.classes, (1, network.receptive_field))
    return lambda: choose(network.forward(window)[:, -1], rng.random(1))


def products(network):
    """Function that does the matrix products of a cached step and nothing else, on arrays that lie ready."""
    weights, C = network.weights, network.channels
    vectors = {size: np.ones((1, size)) for size in {2 * C, C, network.blocks * C, weights["post_1"][1].size}}
    matrices = [weights[f"dilated_{i}"][0].reshape(2 * C, 2 * C) for i in range(1, network.blocks + 1)]
    matrices += [weights[f"residual_{i}"][0] for i in range(1, network.blocks)]
    matrices += [np.concatenate([weights[f"skip_{i}"][0] for i in range(1, network.blocks + 1)])]
    matrices += [weights["post_1"][0], weights["logits"][0]]
    pairs = [(vectors[len(m)], m, np.empty((1, m.shape[1]))) for m in matrices]

    def run():
        for vector, matrix, out in pairs:
            np.matmul(vector, matrix, out=out)

    return run
