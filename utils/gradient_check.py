"""Three ways to doubt a backward pass: numerical gradients, Keras' own gradients, and one number for their distance."""

import numpy as np


def numerical_gradient(loss, array, eps=1e-5):
    """Central-difference gradient of a scalar function with respect to one array.

    Args:
        loss: function without arguments that returns a float and reads `array`.
        array: float64 array of any shape. It is changed in place element by element and restored.
        eps: half the step; the truncation error is O(eps²), the rounding error O(1e-16 / eps).

    Returns:
        Array of the same shape: dloss/darray.

    Raises:
        TypeError: if `array` is not float64 (in float32 the rounding error hides the answer).
    """
    if array.dtype != np.float64:
        raise TypeError(f"numerical_gradient needs a float64 array, got {array.dtype}; use array.astype('float64')")
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + eps
        above = loss()
        array[index] = kept - eps
        below = loss()
        array[index] = kept
        gradient[index] = (above - below) / (2 * eps)
    return gradient


def relative_error(a, b):
    """Largest difference between two arrays, relative to the largest value in either.

    Returns max|a - b| / max(1, max|a|, max|b|): absolute for small values, relative for large ones.

    Raises:
        ValueError: if the shapes differ (broadcasting would hide the mistake).
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"the arrays have different shapes: {a.shape} and {b.shape}")
    if a.size == 0:
        raise ValueError(f"nothing to compare: the arrays are empty (shape {a.shape})")
    scale = max(1.0, float(np.max(np.abs(a))), float(np.max(np.abs(b))))
    difference = float(np.max(np.abs(a - b)))
    # A NaN compares as equal to nothing and would slip through `max`; it must count as the worst case.
    return difference / scale if np.isfinite(difference) else float("inf")


def check_layer(layer, x, seed=0, eps=1e-5):
    """Compare a layer's backward pass with numerical gradients.

    The loss is sum(dy * layer.forward(x)) for a fixed random `dy`, so that its gradients are exactly what
    `layer.backward(dy)` returns (dx) and leaves in `layer.grads`.

    Args:
        layer: object with `forward(x)`, `backward(dy)` and the dicts `params` and `grads`, all float64.
        x: input, float64.
        seed: of the random `dy`.

    Returns:
        dict from "x" and each parameter's name to its relative error (expect < 1e-6).
    """
    dy = np.random.default_rng(seed).standard_normal(layer.forward(x).shape)
    dx = layer.backward(dy)
    analytic = {"x": dx, **{name: np.array(grad) for name, grad in layer.grads.items()}}
    if set(layer.grads) != set(layer.params):
        raise ValueError(f"params {sorted(layer.params)} and grads {sorted(layer.grads)} do not name the same arrays")

    def loss():
        return float(np.sum(dy * layer.forward(x)))

    arrays = {"x": x, **layer.params}
    return {
        name: relative_error(analytic[name], numerical_gradient(loss, array, eps)) for name, array in arrays.items()
    }


def keras_gradients(layer, x, dy):
    """Output and gradients of a Keras layer, for the loss sum(dy * layer(x)).

    Works on the TensorFlow backend (GradientTape) and on the JAX backend (vjp of `stateless_call`), so that a chapter
    can show agreement on CPU, GPU and TPU alike.

    Products are computed in full float32 precision, which recent GPUs and TPUs leave by default.

    Args:
        layer: a Keras layer or model; where it has no weights yet, it is called once to make them.
        x: input array, batch first; a list of arrays for a model with several inputs.
        dy: array of the output's shape.

    Returns:
        (y, dx, dweights): NumPy arrays; dx a list where x is one; dweights in the order of `layer.trainable_weights`.
    """
    import keras

    backend = keras.backend.backend()
    if not layer.built:
        layer(keras.tree.map_structure(keras.ops.convert_to_tensor, x))
    weights = [weight.value for weight in layer.trainable_weights]
    if backend == "tensorflow":
        import tensorflow as tf

        switch = tf.config.experimental
        kept = switch.tensor_float_32_execution_enabled()
        switch.enable_tensor_float_32_execution(False)
        try:
            inputs = tf.nest.map_structure(tf.convert_to_tensor, x)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                y = layer(inputs)
                loss = tf.reduce_sum(tf.cast(dy, y.dtype) * y)
            dx, dweights = tape.gradient(loss, (inputs, weights))
        finally:
            switch.enable_tensor_float_32_execution(kept)
    elif backend == "jax":
        import jax

        fixed = [weight.value for weight in layer.non_trainable_variables]

        def call(weights, inputs):
            return layer.stateless_call(weights, fixed, inputs)[0]

        with jax.default_matmul_precision("highest"):
            y, pull_back = jax.vjp(call, weights, jax.tree.map(jax.numpy.asarray, x))
            dweights, dx = pull_back(jax.numpy.asarray(dy, y.dtype))
    else:
        raise ValueError(f"keras_gradients knows the backends 'tensorflow' and 'jax', not {backend!r}")
    dx = [np.asarray(g) for g in dx] if isinstance(x, list) else np.asarray(dx)
    return np.asarray(y), dx, [np.asarray(g) for g in dweights]
