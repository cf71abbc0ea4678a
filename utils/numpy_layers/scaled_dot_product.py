"""Scaled dot-product attention, forward and backward (Vaswani et al. 2017, §3.2.1, eq. (1)):

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V

The last two axes are positions and features; all axes before them (batch, heads) are treated alike.
"""

import math

import numpy as np

from utils.numpy_layers.softmax import softmax


def forward(q, k, v, mask=None):
    """The context of every query, and the weights with which it reads the values.

    Args:
        q: queries (…, T, d_k).  k: keys (…, S, d_k).  v: values (…, S, d_v).
        mask: bool, broadcast to (…, T, S): True where a query may look at a key. Each query must have a key.

    Returns:
        context (…, T, d_v), weights (…, T, S): each row of the weights sums to 1 and is exactly 0 where masked.
    """
    # Scaling the queries costs T·d_k products, scaling the scores T·S.
    scores = np.matmul(q * q.dtype.type(1 / math.sqrt(q.shape[-1])), np.swapaxes(k, -1, -2))
    weights = softmax(scores, mask)
    return np.matmul(weights, v), weights


def backward(d_context, q, k, v, context, weights):
    """Gradients of a scalar loss, given its gradient with respect to the context.

    With A = softmax(S), S = Q Kᵀ / √d_k:  dV = Aᵀ dC,  dA = dC Vᵀ,  dS = A ⊙ (dA − rowsum(A ⊙ dA)),
    dQ = dS K / √d_k,  dK = dSᵀ Q / √d_k. A masked place has A = 0 and so passes no gradient.

    Args:
        d_context: (…, T, d_v).
        q, k, v: as in `forward`.  context, weights: what it returned.

    Returns:
        dq, dk, dv: of the shapes of q, k, v.
    """
    dv = np.matmul(np.swapaxes(weights, -1, -2), d_context)
    d_scores = np.matmul(d_context, np.swapaxes(v, -1, -2))
    # rowsum(A ⊙ dA) = rowsum(C ⊙ dC), since C = A V: a sum over d_v numbers in place of S.
    d_scores -= np.sum(context * d_context, axis=-1, keepdims=True)
    d_scores *= weights
    scale = q.dtype.type(1 / math.sqrt(q.shape[-1]))
    dq = np.matmul(d_scores, k)
    dq *= scale
    dk = np.matmul(np.swapaxes(d_scores, -1, -2), q)
    dk *= scale
    return dq, dk, dv
