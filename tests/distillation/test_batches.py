"""Rows of an epoch: each once, in an order that a seed decides, like lengths together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgebert.distillation.batches import epoch_batches, step_batches, steps_in_epoch


def lengths(rows: int, seed: int = 0) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(3, 128, rows).astype(np.int32)


def as_lists(batches: Iterable[NDArray[np.int64]]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def padding(rows: NDArray[np.int32], batches: Iterable[NDArray[np.int64]]) -> float:
    """Share of a batch's places that hold no token."""
    groups = [rows[batch] for batch in batches]
    places = sum(len(group) * int(group.max()) for group in groups)
    return 1 - int(rows.sum()) / places


@pytest.mark.parametrize("size", [1, 7, 8, 32])
@pytest.mark.parametrize("rows", [1, 31, 32, 33, 1000, 1601])
def test_every_row_exactly_once(rows: int, size: int) -> None:
    batches = epoch_batches(lengths(rows), size, seed=3, epoch=1)
    assert sorted(np.concatenate(batches).tolist()) == list(range(rows))
    assert len(batches) == steps_in_epoch(rows, size, 1, 1) == -(-rows // size)
    # Only one batch may be smaller, wherever the order puts it.
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


def test_the_order_follows_from_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        return as_lists(epoch_batches(lengths(500), 8, seed, epoch))

    assert order(1, 0) == order(1, 0)
    different = [order(1, 0), order(1, 1), order(1, 2), order(2, 0), order(2, 1), order(0, 1)]
    assert all(a != b for index, a in enumerate(different) for b in different[:index])
    # Other rows meet, not the same batches in another order.
    assert {frozenset(each) for each in order(1, 0)} & {
        frozenset(each) for each in order(1, 1)
    } == (set())


def test_numpy_is_left_alone() -> None:
    np.random.seed(5)
    expected = np.random.random(3).tolist()
    np.random.seed(5)
    epoch_batches(lengths(100), 8, seed=1, epoch=0)
    assert np.random.random(3).tolist() == expected


def test_like_lengths_are_together() -> None:
    rows = lengths(2000)
    random = np.random.default_rng(1).permutation(len(rows))
    scattered = padding(rows, np.split(random, len(rows) // 20))
    assert scattered > 0.4
    assert padding(rows, epoch_batches(rows, 20, seed=1, epoch=0)) < scattered / 5


def test_short_texts_do_not_come_first() -> None:
    rows = lengths(2000)
    means = [rows[batch].mean() for batch in epoch_batches(rows, 20, seed=1, epoch=0)]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.35


SPLIT = [
    (rows, size, add, many)
    for rows in (1, 5, 64, 65, 203)
    for size in (1, 8)
    for add in (1, 3)
    for many in (1, 2, 3)
]


@pytest.mark.parametrize(("rows", "size", "accumulate", "processes"), SPLIT)
def test_processes_share_every_row(rows: int, size: int, accumulate: int, processes: int) -> None:
    batches = epoch_batches(lengths(rows), size, seed=2, epoch=4)
    before = as_lists(batches)
    steps = steps_in_epoch(rows, size, accumulate, processes)
    seen: Counter[int] = Counter()
    for step in range(steps):
        shares = step_batches(batches, step, accumulate, processes)
        assert len(shares) == processes
        counts = {len(share) for share in shares}
        # All processes do as many, at least one and never more than asked for.
        assert len(counts) == 1
        assert 1 <= counts.pop() <= accumulate
        if step < steps - 1:
            assert len(shares[0]) == accumulate
        seen.update(row for share in shares for batch in share for row in batch.tolist())
    assert set(seen) == set(range(rows))
    assert as_lists(batches) == before
    # What is filled up at the end is less than one batch for each process.
    assert sum(seen.values()) - rows <= (processes - 1) * size
    if processes == 1:
        assert set(seen.values()) == {1}


def test_one_process_sees_them_in_order() -> None:
    batches = epoch_batches(lengths(50), 4, seed=0, epoch=0)
    steps = steps_in_epoch(50, 4, 3, 1)
    seen = [batch for step in range(steps) for batch in step_batches(batches, step, 3, 1)[0]]
    assert as_lists(seen) == as_lists(batches)
    # 13 batches: the last step has what is left.
    assert len(step_batches(batches, steps - 1, 3, 1)[0]) == 1


def test_the_last_step_starts_again_from_the_first_batch() -> None:
    batches = [np.array([number]) for number in range(5)]
    shares = step_batches(batches, 1, 1, 3)
    assert [as_lists(share) for share in shares] == [[[3]], [[4]], [[0]]]
    shares = step_batches(batches, 1, 1, 4)
    assert [as_lists(share) for share in shares] == [[[4]], [[0]], [[1]], [[2]]]


def test_more_processes_than_batches() -> None:
    batches = [np.array([0]), np.array([1])]
    shares = step_batches(batches, 0, 1, 5)
    assert [as_lists(share) for share in shares] == [[[0]], [[1]], [[0]], [[1]], [[0]]]


@pytest.mark.parametrize(
    ("rows", "size", "accumulate", "processes", "steps"),
    [
        (100, 10, 1, 1, 10),
        (101, 10, 1, 1, 11),
        (100, 10, 3, 1, 4),
        (100, 10, 2, 3, 2),
        (1, 32, 8, 4, 1),
    ],
)
def test_steps_in_an_epoch(
    rows: int, size: int, accumulate: int, processes: int, steps: int
) -> None:
    assert steps_in_epoch(rows, size, accumulate, processes) == steps
