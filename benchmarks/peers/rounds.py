"""Times of all artifacts in turn: a machine that is slow for a while is slow for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from peers.processes import Job, Process

_Each = TypeVar("_Each")
_SECONDS = 0.12
"""About how long one artifact runs at one length in a round."""
_FEWEST, _MOST = 3, 60
"""Runs of one artifact at one length in a round."""
_PAUSE_SECONDS = 0.02
"""Between two artifacts: threads that wait for work keep a processor busy for a while."""
_READ_SENTENCES = 200
"""After these, resident memory has seen every length of text."""


def of_ids(
    processes: Mapping[str, Process], ids: Sequence[int], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds from ids to logits at batch 1, a median for each round."""
    repeats = {name: _repeats(process, ids) for name, process in processes.items()}
    found: dict[str, list[float]] = {name: [] for name in processes}
    for name in _in_turn(list(processes), rounds):
        seconds = processes[name].ask(ask="time", ids=list(ids), repeats=repeats[name])["seconds"]
        found[name].append(1000 * statistics.median(seconds))
    return found


def of_texts(
    processes: Mapping[str, Process], texts: Sequence[str], rounds: int
) -> dict[str, dict[str, object]]:
    """Seconds for all texts in one call, for each round; and at which batch size.

    Of those batch sizes that an artifact can be told, the fastest in a first round counts.
    """
    batches = {name: _fastest_batch(process, texts) for name, process in processes.items()}
    found: dict[str, list[float]] = {name: [] for name in processes}
    for name in _in_turn(list(processes), rounds):
        reply = processes[name].ask(ask="times", texts=list(texts), batch=batches[name])
        found[name].append(reply["seconds"])
    return {name: {"batch": batches[name], "seconds": found[name]} for name in processes}


def of_starts(
    jobs: Mapping[str, Job], texts: Sequence[str], rounds: int
) -> dict[str, dict[str, object]]:
    """Milliseconds from a process's start to its first answer, for each round, and its memory.

    Memory is resident bytes, medians over rounds: after the first answer, and after texts of every
    length.
    """
    starts: dict[str, list[float]] = {name: [] for name in jobs}
    first: dict[str, list[int]] = {name: [] for name in jobs}
    later: dict[str, list[int]] = {name: [] for name in jobs}
    for name in _in_turn(list(jobs), rounds):
        with Process(jobs[name], texts[0]) as process:
            starts[name].append(1000 * process.start_seconds)
            first[name].append(process.ask(ask="memory")["resident_bytes"])
            process.ask(ask="times", texts=list(texts[:_READ_SENTENCES]), batch=process.batches[0])
            later[name].append(process.ask(ask="memory")["resident_bytes"])
    return {
        name: {
            "ms": starts[name],
            "first_answer_bytes": statistics.median(first[name]),
            "all_lengths_bytes": statistics.median(later[name]),
        }
        for name in jobs
    }


def _in_turn(names: list[_Each], rounds: int) -> Iterator[_Each]:
    """Every name once a round; each round begins with another."""
    for index in range(rounds):
        shift = index % len(names) if names else 0
        for name in [*names[shift:], *names[:shift]]:
            time.sleep(_PAUSE_SECONDS)
            yield name


def _repeats(process: Process, ids: Sequence[int]) -> int:
    seconds = process.ask(ask="time", ids=list(ids), repeats=_FEWEST)["seconds"]
    wanted = round(_SECONDS / statistics.median(seconds))
    return max(_FEWEST, min(_MOST, wanted))


def _fastest_batch(process: Process, texts: Sequence[str]) -> int:
    seconds = {
        batch: process.ask(ask="times", texts=list(texts), batch=batch)["seconds"]
        for batch in process.batches
    }
    return min(seconds, key=lambda batch: seconds[batch])
