"""The NumPy WaveNet is the Keras model; the cached generation is the naive one, sample for sample."""

import types

import numpy as np
import pytest

from utils.audio import generation

SIZES = {
    "as in the chapter": dict(dilations=(1, 2, 4, 8)),
    "two cycles": dict(dilations=(1, 2, 4, 1, 2, 4)),
    "three taps": dict(dilations=(1, 3), kernel_size=3, input_kernel_size=3),
    "one tap, one block": dict(dilations=(5,), kernel_size=1, input_kernel_size=1),
}


def stand_in(dilations, kernel_size=2, input_kernel_size=2, C=5, S=6, V=16):
    """What NumpyWaveNet reads of a Keras model, with biases that are not zero and logits that say something."""
    rng = np.random.default_rng(0)

    def layer(name, *shape, dilation_rate=1):
        weights = [rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1])), 0.4 * rng.standard_normal(shape[-1])]
        return types.SimpleNamespace(name=name, dilation_rate=(dilation_rate,), get_weights=lambda: weights)

    layers = [layer("input_conv", input_kernel_size, V, C), layer("post_1", S, S), layer("logits", S, V)]
    for number, dilation in enumerate(dilations, start=1):
        layers.append(layer(f"dilated_{number}", kernel_size, C, 2 * C, dilation_rate=dilation))
        layers.append(layer(f"skip_{number}", C, S))
        if number < len(dilations):
            layers.append(layer(f"residual_{number}", C, C))
    return types.SimpleNamespace(layers=layers)


@pytest.fixture(params=SIZES)
def network(request):
    return generation.NumpyWaveNet(stand_in(**SIZES[request.param]))


def ids(n=2, t=40, classes=16):
    return np.random.default_rng(1).integers(0, classes, (n, t))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_logits_are_those_of_keras(sizes):
    import keras

    from utils.keras_models.wavenet import wavenet

    keras.utils.set_random_seed(0)
    model = wavenet(residual_channels=5, skip_channels=6, classes=16, **sizes)
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.4 * rng.standard_normal(w.shape) for w in model.get_weights()])
    theirs = keras.ops.convert_to_numpy(model(ids()))
    ours = generation.NumpyWaveNet(model).forward(ids())
    assert np.std(ours) > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.max(np.abs(theirs)))
    # The stand-in of the other tests has the same layers.
    shapes = {layer.name: [w.shape for w in layer.get_weights()] for layer in stand_in(**sizes).layers}
    assert shapes == {x.name: [tuple(w.shape) for w in x.get_weights()] for x in model.layers if x.get_weights()}


def test_a_cached_step_gives_the_logits_of_the_whole(network):
    """Also while the queues still hold the padding, and after they have gone round several times."""
    cached, whole = generation.CachedWaveNet(network, batch=2), network.forward(ids())
    for _ in range(2):
        steps = np.stack([cached.step(ids()[:, t]) for t in range(40)], axis=1)
        np.testing.assert_allclose(steps, whole, atol=1e-12)
        cached.reset()


def test_cached_and_naive_generation_agree_sample_for_sample(network):
    for length in (1, network.receptive_field, network.receptive_field + 9):
        for temperature in (0, 0.7, 1.0):
            first = ids(t=length)
            naive, cached = (
                way(network, first, 60, np.random.default_rng(3), temperature)
                for way in (generation.generate_naively, generation.generate)
            )
            assert np.array_equal(naive, cached)
            assert naive.shape == (2, length + 60) and np.array_equal(naive[:, :length], first)
            assert temperature == 0 or len(np.unique(naive)) > 5


def test_logits_see_the_receptive_field_and_no_more(network):
    R, x = network.receptive_field, ids(1, 60)
    before = network.forward(x)
    changed = x.copy()
    changed[0, 20] = (x[0, 20] + 7) % 16
    reached = np.flatnonzero(np.any(network.forward(changed) != before, axis=(0, 2)))
    assert reached[0] == 20 and reached[-1] == 20 + R - 1


def test_choose_draws_from_the_softmax():
    logits = np.log([[0.1, 0.2, 0.3, 0.4]])
    drawn = [generation.choose(logits, np.array([u]))[0] for u in (0.0, 0.0999, 0.1001, 0.59, 0.61, 0.999999)]
    assert drawn == [0, 0, 1, 2, 3, 3]
    uniform = np.random.default_rng(0).random(20_000)
    for temperature, expected in ((1.0, [0.1, 0.2, 0.3, 0.4]), (0.5, np.array([1, 4, 9, 16]) / 30)):
        share = np.bincount(generation.choose(np.repeat(logits, 20_000, 0), uniform, temperature)) / 20_000
        np.testing.assert_allclose(share, expected, atol=0.015)
    assert generation.choose(logits, uniform[:1], 0) == 3
    assert generation.choose(np.array([[0.0, 1000.0, -1000.0]]), np.array([0.5])) == 1  # nothing overflows


def test_multiplications_are_counted_from_the_shapes(network):
    kernels = [weights[0] for name, weights in network.weights.items() if name != "input_conv"]  # that is looked up
    assert generation.multiplications(network) == sum(kernel.size for kernel in kernels)
    assert generation.multiplications(network, 30) == 30 * generation.multiplications(network)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda net: generation.NumpyWaveNet(None), TypeError, "model must be a keras_models.wavenet"),
        (lambda net: net.forward(ids()[0]), ValueError, r"the classes must have shape \(N, T\)"),
        (lambda net: net.forward(ids(t=0)), ValueError, r"both at least 1, got \(2, 0\)"),
        (lambda net: net.forward(ids() / 2), TypeError, "the samples must be classes"),
        (lambda net: net.forward(ids() + 1), ValueError, "classes must lie in 0 … 15"),
        (lambda net: generation.generate(net, ids(), 0, None), ValueError, "count must be at least 1"),
        (lambda net: generation.CachedWaveNet(net, 2).step(np.array([1, 2, 3])), ValueError, "each of the 2 clips"),
        (lambda net: generation.choose(np.zeros((1, 3)), np.zeros(1), -1), ValueError, "temperature must be 0 or more"),
    ],
)
def test_errors_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call(generation.NumpyWaveNet(stand_in((1, 2))))
