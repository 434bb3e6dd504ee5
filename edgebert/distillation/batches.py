"""Which rows make which batch: of like lengths, in an order that a seed and an epoch decide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GROUP = 50
"""Batches sorted by length together: rows stay random across groups, padding stays small."""


def epoch_batches(
    lengths: NDArray[np.int32], size: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Row numbers of every batch of an epoch; the last may be smaller."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size * _GROUP):
        group = order[start : start + size * _GROUP]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches += [group[first : first + size] for first in range(0, len(group), size)]
    return [batches[index] for index in random.permutation(len(batches))]


def step_batches(
    batches: list[NDArray[np.int64]], step: int, accumulate: int, processes: int
) -> list[list[NDArray[np.int64]]]:
    """The batches of one optimizer step: for each process, those it adds up.

    Processes must all do the same number, so the last step starts again from the first batch
    where its batches do not suffice.
    """
    first = step * accumulate * processes
    chosen = batches[first : first + accumulate * processes]
    for filled in range(-len(chosen) % processes):
        chosen.append(batches[filled % len(batches)])
    return [chosen[process::processes] for process in range(processes)]


def steps_in_epoch(rows: int, size: int, accumulate: int, processes: int) -> int:
    """Optimizer steps that one pass over the rows takes."""
    batches = -(-rows // size)
    return -(-batches // (accumulate * processes))
