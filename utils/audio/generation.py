"""Generating sound with a WaveNet in NumPy, sample after sample: naively, and with a cache of what is known already.

Each new sample needs the network's last logit. Naively the whole receptive field runs through the network again. But
of everything that a dilated convolution reads only the newest value is new: the others are outputs of the layer below
at earlier steps. Keep each of them in a queue for as long as the layer's dilation is, and a sample costs one column of
the network, however far it looks back (Le Paine et al. 2016, "Fast Wavenet Generation Algorithm").
"""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.causal_conv1d import CausalConv1D, receptive_field
from utils.numpy_layers.gated_activation import GatedActivation


class NumpyWaveNet:
    """The forward pass of `keras_models.wavenet` with the same weights.

    Args:
        model: the Keras model.
        dtype: float64 tells two ways to compute a sample apart from two roundings of it.

    Attributes:
        classes, channels, dilations, kernel_size, input_kernel_size: the model's sizes.
        receptive_field: samples that one logit sees.
    """

    def __init__(self, model, dtype="float64"):
        layers = {layer.name: layer for layer in getattr(model, "layers", [])}
        if "input_conv" not in layers or "logits" not in layers:
            raise TypeError(f"model must be a keras_models.wavenet, got {model!r}")
        self.dtype = checks.float_dtype(dtype)
        self.weights = {
            name: [np.asarray(weight, self.dtype) for weight in layer.get_weights()]
            for name, layer in layers.items()
            if layer.get_weights()
        }
        self.blocks = sum(name.startswith("dilated_") for name in layers)
        self.dilations = [layers[f"dilated_{i}"].dilation_rate[0] for i in range(1, self.blocks + 1)]
        self.classes = self.weights["logits"][1].size
        self.input_kernel_size, _, self.channels = self.weights["input_conv"][0].shape
        self.kernel_size = self.weights["dilated_1"][0].shape[0]
        self.receptive_field = receptive_field(self.dilations, self.kernel_size) + self.input_kernel_size - 1

    def forward(self, ids):
        """Classes (N, T) → logits (N, T, classes), all steps at once, as in training."""
        ids = self.checked(ids)
        x = self._first(ids)
        skips = 0
        for number, dilation in enumerate(self.dilations, start=1):
            z = GatedActivation().forward(self._conv(f"dilated_{number}", x, dilation))
            skips = skips + self.dense(f"skip_{number}", z)
            if number < self.blocks:
                x = x + self.dense(f"residual_{number}", z)
        return self.dense("logits", np.maximum(self.dense("post_1", np.maximum(skips, 0)), 0))

    def dense(self, name, x):
        """A 1×1 convolution: (…, C) → (…, F)."""
        kernel, bias = self.weights[name]
        return x @ kernel + bias

    def checked(self, ids):
        """The classes as (N, T) whole numbers, N and T at least 1.

        Raises:
            TypeError, ValueError: for other types, ranks or classes.
        """
        ids = np.asarray(ids)
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"the samples must be classes (whole numbers), got {ids.dtype}; use mu_law.encode")
        if ids.ndim != 2 or 0 in ids.shape:
            raise ValueError(
                f"the classes must have shape (N, T), both at least 1, got {ids.shape}; for one clip: ids[None]"
            )
        if ids.min() < 0 or ids.max() >= self.classes:
            raise ValueError(f"classes must lie in 0 … {self.classes - 1}, got {ids.min()} … {ids.max()}")
        return ids

    def _first(self, ids):
        """The first convolution, (N, T, C): its product with a one-hot class is a row of the kernel."""
        kernel, bias = self.weights["input_conv"]
        x = np.broadcast_to(bias, (*ids.shape, self.channels)).copy()
        for tap, rows in enumerate(kernel):
            lag = min(self.input_kernel_size - 1 - tap, ids.shape[1])
            x[:, lag:] += rows[ids[:, : ids.shape[1] - lag]]
        return x

    def _conv(self, name, x, dilation_rate):
        kernel, bias = self.weights[name]
        conv = CausalConv1D(kernel.shape[2], kernel.shape[0], kernel.shape[1], dilation_rate, dtype=self.dtype)
        conv.params = {"kernel": kernel, "bias": bias}
        return conv.forward(x)


