"""The three products every convolution layer is made of, computed chunk by chunk so that the columns stay in cache.

With X = im2col(x), K the kernel as a matrix (k_h·k_w·C rows, F columns) and Y, dY the output positions as rows:

    convolve           Y  = X K
    kernel_gradient    dK = Xᵀ dY
    input_gradient     dx = col2im(dY Kᵀ)

`input_gradient` is the transpose of `convolve` as a linear map of x. Conv2D uses it backward, Conv2DTranspose forward.
Geometry (strides, padding, dilation_rate) always describes the convolution x → y.
"""

import numpy as np

from utils.numpy_layers.im2col import col2im, geometry, im2col

# Bytes of columns worked on at once. On a quiet machine 1–4 MB were equally fast; on a busy one fewer, larger products
# wait less for each other. All columns of a batch at once (16 MB and more) cost up to 40 % more: they would leave the
# cache before the product reads them.
CHUNK_BYTES = 4 << 20


def convolve(x, kernel, strides=1, padding="valid", dilation_rate=1):
    """Convolution (in the deep-learning sense: the kernel is not flipped) of images with a kernel.

    Args:
        x: shape (batch, height, width, channels).
        kernel: shape (k_h, k_w, channels, filters).

    Returns:
        y: shape (batch, out_h, out_w, filters).
    """
    window = dict(kernel_size=kernel.shape[:2], strides=strides, padding=padding, dilation_rate=dilation_rate)
    matrix = kernel.reshape(-1, kernel.shape[3])
    y = np.empty((len(x), *geometry(x.shape, **window).output, kernel.shape[3]), x.dtype)
    for images, buffer in _chunks(y.shape, kernel.shape, x.dtype):
        np.matmul(im2col(x[images], **window, out=buffer), matrix, out=y[images].reshape(-1, y.shape[3]))
    return y


def kernel_gradient(x, dy, kernel_shape, strides=1, padding="valid", dilation_rate=1):
    """Gradient of sum(dy · convolve(x, kernel)) with respect to the kernel.

    Returns:
        array of shape `kernel_shape` = (k_h, k_w, channels, filters).
    """
    window = dict(kernel_size=kernel_shape[:2], strides=strides, padding=padding, dilation_rate=dilation_rate)
    dmatrix = np.zeros((int(np.prod(kernel_shape[:3])), kernel_shape[3]), x.dtype)
    for images, buffer in _chunks(dy.shape, kernel_shape, x.dtype):
        dmatrix += im2col(x[images], **window, out=buffer).T @ dy[images].reshape(-1, kernel_shape[3])
    return dmatrix.reshape(kernel_shape)


def input_gradient(dy, kernel, input_shape, strides=1, padding="valid", dilation_rate=1):
    """Gradient of sum(dy · convolve(x, kernel)) with respect to x: each output scatters its stamp of the kernel.

    Args:
        dy: shape (batch, out_h, out_w, filters).
        kernel: shape (k_h, k_w, channels, filters).
        input_shape: (batch, height, width, channels) of x.

    Returns:
        dx: shape `input_shape`.
    """
    window = dict(kernel_size=kernel.shape[:2], strides=strides, padding=padding, dilation_rate=dilation_rate)
    matrix = kernel.reshape(-1, kernel.shape[3])
    dx = np.empty(input_shape, dy.dtype)
    for images, buffer in _chunks(dy.shape, kernel.shape, dy.dtype):
        rows = dy[images].reshape(-1, kernel.shape[3])
        dcols = np.matmul(rows, matrix.T, out=buffer[: len(dy[images])].reshape(len(rows), -1))
        dx[images] = col2im(dcols, (len(dy[images]), *input_shape[1:]), **window)
    return dx


def _chunks(output_shape, kernel_shape, dtype):
    """Slices of the batch whose columns fill about CHUNK_BYTES, each with the same buffer for its columns."""
    batch, out_h, out_w, _ = output_shape
    image = (out_h, out_w, *kernel_shape[:3])
    size = max(1, CHUNK_BYTES // (int(np.prod(image)) * np.dtype(dtype).itemsize))
    buffer = np.empty((min(size, batch), *image), dtype)
    for start in range(0, batch, size):
        yield slice(start, start + size), buffer
