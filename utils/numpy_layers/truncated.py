"""Truncated BPTT for a recurrent layer whose output is its whole state (SimpleRNN, GRU; not LSTM)."""

import numpy as np

from utils.numpy_layers import checks


def truncated_bptt(layer, x, dy, k1, k2=None, initial_state=None):
    """Gradients by truncated BPTT: after every k1 steps, go back k2 steps and no further.

    The state k2 steps ago is used as a constant: its value is carried on, its gradient is cut. With k1 = k2 the
    sequence falls into chunks (what a stateful layer in Keras does); with k1 = 1 every loss reaches back k2 steps.

    This shows what the gradients are; it saves no memory, as it stores all states itself. `layer.grads` afterwards
    holds the last window only: use the returned dict.

    Source: Williams & Peng (1990), BPTT(h; h') with h = k2, h' = k1; Sutskever (2013), §2.8.6.

    Args:
        layer: recurrent layer with `forward(x, initial_state)`, `backward(dy)`, `grads` and `return_sequences=True`.
        x: (N, T, D).
        dy: gradient of the loss with respect to the layer's output (N, T, H).
        k1: steps between two backward passes.
        k2: steps that each backward pass goes back, k2 ≥ k1 (so that no step's loss is skipped); k1 where left out.
        initial_state: (N, H), or zeros.

    Returns:
        (dx, grads): gradient of x (N, T, D) and dict of the parameters' gradients; for k2 ≥ T those of full BPTT.

    Raises:
        ValueError: if k2 < k1, the layer does not return sequences, or `dy` does not fit its output.
        TypeError: if k1 or k2 is no whole number.
    """
    k1 = checks.positive_int("k1", k1)
    k2 = k1 if k2 is None else checks.positive_int("k2", k2)
    if k2 < k1:
        raise ValueError(f"k2 must be at least k1, or some losses are never propagated: got k1={k1}, k2={k2}")
    if not layer.return_sequences or layer.return_state:
        raise ValueError("truncated_bptt needs a layer with return_sequences=True and return_state=False")
    h = layer.forward(x, initial_state)
    checks.array("dy", dy, h.shape, h.dtype)
    T = x.shape[1]
    dx = np.zeros_like(x)
    grads = {name: np.zeros_like(param) for name, param in layer.params.items()}
    for end in range(k1, T + k1, k1):
        first_loss, end = end - k1, min(end, T)
        start = max(0, end - k2)
        layer.forward(x[:, start:end], h[:, start - 1].copy() if start else initial_state)
        dy_window = np.zeros_like(h[:, start:end])
        dy_window[:, first_loss - start :] = dy[:, first_loss:end]
        dx[:, start:end] += layer.backward(dy_window)
        for name, grad in layer.grads.items():
            grads[name] += grad
    return dx, grads