class CachedWaveNet:
    """The same network, one step at a time: each convolution keeps in queues what later steps will need.

    A queue holds the products of an input with the kernel's earlier taps: they are formed when the input is there, in
    one product with that of the newest tap, and picked up `dilation` steps later.

    Args:
        network: a NumpyWaveNet.
        batch: number N of clips that are generated side by side.
    """

    def __init__(self, network, batch=1):
        self.network, self.batch = network, checks.positive_int("batch", batch)
        C, shift = network.channels, 0  # the residual biases that x would hold by now: they move into the kernels
        # σ(g) = (1 + tanh(g / 2)) / 2: with half of the gate's weights one tanh serves filter and gate …
        halves = np.repeat([1.0, 0.5], C).astype(network.dtype)
        self._kernels, self._residuals = [], []
        for number in range(1, network.blocks + 1):
            kernel, bias = network.weights[f"dilated_{number}"]
            constant = shift @ kernel if number > 1 else np.zeros((network.kernel_size, 2 * C), network.dtype)
            constant[-1] += bias
            rows = np.concatenate([kernel, constant[:, None]], axis=1) * halves  # (k, C + 1, 2C)
            self._kernels.append(np.ascontiguousarray(rows.transpose(1, 0, 2)).reshape(C + 1, -1))
            if number < network.blocks:
                kernel, bias = network.weights[f"residual_{number}"]
                self._residuals.append(kernel / 2)  # … and tanh · (1 + tanh) is twice tanh · σ
                shift = shift + bias
        skips = [network.weights[f"skip_{number}"] for number in range(1, network.blocks + 1)]
        self._skip = np.concatenate([kernel for kernel, _ in skips]) / 2, sum(bias for _, bias in skips)
        self.reset()

    def reset(self):
        """Forget everything: all queues hold zeros, which is the padding before the first sample."""
        net, N, C, k = self.network, self.batch, self.network.channels, self.network.kernel_size
        self.steps = 0
        self._recent = [None] * (net.input_kernel_size - 1)
        self._x, self._more = np.ones((N, C + 1), net.dtype), np.empty((N, C), net.dtype)  # last column: the bias
        self._products, self._z = np.empty((N, k * 2 * C), net.dtype), np.empty((N, net.blocks * C), net.dtype)
        parts = np.split(self._products, k, axis=1)  # views: what each tap makes of x
        self._now, self._content, self._gate = parts[-1], parts[-1][:, :C], parts[-1][:, C:]
        # A queue is a ring: what is written at step t is read, and replaced, `lag` steps later.
        self._queues = [
            [(part, np.zeros(((k - 1 - tap) * d, N, 2 * C), net.dtype)) for tap, part in enumerate(parts[:-1])]
            for d in net.dilations
        ]
        self._outs = np.split(self._z, net.blocks, axis=1)

    def step(self, ids):
        """The next class of each clip (N,) → logits (N, classes) of the one after it.

        Raises:
            ValueError: if there are more or fewer classes than clips.
        """
        net, now, ids = self.network, self._now, np.array(ids)
        if ids.shape != (self.batch,):
            raise ValueError(f"step takes one class for each of the {self.batch} clips, got shape {ids.shape}")
        x = self._x[:, :-1]
        x[:] = self._first(ids)
        for block, (kernel, queues, out) in enumerate(zip(self._kernels, self._queues, self._outs, strict=True)):
            self._x.dot(kernel, self._products)  # on arrays this small it starts in half the time of matmul
            for part, queue in queues:
                slot = queue[self.steps % len(queue)]
                now += slot
                slot[:] = part
            np.tanh(now, out=now)
            self._gate += 1
            np.multiply(self._content, self._gate, out=out)
            if block < len(self._residuals):
                x += out.dot(self._residuals[block], self._more)
        self.steps += 1
        skips = self._z @ self._skip[0]
        skips += self._skip[1]
        hidden = net.dense("post_1", np.maximum(skips, 0, out=skips))
        return net.dense("logits", np.maximum(hidden, 0, out=hidden))

    def _first(self, ids):
        """Output of the first convolution, (N, C): a row of its kernel for each of the last classes."""
        kernel, bias = self.network.weights["input_conv"]
        x = bias + kernel[-1][ids]
        for rows, past in zip(kernel, self._recent, strict=False):
            if past is not None:
                x += rows[past]
        self._recent = [*self._recent, ids][1:]
        return x


def choose(logits, uniform, temperature=1.0):
    """One class a row by inversion: the first whose cumulated probability exceeds the uniform number.

    Args:
        logits: (N, classes).  uniform: (N,) in [0, 1).  temperature: logits are divided by it; 0 takes the largest.

    Returns:
        (N,) int64.
    """
    if temperature < 0:
        raise ValueError(f"temperature must be 0 or more, got {temperature}")
    if temperature == 0:
        return np.argmax(logits, axis=-1)
    p = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    p = np.cumsum(p, axis=-1)
    return np.minimum((p <= uniform[:, None] * p[:, -1:]).sum(axis=-1), p.shape[-1] - 1)


def generate_naively(network, first, count, rng, temperature=1.0):
    """Append `count` samples to the clips; the network runs over its whole receptive field for each.

    Args:
        network: NumpyWaveNet.  first: classes (N, T) to go on from, T ≥ 1.  count: samples to add.
        rng: NumPy random generator; one number a sample and clip.  temperature: as in `choose`.

    Returns:
        classes (N, T + count), int64.
    """
    ids, count = _start(network, first, count)
    for t in range(ids.shape[1] - count, ids.shape[1]):
        window = ids[:, max(0, t - network.receptive_field) : t]
        logits = network.forward(window)[:, -1]
        ids[:, t] = choose(logits, rng.random(len(ids)), temperature)
    return ids


def generate(network, first, count, rng, temperature=1.0):
    """The same samples from the same random numbers, with the cache. Arguments and result: as `generate_naively`."""
    ids, count = _start(network, first, count)
    cached = CachedWaveNet(network, len(ids))
    begin = ids.shape[1] - count
    for t in range(begin - 1):  # fill the queues
        cached.step(ids[:, t])
    for t in range(begin, ids.shape[1]):
        ids[:, t] = choose(cached.step(ids[:, t - 1]), rng.random(len(ids)), temperature)
    return ids


def _start(network, first, count):
    first, count = network.checked(first), checks.positive_int("count", count)
    return np.concatenate([first, np.zeros((len(first), count), int)], axis=1).astype(np.int64), count


def multiplications(network, length=1):
    """Multiplications in the matrix products when `length` steps run through the network; a cached step is one.

    The first convolution multiplies nothing: with one-hot input it looks rows up.
    """
    C, skip = network.channels, network.weights["post_1"][1].size
    blocks = network.blocks * (network.kernel_size * C * 2 * C + C * skip) + (network.blocks - 1) * C * C
    return length * (blocks + skip * skip + skip * network.classes)
