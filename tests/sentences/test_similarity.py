"""Cosines and the nearest of many, beside a plain computation of the same."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

import edgebert
from edgebert_runtime.similarity import search, similarity

Floats = NDArray[np.float32]

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


def drawn(rows: int, dimension: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)


def plain_cosine(first: Floats, second: Floats) -> float:
    """In Python's own numbers."""
    one, other = first.tolist(), second.tolist()
    length = sum(x * x for x in one) ** 0.5 * sum(x * x for x in other) ** 0.5
    return sum(x * y for x, y in zip(one, other, strict=True)) / length if length else 0.0


def test_known_cosines() -> None:
    first = np.array([[1, 0], [3, 4]], dtype=np.float32)
    second = np.array([[2, 0], [-1, 0], [0, 0.1], [0, 0]], dtype=np.float32)
    cosines = similarity(first, second)
    assert cosines.dtype == np.float32
    expected = np.array([[1, -1, 0, 0], [0.6, -0.6, 0.8, 0]])
    assert cosines == pytest.approx(expected, abs=1e-7)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(np.float32, (3, 4), elements=finite),
    arrays.arrays(np.float32, (2, 4), elements=finite),
)
def test_any_finite_numbers(first: Floats, second: Floats) -> None:
    cosines = similarity(first, second)
    expected = [[plain_cosine(one, other) for other in second] for one in first]
    assert np.abs(cosines).max() <= 1
    assert cosines == pytest.approx(np.array(expected), abs=1e-6)


def test_longest_and_shortest_vectors() -> None:
    vectors = np.array([[LARGEST, LARGEST], [SMALLEST, SMALLEST], [0, 0]], dtype=np.float32)
    assert similarity(vectors, vectors).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("top_k", [1, 7, 5000])
@pytest.mark.parametrize(("rows", "dimension"), [(1500, 384), (10_000, 3), (1, 5), (0, 5)])
def test_search_is_brute_force(rows: int, dimension: int, top_k: int) -> None:
    vectors, queries = drawn(rows, dimension), drawn(40, dimension, seed=1)
    indices, scores = search(queries, vectors, top_k=top_k)
    cosines = similarity(queries, vectors)
    expected = -np.sort(-cosines, axis=1)[:, :top_k]
    assert indices.dtype == np.int64
    assert scores.shape == expected.shape == indices.shape
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(cosines, indices, axis=1), scores, atol=1e-6)
    assert all(len(set(row)) == len(row) for row in indices.tolist())


def test_equal_scores_keep_their_order() -> None:
    vectors = np.tile(drawn(1, 384), (5000, 1))
    vectors[1234] *= -1
    indices, scores = search(drawn(1, 384, seed=1), vectors, top_k=5000)
    same = [index for index in range(5000) if index != 1234]
    higher = scores[0].max() == scores[0, indices[0].tolist().index(0)]
    assert indices[0].tolist() == ([*same, 1234] if higher else [1234, *same])
    assert len(set(scores[0].tolist())) == 2


def test_twice_the_same() -> None:
    vectors, queries = drawn(3000, 16), drawn(3, 16, seed=1)
    first, second = search(queries, vectors), search(queries, vectors)
    assert first.indices.tobytes() == second.indices.tobytes()
    assert first.scores.tobytes() == second.scores.tobytes()


@pytest.mark.parametrize(("rows", "dimension"), [(200_000, 64), (2_000_000, 1), (100, 100_000)])
def test_a_memory_map_is_read_in_blocks(tmp_path: Path, rows: int, dimension: int) -> None:
    path = tmp_path / "vectors.npy"
    written = np.lib.format.open_memmap(path, "w+", np.float32, (rows, dimension))
    written[:] = 1
    written[rows - 1, 0] = 2
    written.flush()
    mapped = np.load(path, mmap_mode="r")
    queries = np.array(mapped[-1:])
    tracemalloc.start()
    try:
        indices, _ = search(np.tile(queries, (3, 1)), mapped, top_k=3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Of one number every vector points the same way.
    assert indices.tolist() == [[rows - 1, 0, 1] if dimension > 1 else [0, 1, 2]] * 3
    assert peak < 16 * 1024 * 1024


def test_half_precision_is_taken() -> None:
    vectors = drawn(10, 8).astype(np.float16)
    assert search(vectors, vectors, top_k=1).indices[:, 0].tolist() == list(range(10))


SQUARE = drawn(2, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([[1.0, 0.0]], "got \\[\\[1.0, 0.0\\]\\], expected a numpy array of float32"),
        (None, "got None, expected a numpy array"),
        (SQUARE[0], "got float32 of shape \\(2,\\), expected float32 \\[n, dimension\\]"),
        (SQUARE.astype(np.float64), "got float64 of shape \\(2, 2\\), expected float32"),
        (SQUARE.astype(np.int8), "got int8 of shape"),
        (SQUARE.astype(object), "got object of shape"),
        (np.float32(1), "expected a numpy array of float32"),
        (SQUARE[np.newaxis], "got float32 of shape \\(1, 2, 2\\)"),
        (drawn(2, 3), "got the dimensions .*expected the same; embed both with one model"),
        (np.array([[0, 1], [np.nan, 0]], np.float32), "\\[1\\] holds numbers that are not finite"),
        (np.array([[0, -np.inf]], np.float32), "\\[0\\] holds numbers that are not finite"),
    ],
)
def test_what_is_refused(wrong: Any, message: str) -> None:
    for work in (similarity, search):
        with pytest.raises(edgebert.InputError, match=message):
            work(wrong, SQUARE)
        with pytest.raises(edgebert.InputError, match=message):
            work(SQUARE, wrong)


@pytest.mark.parametrize("top_k", [0, -1, True, 1.0, "3", None])
def test_top_k_is_a_whole_number(top_k: Any) -> None:
    with pytest.raises(edgebert.InputError, match="expected a whole number of at least 1"):
        search(SQUARE, SQUARE, top_k=top_k)


def test_not_finite_far_into_the_array() -> None:
    vectors = drawn(5000, 384)
    vectors[4321, 7] = np.nan
    with pytest.raises(edgebert.InputError, match="vectors\\[4321\\]"):
        search(vectors[:1], vectors)
