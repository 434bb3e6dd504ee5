"""Guest instructions of one inference, and of each kind of operator in it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import HERE, Processor, run

GUEST = HERE / "guest.py"
_AROUND = 8
"""Times that ONNX Runtime reads the clock in a run beside twice a node: three before the first."""
_BEFORE = 3


def instructions(processor: Processor, artifact: Path, lengths: Sequence[int]) -> dict[int, int]:
    """Instructions of one run at each length, one thread, batch 1."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        run(processor, GUEST, [str(artifact), ",".join(map(str, lengths))], lines)
        runs = list(_runs(lines))
    return {length: ends[-1] - ends[0] for length, ends in zip(lengths, runs, strict=True)}


def by_operator(processor: Processor, artifact: Path, length: int) -> Counter[str]:
    """Instructions by kind of operator; .onnx only, since no other library profiles itself.

    ONNX Runtime reads the clock before and after each node. What it does between to write that
    down is taken off: the least that any node took. It is a little more for one of many inputs, so
    that the sum may be 5 % above the run's own count at 16 tokens, and 1 % at 64.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        profile = str(Path(folder) / "profile")
        run(processor, GUEST, [str(artifact), str(length), profile], lines)
        (written,) = Path(folder).glob("profile*.json")
        events = json.loads(written.read_text(encoding="utf-8"))
        (ends,) = _runs(lines)
    kinds = _kinds_of_last_run(events)
    clock = ends[1:-1]
    if len(clock) != 2 * len(kinds) + _AROUND:
        raise RuntimeError(f"{len(clock)} readings of the clock for {len(kinds)} nodes")
    starts = clock[_BEFORE:][: 2 * len(kinds) : 2]
    stops = clock[_BEFORE + 1 :][: 2 * len(kinds) : 2]
    taken = [stop - start for start, stop in zip(starts, stops, strict=True)]
    found: Counter[str] = Counter()
    for kind, count in zip(kinds, taken, strict=True):
        found[kind] += count - min(taken)
    return found


def _runs(lines: Path) -> Iterator[list[int]]:
    """Of each run the counts at its first mark, at each reading of the clock, at its last."""
    current: list[int] | None = None
    for line in lines.read_text(encoding="ascii").splitlines():
        kind, count = line.split()
        if current is not None:
            current.append(int(count))
        if kind == "mark":
            if current is None:
                current = [int(count)]
            else:
                yield current
                current = None


def _kinds_of_last_run(events: list[dict[str, Any]]) -> list[str]:
    start = max(event["ts"] for event in events if event["name"] == "model_run")
    nodes = [each for each in events if each["cat"] == "Node" and each["ts"] >= start]
    return [each["args"]["op_name"] for each in nodes]
