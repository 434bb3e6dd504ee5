"""How near a peer's answers are to those of the float model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.float64]


def of_outputs(outputs: ArrayLike, reference: ArrayLike) -> dict[str, float]:
    """Raw outputs [n, width] against the float model's.

    `cosine` is the mean over texts. `centred_cosine` is taken after the float model's mean output
    was taken away from both: outputs that hardly depend on the text have a high cosine anyway.
    `largest_difference` is over all texts and columns.
    """
    found, expected = np.asarray(outputs, np.float64), np.asarray(reference, np.float64)
    mean = expected.mean(0)
    return {
        "cosine": float(np.mean(_cosines(found, expected))),
        "least_cosine": float(np.min(_cosines(found, expected))),
        "centred_cosine": float(np.mean(_cosines(found - mean, expected - mean))),
        "largest_difference": float(np.abs(found - expected).max()),
    }


def of_labels(labels: Sequence[str], reference: Sequence[str]) -> dict[str, float]:
    """The share of texts that get the float model's label."""
    equal = [mine == theirs for mine, theirs in zip(labels, reference, strict=True)]
    return {"equal_labels": sum(equal) / len(equal)}


def _cosines(one: Rows, other: Rows) -> Rows:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    # An artifact that answers zeros has no direction, and agrees with nothing.
    return np.divide((one * other).sum(1), lengths, out=np.zeros(len(one)), where=lengths > 0)
