"""What a benchmark program of another library is to a phone: what it is told, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgebert_runtime.errors import DeviceError, shortened
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.measurement import Memory, Timing

RESULTS = "results.csv"
"""Where a tool writes single runs, in the folder of its run."""
ROUNDING = 1e-3
"""Figures are printed with six digits."""
_MOST = 1e10
"""Microseconds, or bytes: what is beyond was not understood."""


@dataclass(frozen=True)
class Job:
    """What a tool is to run, with absolute paths of the device."""

    artifact: Artifact
    model: str
    folder: str
    """Where it runs; nobody else looks there."""
    ids: tuple[int, ...]
    """Of one text."""
    batch: int
    threads: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """What a tool told. None is what it doesn't."""

    timing: Timing
    memory: Memory


class Tool(Protocol):
    """A program that times models of one backend."""

    name: str
    signs: tuple[str, ...]
    """Of which one is in its name, or in what it prints about its options."""
    backend: str
    suffix: str
    """Of the model's file."""
    remembers: bool
    """Whether the runs that are timed tell of memory, too."""

    def check(self, help_text: str, batches: Sequence[int]) -> None:
        """Raise DeviceError for a version, or for batches, that it can't measure with."""

    def inputs(self, job: Job) -> dict[str, bytes]:
        """Files for the folder of the run: path → content."""

    def arguments(self, job: Job, *, memory: bool = False) -> list[str]:
        """Its command line, without itself; `memory` asks for memory instead of times."""

    def report(self, job: Job, printed: str, results: str) -> Report:
        """Read what it printed, and what it wrote to `RESULTS`; DeviceError if that is strange."""


def finite(text: str) -> float | None:
    """A figure that was printed; None for what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < _MOST else None


def in_bytes(text: str | None, unit: int) -> int | None:
    """A count of `unit` bytes that was printed; None where it was not, or is 0."""
    value = finite(text) if text else None
    return None if not value else round(value * unit)


def strange(name: str, printed: str, expected: str) -> DeviceError:
    """What a tool printed last, and what it was expected to."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in printed.splitlines()]
    last = next((line for line in reversed(lines) if line), "nothing")
    return DeviceError(f"{name} printed {shortened(last)}, expected {expected}")
