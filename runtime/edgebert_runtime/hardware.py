"""The machine that a measurement ran on, as Linux describes it.

Every fact is read, never inferred: what a system doesn't tell is None.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import struct
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime.processors import DOT_PRODUCTS, available_processors, cpu_flags

LIBRARIES = (
    "numpy",
    "tokenizers",
    "ai_edge_litert",
    "tflite_runtime",
    "tensorflow",
    "onnxruntime",
    "torch",
)

_ARM = "0x41"
_ARM_CORES = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd0d": "Cortex-A77",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
    "0xd44": "Cortex-X1",
    "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710",
    "0xd48": "Cortex-X2",
    "0xd49": "Neoverse-N2",
    "0xd4d": "Cortex-A715",
    "0xd4e": "Cortex-X3",
    "0xd4f": "Neoverse-V2",
    "0xd80": "Cortex-A520",
    "0xd81": "Cortex-A720",
    "0xd82": "Cortex-X4",
}
"""CPU part → core, for the implementer Arm."""

_THROTTLED_BITS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
"""Of a Raspberry Pi's firmware, as `vcgencmd get_throttled` documents them."""


@dataclass(frozen=True)
class Facts:
    """What a machine says about itself at one moment."""

    board: str | None
    """As its device tree names it: "Raspberry Pi 5 Model B Rev 1.0"."""
    cpu: str | None
    """The model of the processor, or the kinds of its cores."""
    architecture: str
    """Of the kernel, as `uname -m` gives it."""
    python_bits: int
    """32 where a 32-bit system runs on a 64-bit kernel."""
    cores: int | None
    """Physical cores that are on."""
    available_processors: int
    """Logical processors that this process may use."""
    dot_product: bool | None
    """Dot products of int8: asimddp on ARM, VNNI on x86-64."""
    i8mm: bool | None
    """Matrix products of int8 on ARM."""
    sve: bool | None
    """Scalable vectors on ARM."""
    governor: str | None
    """Of the first processor."""
    frequency_mhz: float | None
    """Of the fastest processor that this process may use."""
    max_frequency_mhz: float | None
    """Of the first processor; on a phone of the fastest, as the first is a little one."""
    temperature_celsius: float | None
    """The hottest sensor of the processor."""
    throttling: tuple[str, ...] | None
    """What a Raspberry Pi's firmware holds against its speed; empty if nothing."""
    memory_bytes: int | None
    available_memory_bytes: int | None
    operating_system: str
    kernel: str
    python: str
    """Version; empty where there is none."""
    libraries: Mapping[str, str]
    """Library imported by this process → version."""


def facts(root: Path = Path("/")) -> Facts:
    """The machine's facts. `root` is where its files begin: another tree stands in for tests."""
    processors = _processors(root)
    flags = cpu_flags(root)
    frequency = root / "sys/devices/system/cpu/cpu0/cpufreq"
    return Facts(
        board=_board(root),
        cpu=_cpu(processors),
        architecture=platform.machine(),
        python_bits=struct.calcsize("P") * 8,
        cores=_cores(processors),
        available_processors=available_processors(root),
        dot_product=_any_of(flags, *DOT_PRODUCTS),
        i8mm=_any_of(flags, "i8mm"),
        sve=_any_of(flags, "sve"),
        governor=_read(frequency / "scaling_governor"),
        frequency_mhz=frequency_mhz(root),
        max_frequency_mhz=_scaled(_read(frequency / "cpuinfo_max_freq"), 1000),
        temperature_celsius=temperature_celsius(root),
        throttling=throttling(root),
        memory_bytes=_memory(root, "MemTotal"),
        available_memory_bytes=_memory(root, "MemAvailable"),
        operating_system=_operating_system(root),
        kernel=_read(root / "proc/sys/kernel/osrelease") or platform.release(),
        python=platform.python_version(),
        libraries=_libraries(),
    )


