"""What an Android device says about itself: one script for its shell, and what its output means.

The files of its kernel are read as those of any Linux are, by `edgebert_runtime.hardware`; names,
heat and battery come from Android's own `getprop` and `dumpsys`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgebert_runtime import hardware
from edgebert_runtime.conditions import marks
from edgebert_runtime.hardware import Facts
from edgebert_runtime.measurement import Energy, Moment

_MARK = "==edgebert=="
_PROCESSORS = "/sys/devices/system/cpu"
_BATTERY = "/sys/class/power_supply/battery"
_HEAT = (
    f"{_PROCESSORS}/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "/sys/class/thermal/thermal_zone*/type",
    "/sys/class/thermal/thermal_zone*/temp",
)
_LINUX_FILES = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    f"{_PROCESSORS}/cpu0/cpufreq/scaling_governor",
)
"""What `edgebert_runtime.hardware` is to read."""
_FILES = (
    *_LINUX_FILES,
    f"{_PROCESSORS}/online",
    f"{_PROCESSORS}/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    f"{_BATTERY}/charge_counter",
    f"{_BATTERY}/voltage_now",
    *_HEAT,
)
_THERMAL = "dumpsys thermalservice"
_COMMANDS = (
    "getprop",
    "uname -m",
    "uname -r",
    "dumpsys battery",
    _THERMAL,
    "settings get global low_power",
)
_PROPERTY = re.compile(r"\[([^\]]+)\]: \[(.*)\]")
_TEMPERATURE = re.compile(r"mValue=(-?[0-9]+(?:\.[0-9]+)?), mType=0\b")
_THERMAL_STATUS = re.compile(r"^\s*Thermal Status: ([0-6])\s*$", re.MULTILINE)
_STATUS_WORDS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Of android.os.PowerManager.THERMAL_STATUS_NONE and those behind it."""
_CHARGING = "2"
"""android.os.BatteryManager.BATTERY_STATUS_CHARGING; a full battery is 5."""
_LOW_BATTERY = 20
"""Per cent, from which on devices may save power."""
_WARM_BATTERY_CELSIUS = 40.0
_PLAUSIBLE_CELSIUS = range(1, 151)
"""Some drivers give other units than thousandths of a degree."""


@dataclass(frozen=True)
class Snapshot:
    """What the script printed: a path or a command → its text."""

    texts: Mapping[str, str]

    @property
    def properties(self) -> dict[str, str]:
        """What `getprop` says."""
        return dict(_PROPERTY.findall(self.texts.get("getprop", "")))

    @property
    def api_level(self) -> int:
        """0 where it says nothing that is a number."""
        text = self.properties.get("ro.build.version.sdk", "")
        return int(text) if re.fullmatch("[0-9]{1,4}", text) else 0

    @property
    def abi(self) -> str | None:
        """Of the programs that it runs best: "arm64-v8a", "x86_64"."""
        return self.properties.get("ro.product.cpu.abi") or None


def everything() -> str:
    """A script for the device's shell that prints all there is to know."""
    return _script(_FILES, _COMMANDS)


def heat() -> str:
    """A script that prints what changes from second to second, and costs little."""
    return _script(_HEAT, (_THERMAL,))


def _script(files: Sequence[str], commands: Sequence[str]) -> str:
    # One `cat` for each file, because some may be seen and not read.
    patterns = " ".join(files)
    reading = f'for f in {patterns}; do [ -r "$f" ] && echo "{_MARK}$f" && cat "$f"; done'
    running = [f"echo; echo '{_MARK}{command}'; {command}" for command in commands]
    return f"{{ {'; '.join([reading, *running])}; }} 2>/dev/null; true"


def read(output: str) -> Snapshot:
    """What a script printed, whatever else is between it."""
    texts: dict[str, str] = {}
    for part in output.split(_MARK)[1:]:
        name, _, text = part.partition("\n")
        texts[name.strip()] = text.rstrip("\n")
    return Snapshot(texts)


def facts(snapshot: Snapshot) -> Facts:
    """The device's facts; `python` is empty, as a phone has none."""
    properties = snapshot.properties
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in _LINUX_FILES:
            path = root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(snapshot.texts.get(name, ""), encoding="utf-8")
        found = hardware.facts(root)
    clocks = _values(snapshot, f"{_PROCESSORS}/cpu", "/cpuinfo_max_freq")
    release = properties.get("ro.build.version.release", "")
    return replace(
        found,
        board=_board(properties) or found.board,
        architecture=snapshot.texts.get("uname -m", "").strip() or snapshot.abi or "unknown",
        python_bits=64 if "64" in (snapshot.abi or "") else 32,
        available_processors=_online(snapshot) or found.cores or 1,
        frequency_mhz=_frequency_mhz(snapshot),
        max_frequency_mhz=max(clocks) / 1000 if clocks else None,
        temperature_celsius=_temperature_celsius(snapshot),
        throttling=_throttling(snapshot),
        operating_system=f"Android {release} (API {snapshot.api_level})",
        kernel=snapshot.texts.get("uname -r", "").strip() or "unknown",
        python="",
        libraries={},
    )


