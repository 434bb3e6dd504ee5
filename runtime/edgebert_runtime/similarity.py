"""Cosine similarity of vectors, and the nearest of many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.errors import InputError, shortened

Vectors = NDArray[np.float32]
"""Float16 will do too."""

_BLOCK_NUMBERS = 2**18
"""Numbers of an array that are looked at at a time: 2 MB in float64, which a cache can hold."""
_BLOCK_QUERIES = 32


class Matches(NamedTuple):
    """The nearest vectors of each query, nearest first."""

    indices: NDArray[np.int64]
    """[queries, k]: rows of the array that was searched."""
    scores: NDArray[np.float32]
    """[queries, k]: cosines, from -1 to 1."""


def similarity(first: Vectors, second: Vectors) -> NDArray[np.float32]:
    """Cosine similarities [n, m] of the rows of [n, dimension] and [m, dimension].

    Computed in float64, so that no float32 vector is too long or too short. The cosine with a
    vector of zeros is 0.

    Raises:
        InputError: for arrays of another shape or type, or numbers that are not finite.
    """
    _check(first=first, second=second)
    cosines: NDArray[np.float64] = _unit(first, "first") @ _unit(second, "second").T
    np.clip(cosines, -1, 1, out=cosines)
    return cosines.astype(np.float32)


def search(queries: Vectors, vectors: Vectors, *, top_k: int = 10) -> Matches:
    """The `top_k` rows of `vectors` [n, dimension] nearest to each of `queries` [q, dimension].

    By cosine, as `similarity` computes it; where it is equal, the earlier row comes first. More
    than there are gives all. Every row is compared, a block at a time: `vectors` may be a memory
    map (`np.load(path, mmap_mode="r")`) of any length, and beside the results some 10 MB are used.

    Raises:
        InputError: for arrays of another shape or type, numbers that are not finite, or a `top_k`
            below 1.
    """
    _check(queries=queries, vectors=vectors)
    if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
        raise InputError(f"top_k: got {shortened(top_k)}, expected a whole number of at least 1")
    parts = [
        _nearest(_unit(queries[start : start + _BLOCK_QUERIES], "queries", start), vectors, top_k)
        for start in range(0, max(1, len(queries)), _BLOCK_QUERIES)
    ]
    return Matches(
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _nearest(queries: NDArray[np.float64], vectors: Vectors, top_k: int) -> Matches:
    best = Matches(
        np.empty((len(queries), 0), dtype=np.int64), np.empty((len(queries), 0), dtype=np.float32)
    )
    rows = max(1, _BLOCK_NUMBERS // max(_BLOCK_QUERIES, vectors.shape[1]))
    for start in range(0, len(vectors), rows):
        block = _unit(vectors[start : start + rows], "vectors", start)
        # Not a matrix product: its last digits depend on where a row stands, and equal rows would
        # not always have equal scores.
        scores = np.clip(np.einsum("qd,nd->qn", queries, block), -1, 1).astype(np.float32)
        indices = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        scores = np.concatenate([best.scores, scores], axis=1)
        indices = np.concatenate([best.indices, indices], axis=1)
        # A stable sort keeps equal scores in the order of the rows.
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        best = Matches(
            np.take_along_axis(indices, order, axis=1), np.take_along_axis(scores, order, axis=1)
        )
    return best


def _unit(vectors: Vectors, name: str, start: int = 0) -> NDArray[np.float64]:
    """Rows of length 1, or of zeros; `start` is the first row's place, for the message."""
    rows = np.asarray(vectors, dtype=np.float64)
    squares = np.einsum("nd,nd->n", rows, rows)
    if not np.isfinite(squares).all():
        row = start + int(np.argmin(np.isfinite(squares)))
        raise InputError(f"{name}[{row}] holds numbers that are not finite; leave it out")
    lengths = np.sqrt(squares)
    lengths[lengths == 0] = 1
    unit: NDArray[np.float64] = rows / lengths[:, np.newaxis]
    return unit


def _check(**arrays: Vectors) -> None:
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(f"{name}: got {shortened(array)}, expected a numpy array of float32")
        if array.dtype not in (np.float16, np.float32) or array.ndim != 2:
            raise InputError(
                f"{name}: got {array.dtype} of shape {array.shape}, expected float32 "
                "[n, dimension], as embed() gives it"
            )
    (first, second), (one, other) = arrays, arrays.values()
    if one.shape[1] != other.shape[1]:
        raise InputError(
            f"{first} and {second}: got the dimensions {one.shape[1]} and {other.shape[1]}, "
            "expected the same; embed both with one model"
        )
