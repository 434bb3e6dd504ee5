"""What goes on around a measurement: clocks, heat, throttling, and others on the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime.hardware import frequency_mhz, temperature_celsius, throttling
from edgebert_runtime.measurement import Conditions, Moment

_STOLEN = 0.02
_FOREIGN = 0.05
_WAITING = 0.02
_SLOWER = 0.9
"""A share of the highest frequency that was seen between runs."""
_SINCE_BOOT = "since boot"


@dataclass(frozen=True)
class _Counters:
    """Seconds, of the processors that this process may use, since the system started."""

    total: float
    busy: float
    stolen: float
    own: float
    """Of this process, on any processor."""
    running: float
    """Of this process's threads."""
    waiting: float
    """The same threads, ready and without a processor."""


class Watch:
    """Looks at the machine from its making on, whenever it is told to."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._start = time.perf_counter()
        self._counters = _read_counters(root)
        self._moments: list[Moment] = []
        self.look()

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All looks so far."""
        return tuple(self._moments)

    def look(self) -> Moment:
        """The processor as it is now, which is kept."""
        moment = Moment(
            seconds=time.perf_counter() - self._start,
            frequency_mhz=frequency_mhz(self._root),
            temperature_celsius=temperature_celsius(self._root),
            throttling=throttling(self._root),
        )
        self._moments.append(moment)
        return moment

    def conditions(self) -> Conditions:
        """What was seen so far, a last look included."""
        self.look()
        before, after = self._counters, _read_counters(self._root)
        stolen = foreign = waiting = None
        if before and after and after.total > before.total:
            total = after.total - before.total
            stolen = _share(after.stolen - before.stolen, total)
            foreign = _share(after.busy - before.busy - (after.own - before.own), total)
            ready = after.running - before.running + after.waiting - before.waiting
            if ready > 0:
                waiting = _share(after.waiting - before.waiting, ready)
        return Conditions(
            moments=self.moments,
            stolen_share=stolen,
            foreign_share=foreign,
            waiting_share=waiting,
            marks=marks(self._moments, stolen, foreign, waiting),
        )


def marks(
    moments: Sequence[Moment],
    stolen_share: float | None,
    foreign_share: float | None,
    waiting_share: float | None,
) -> tuple[str, ...]:
    """What makes figures doubtful, in words."""
    found = []
    if (stolen_share or 0) > _STOLEN:
        found.append(f"a hypervisor took {stolen_share:.0%} of the processors' time")
    if (foreign_share or 0) > _FOREIGN:
        found.append(f"other processes used {foreign_share:.0%} of the processors' time")
    if (waiting_share or 0) > _WAITING:
        found.append(f"threads waited for a processor {waiting_share:.0%} of the time")
    return (*found, *_throttled(moments), *_slowed(moments))


def _throttled(moments: Sequence[Moment]) -> list[str]:
    """What held at any moment, and what is said to have happened since boot only afterwards."""
    before = moments[0].throttling or ()
    seen = dict.fromkeys(
        word
        for moment in moments
        for word in moment.throttling or ()
        if not (word.endswith(_SINCE_BOOT) and word in before)
    )
    return [
        word.removesuffix(_SINCE_BOOT).strip() + " meanwhile"
        if word.endswith(_SINCE_BOOT)
        else word
        for word in seen
        if not (word.endswith(_SINCE_BOOT) and word.removesuffix(_SINCE_BOOT).strip() in seen)
    ]


def _slowed(moments: Sequence[Moment]) -> list[str]:
    # Before the first run an idle processor may be slow, and after the last one again.
    clocks = [each.frequency_mhz for each in moments[1:-1] if each.frequency_mhz is not None]
    if not clocks or min(clocks) >= _SLOWER * max(clocks):
        return []
    return [f"the clock went from {max(clocks):.0f} to {min(clocks):.0f} MHz between runs"]


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole))


def _read_counters(root: Path) -> _Counters | None:
    """None where the system has no /proc/stat."""
    try:
        lines = (root / "proc/stat").read_text(encoding="ascii", errors="replace").splitlines()
        tick = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = {f"cpu{number}" for number in affinity(0)} if affinity else {"cpu"}
    total = busy = stolen = 0.0
    for line in lines:
        name, *fields = line.split()
        if name in allowed and len(fields) >= 8 and all(field.isdigit() for field in fields):
            # guest time, behind these, is counted as user time already
            user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields[:8])
            busy += (user + nice + system + irq + softirq) / tick
            total += (user + nice + system + idle + iowait + irq + softirq + steal) / tick
            stolen += steal / tick
    if not total:
        return None
    running, waiting = _threads(root)
    return _Counters(total, busy, stolen, time.process_time(), running, waiting)


def _threads(root: Path) -> tuple[float, float]:
    """Seconds that this process's threads ran, and waited (Linux, scheduler/sched-stats.rst)."""
    running = waiting = 0.0
    for path in root.glob("proc/self/task/*/schedstat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").split()
            running, waiting = running + int(fields[0]) / 1e9, waiting + int(fields[1]) / 1e9
        except (OSError, ValueError, IndexError):
            continue
    return running, waiting