def moment(snapshot: Snapshot, seconds: float) -> Moment:
    """The processor at one time."""
    return Moment(
        seconds=seconds,
        frequency_mhz=_frequency_mhz(snapshot),
        temperature_celsius=_temperature_celsius(snapshot),
        throttling=_throttling(snapshot),
    )


def doubts(moments: Sequence[Moment], before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What makes figures doubtful: heat and the clock during the runs, then the battery.

    Args:
        moments: before, during and after the runs.
        before: of everything.
        after: of everything, once the runs are over.
    """
    found = [*marks(moments, None, None, None)] if moments else []
    for snapshot in (before, after):
        found += [mark for mark in _battery_marks(snapshot) if mark not in found]
    emulated = before.properties.get("ro.kernel.qemu", before.properties.get("ro.boot.qemu"))
    if emulated == "1":
        found.append("an emulator, not a phone")
    return tuple(found)


def energy(before: Snapshot, after: Snapshot, seconds: float, sentences: int) -> Energy | None:
    """What the battery gave between two looks at its counter of charge; None while it is charged.

    The counter is in millionths of an ampere hour, and of the whole device (Linux,
    Documentation/ABI/testing/sysfs-class-power).
    """
    charges, voltages = (
        [_number(each.texts.get(f"{_BATTERY}/{name}")) for each in (before, after)]
        for name in ("charge_counter", "voltage_now")
    )
    if None in charges or None in voltages or any(map(_is_powered, (before, after))):
        return None
    spent = (charges[0] or 0) - (charges[1] or 0)
    volts = sum(each or 0 for each in voltages) / 2 / 1e6
    if spent <= 0 or volts <= 0:
        return None
    return Energy("battery", spent / 1e6 * 3600 * volts, seconds, sentences)


def _board(properties: Mapping[str, str]) -> str | None:
    model = properties.get("ro.product.model", "")
    maker = properties.get("ro.product.manufacturer", "")
    chip = properties.get("ro.soc.model", "")
    name = model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip()
    return f"{name} ({chip})".strip() if chip else name or None


def _battery(snapshot: Snapshot) -> dict[str, str]:
    lines = snapshot.texts.get("dumpsys battery", "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _is_powered(snapshot: Snapshot) -> bool:
    return any(
        name.endswith("powered") and value == "true" for name, value in _battery(snapshot).items()
    )


def _battery_marks(snapshot: Snapshot) -> list[str]:
    battery = _battery(snapshot)
    found = []
    level, scale = _number(battery.get("level")), _number(battery.get("scale")) or 100
    if battery.get("status") == _CHARGING:
        found.append("charging")
    elif level is not None and not _is_powered(snapshot) and level * 100 <= _LOW_BATTERY * scale:
        found.append(f"on battery at {level * 100 // scale} %")
    tenths = _number(battery.get("temperature"))
    if tenths is not None and tenths >= 10 * _WARM_BATTERY_CELSIUS:
        found.append(f"battery at {tenths / 10:.0f} °C")
    if snapshot.texts.get("settings get global low_power", "").strip() == "1":
        found.append("battery saver is on")
    return found


def _throttling(snapshot: Snapshot) -> tuple[str, ...] | None:
    found = _THERMAL_STATUS.search(snapshot.texts.get(_THERMAL, ""))
    if found is None:
        return None
    status = int(found[1])
    return (f"thermal status {_STATUS_WORDS[status]}",) if status else ()


def _temperature_celsius(snapshot: Snapshot) -> float | None:
    """Of the processors, as Android's own service has them, or else as the kernel does."""
    # Cached values may be from long ago.
    _, _, current = snapshot.texts.get(_THERMAL, "").rpartition("Current temperatures from HAL")
    readings = [float(each) for each in _TEMPERATURE.findall(current)]
    if not readings:
        for name, kind in snapshot.texts.items():
            if name.endswith("/type") and "cpu" in kind.lower():
                value = _number(snapshot.texts.get(f"{name.removesuffix('type')}temp"))
                readings += [value / 1000] if value is not None else []
    return max((each for each in readings if int(each) in _PLAUSIBLE_CELSIUS), default=None)


def _frequency_mhz(snapshot: Snapshot) -> float | None:
    clocks = _values(snapshot, f"{_PROCESSORS}/cpu", "/scaling_cur_freq")
    return max(clocks) / 1000 if clocks else None


def _values(snapshot: Snapshot, begin: str, end: str) -> list[int]:
    values = (
        _number(text)
        for name, text in snapshot.texts.items()
        if name.startswith(begin) and name.endswith(end)
    )
    return [value for value in values if value is not None and value > 0]


def _online(snapshot: Snapshot) -> int:
    """Processors in a list of ranges: "0-3,6"."""
    count = 0
    for part in snapshot.texts.get(f"{_PROCESSORS}/online", "").strip().split(","):
        first, _, last = part.partition("-")
        start, end = _number(first), _number(last or first)
        if start is None or end is None or not start <= end < 4096:
            return 0
        count += end - start + 1
    return count


def _number(text: str | None) -> int | None:
    found = re.fullmatch(r"\s*(-?[0-9]{1,18})\s*", text or "", re.ASCII)
    return int(found[1]) if found else None
