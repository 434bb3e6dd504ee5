"""Guest instructions of one inference, and of each kind of operator in it."""

from __future__ import annotations

import bisect
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


def by_function(processor: Processor, artifact: Path, length: int) -> Counter[str]:
    """Instructions by function of the libraries; of one without symbols, its name in brackets."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        printed = run(processor, GUEST, [str(artifact), str(length), "--maps"], lines, blocks=True)
        text = lines.read_text(encoding="ascii")
    libraries = _libraries(printed)
    # Two marks are around what is measured; blocks of the second ran between them.
    measured = text.split("mark ")[2]
    found: Counter[str] = Counter()
    for line in measured.splitlines():
        if line.startswith("block "):
            _, address, count = line.split()
            found[_function(int(address, 16), libraries)] += int(count)
    return found


@dataclass(frozen=True)
class _Library:
    name: str
    start: int
    end: int
    addresses: list[int]
    """Of functions, from its start, ascending."""
    functions: list[str]


def _libraries(maps: str) -> list[_Library]:
    """The libraries of /proc/self/maps."""
    places: dict[str, list[int]] = {}
    for line in maps.splitlines():
        if ".so" in line:
            addresses, *_, path = line.split(maxsplit=5)
            start, end = (int(each, 16) for each in addresses.split("-"))
            places.setdefault(path, [start, end])[1] = end
    return [_Library(Path(path).name, *place, *_symbols(path)) for path, place in places.items()]


def _symbols(path: str) -> tuple[list[int], list[str]]:
    command = ["nm", "--demangle", "--defined-only", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = (line.split(" ", 2) for line in done.stdout.splitlines())
    found = sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tTwW")
    return [address for address, _ in found], [name for _, name in found]


def _function(address: int, libraries: Sequence[_Library]) -> str:
    for library in libraries:
        if library.start <= address < library.end:
            place = bisect.bisect(library.addresses, address - library.start)
            return library.functions[place - 1] if place else f"[{library.name}]"
    return "[elsewhere]"


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
