"""This process as the kernel sees it: its age, its memory, and its standard streams."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TextIO

_START_TIME = 19
"""Index of `starttime` in /proc/self/stat, counted after the command's name."""


class ProcessClock:
    """Milliseconds since the kernel started this process, precise to a kernel tick (10 ms)."""

    def __init__(self) -> None:
        self._made_ns = time.perf_counter_ns()
        self._age_ms = _age_ms()

    def now_ms(self) -> float | None:
        """None where the system doesn't tell when a process started."""
        if self._age_ms is None:
            return None
        return self._age_ms + (time.perf_counter_ns() - self._made_ns) / 1e6


def resident_bytes() -> int | None:
    """Memory that this process has in use; None where there is no /proc."""
    return _status_bytes("VmRSS")


def peak_resident_bytes() -> int | None:
    """The most memory that this process ever had in use; None where nothing tells."""
    peak = _status_bytes("VmHWM")
    if peak is not None or sys.platform == "win32":
        return peak
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def abandon_if_full(stream: TextIO | None) -> None:
    """Let go of what cannot be written; Python would try once more, and complain, as it exits."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _age_ms() -> float | None:
    try:
        # The command's name comes in brackets and may hold spaces and brackets.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(fields.rpartition(")")[2].split()[_START_TIME])
        seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return seconds * 1000 if seconds > 0 else None


def _status_bytes(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        field, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        if field == name and number.isdigit() and unit == "kB":
            return int(number) * 1024
    return None
