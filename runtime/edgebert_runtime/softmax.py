"""Logits → probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Probabilities that add up to 1 along an axis; of the shape of the logits."""
    exact = logits.astype(np.float64)
    weights = np.exp(exact - exact.max(axis=axis, keepdims=True))
    probabilities: NDArray[np.float64] = weights / weights.sum(axis=axis, keepdims=True)
    return probabilities