def _read(path: Path) -> str | None:
    """The text of a file; None if it can't be read or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n") or None
    except OSError:
        return None


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _processors(root: Path) -> list[dict[str, str]]:
    """A block of /proc/cpuinfo for each logical processor."""
    blocks = (_read(root / "proc/cpuinfo") or "").split("\n\n")
    return [fields for fields in map(_fields, blocks) if fields.get("processor", "").isdigit()]


def _board(root: Path) -> str | None:
    cpuinfo = _fields(_read(root / "proc/cpuinfo") or "")
    tree = _read(root / "proc/device-tree/model")
    return tree or cpuinfo.get("Model") or cpuinfo.get("Hardware") or None


def _cpu(processors: list[dict[str, str]]) -> str | None:
    kinds = Counter(name for name in map(_core_name, processors) if name)
    if len(kinds) > 1:
        return " + ".join(f"{count} × {name}" for name, count in kinds.items())
    return next(iter(kinds), None)


def _core_name(processor: Mapping[str, str]) -> str | None:
    # 32-bit ARM has a model name too, but it tells the architecture only: "ARMv7 Processor rev 3".
    if part := processor.get("CPU part"):
        implementer = processor.get("CPU implementer", "unknown")
        known = _ARM_CORES.get(part.lower()) if implementer.lower() == _ARM else None
        return known or f"CPU implementer {implementer} part {part}"
    return processor.get("model name") or None


def _cores(processors: list[dict[str, str]]) -> int | None:
    """Linux numbers cores where several logical processors share one, and else leaves it out."""
    cores = {
        (each.get("physical id"), each.get("core id", f"processor {each['processor']}"))
        for each in processors
    }
    return len(cores) or None


def _any_of(flags: frozenset[str], *names: str) -> bool | None:
    return not flags.isdisjoint(names) if flags else None


def _scaled(text: str | None, divisor: float) -> float | None:
    try:
        return None if text is None else int(text) / divisor
    except ValueError:
        return None


def temperature_celsius(root: Path = Path("/")) -> float | None:
    """The hottest sensor of the processor.

    Zones are named by drivers: cpu-thermal, cpu-0-1-usr, x86_pkg_temp, soc-thermal.

    A plain "soc" is left out: on phones it is the battery's state of charge.
    """
    readings = []
    for zone in root.glob("sys/class/thermal/thermal_zone*"):
        kind = (_read(zone / "type") or "").lower().replace("_", "-")
        celsius = _scaled(_read(zone / "temp"), 1000)
        if celsius is not None and ("cpu" in kind or kind in ("x86-pkg-temp", "soc-thermal")):
            readings.append(celsius)
    return max(readings, default=None)


def throttling(root: Path = Path("/")) -> tuple[str, ...] | None:
    """What a Raspberry Pi's firmware holds against its speed; empty if nothing."""
    for path in root.glob("sys/devices/platform/soc*/soc*:firmware/get_throttled"):
        try:
            bits = int(_read(path) or "", 16)
        except ValueError:
            continue
        return tuple(name for bit, name in _THROTTLED_BITS.items() if bits >> bit & 1)
    return None


def frequency_mhz(root: Path = Path("/")) -> float | None:
    """Of the fastest processor that this process may use, at this moment."""
    affinity = getattr(os, "sched_getaffinity", None)
    numbers = sorted(affinity(0)) if affinity else [0]
    folder = root / "sys/devices/system/cpu"
    files = (folder / f"cpu{number}/cpufreq/scaling_cur_freq" for number in numbers)
    clocks = [_scaled(_read(file), 1000) for file in files]
    return max((clock for clock in clocks if clock is not None), default=None)


def _memory(root: Path, name: str) -> int | None:
    value, _, unit = _fields(_read(root / "proc/meminfo") or "").get(name, "").partition(" ")
    return int(value) * 1024 if value.isdigit() and unit == "kB" else None


def _operating_system(root: Path) -> str:
    for line in (_read(root / "etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'")
    return platform.system()


def _libraries() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        if name in sys.modules:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                own = getattr(sys.modules[name], "__version__", None)
                versions[name] = str(own or importlib.metadata.version(name))
    return versions
