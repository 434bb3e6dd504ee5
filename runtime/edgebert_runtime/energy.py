"""Joules that a meter of the machine counts, where one can be read.

Meters are of the whole processor or device: what else runs there, and idling, count too.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

_PACKAGES = "sys/class/powercap/intel-rapl:?"
_SENSORS = "sys/class/hwmon/hwmon*"
_SENSOR_CHIPS = ("ina209", "ina219", "ina220", "ina226", "ina230", "ina231", "ina238")
_BATTERIES = "sys/class/power_supply/*"


class Meter(Protocol):
    """Counts from the moment that it was found."""

    name: str

    def joules(self) -> float:
        """So far. A meter of power needs to be asked several times a second."""


def find_meter(root: Path = Path("/")) -> Meter | None:
    """The best meter that this process may read: a processor's, a board's, or the battery's."""
    # "psys", where there is one, counts the packages once more.
    packages = [
        path
        for path in sorted(root.glob(_PACKAGES))
        if (_text(path / "name") or "").startswith("package") and _number(path / "energy_uj")
    ]
    if packages:
        return _Rapl(packages)
    for chip in sorted(root.glob(_SENSORS)):
        name = _text(chip / "name")
        if name in _SENSOR_CHIPS and _number(chip / "power1_input") is not None:
            return _Power(f"hwmon {name}", chip / "power1_input", None)
    for supply in sorted(root.glob(_BATTERIES)):
        if _text(supply / "type") == "Battery" and _text(supply / "status") == "Discharging":
            name = f"battery {supply.name}"
            if _number(supply / "power_now") is not None:
                return _Power(name, supply / "power_now", None)
            current, voltage = supply / "current_now", supply / "voltage_now"
            if _number(current) is not None and _number(voltage) is not None:
                return _Power(name, current, voltage)
    return None


class _Rapl:
    """Running average power limit: counters of microjoules that begin anew at the end of a range
    (Linux, Documentation/power/powercap/powercap.rst)."""

    def __init__(self, packages: list[Path]) -> None:
        names = [_text(path / "name") or path.name for path in packages]
        self.name = f"RAPL {', '.join(names)}"
        self._packages = packages
        self._ranges = [_number(path / "max_energy_range_uj") or 0 for path in packages]
        self._last = [_number(path / "energy_uj") or 0 for path in packages]
        self._microjoules = 0

    def joules(self) -> float:
        for place, path in enumerate(self._packages):
            now = _number(path / "energy_uj")
            if now is None:
                continue
            difference = now - self._last[place]
            if difference < 0:
                difference += self._ranges[place]
            # A counter that says no range, and begins anew, tells nothing of this step.
            self._microjoules += max(0, difference)
            self._last[place] = now
        return self._microjoules / 1e6


class _Power:
    """A sensor of power, or of current and voltage, whose readings are summed over time."""

    def __init__(self, name: str, first: Path, second: Path | None) -> None:
        self.name = name
        self._first, self._second = first, second
        self._time, self._watts = time.perf_counter(), self._read() or 0.0
        self._joules = 0.0

    def joules(self) -> float:
        now, watts = time.perf_counter(), self._read()
        if watts is not None:
            self._joules += (watts + self._watts) / 2 * (now - self._time)
            self._time, self._watts = now, watts
        return self._joules

    def _read(self) -> float | None:
        """Watts; a battery's current is negative on some devices while it discharges."""
        first = _number(self._first)
        if first is None:
            return None
        if self._second is None:
            return abs(first) / 1e6
        second = _number(self._second)
        return None if second is None else abs(first) / 1e6 * second / 1e6


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None
