"""Loss functions by hand. Each returns the loss and its gradient with respect to the first argument.

MSE and binary cross entropy are means over all elements, softmax cross entropy over all axes but the class axis, as in
Keras.
"""

import numpy as np

from utils.numpy_layers.activations import sigmoid


def _same_shape(name, prediction, targets):
    if prediction.shape != targets.shape:
        raise ValueError(f"{name} {prediction.shape} and targets {targets.shape} must have the same shape")


def mean_squared_error(y, targets):
    """mean((y - targets)²) and its gradient.

    Raises:
        ValueError: if the shapes differ (broadcasting would hide the mistake).
    """
    _same_shape("y", y, targets)
    difference = y - targets
    return float(np.mean(difference**2)), 2 * difference / difference.size


def binary_crossentropy(logits, targets):
    """Mean of -[d·log σ(v) + (1 - d)·log(1 - σ(v))] over all elements, and its gradient (σ(v) - d) / size.

    Taking logits v instead of probabilities keeps it finite for any v: log σ(v) is never formed.

    Raises:
        ValueError: if the shapes differ.
    """
    _same_shape("logits", logits, targets)
    loss = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return float(np.mean(loss)), (sigmoid(logits) - targets) / logits.size


def softmax_crossentropy(logits, labels):
    """Mean cross entropy of softmax(logits) (…, classes) against integer labels (…), and its gradient.

    Raises:
        ValueError: if the labels' shape is not the logits' without the last axis, or a label is no class.
    """
    if labels.shape != logits.shape[:-1]:
        raise ValueError(f"labels {labels.shape} must have the shape of logits {logits.shape} without the last axis")
    classes = logits.shape[-1]
    if labels.size and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {labels.min()} … {labels.max()}")
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    at_label = np.expand_dims(labels, -1)
    loss = -float(np.mean(np.take_along_axis(log_p, at_label, axis=-1)))
    gradient = np.exp(log_p)
    np.put_along_axis(gradient, at_label, np.take_along_axis(gradient, at_label, axis=-1) - 1, axis=-1)
    return loss, gradient / labels.size
