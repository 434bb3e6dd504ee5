"""How many processors this process may use, and what the processor can do."""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

DOT_PRODUCTS = frozenset({"asimddp", "avx512_vnni", "avx_vnni"})
"""Flags of dot products of 8-bit numbers, on ARM and on x86-64."""


def available_processors(root: Path = Path("/")) -> int:
    """Processors that this process may use: its affinity, cut down by its cgroup's quota.

    `os.cpu_count()` says what the machine has; in a container with two processors of 64, a thread
    for each of the 64 would be slower than one.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    quotas = [*_cgroup2_quotas(root), *_cgroup1_quotas(root)]
    return max(1, min([count, *(math.ceil(quota) for quota in quotas)]))


def cpu_flags(root: Path = Path("/")) -> frozenset[str]:
    """Features of the first processor as Linux names them; empty where it doesn't."""
    for line in _read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def is_arm() -> bool:
    """Whether this is a 32- or 64-bit ARM machine."""
    return platform.machine().lower().startswith(("arm", "aarch64"))


def sums_bytes_exactly(flags: frozenset[str], *, arm: bool) -> bool:
    """Whether fast kernels add products of 8-bit numbers exactly on a processor of these flags.

    On x86-64 without VNNI they add them by pairs in 16 bits first (VPMADDUBSW), and cut what is
    beyond: 255 x 127 twice is more than 32,767.
    """
    return arm or not flags.isdisjoint(DOT_PRODUCTS)


def older_than_libraries(flags: frozenset[str], *, arm: bool) -> bool:
    """Whether a library may have been built for newer instructions than a processor's flags tell.

    Today's are built and tried on processors with dot products (ARM) or AVX2 (x86-64). Of a
    processor that tells no flags nothing is known.
    """
    return bool(flags) and ("asimddp" if arm else "avx2") not in flags


def _cgroup_folders(root: Path, controller: str) -> list[Path]:
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if controller in names.split(","):
            base = mount / controller if controller else mount
            folder = base / path.lstrip("/")
            inside = [folder, *folder.parents]
            return [each for each in inside if each == base or base in each.parents]
    return []


def _cgroup2_quotas(root: Path) -> list[float]:
    """cpu.max holds `quota period` in microseconds, or `max period`; each ancestor may limit."""
    quotas = []
    for folder in _cgroup_folders(root, ""):
        quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            quotas.append(int(quota) / int(period))
    return quotas


def _cgroup1_quotas(root: Path) -> list[float]:
    quotas = []
    for folder in _cgroup_folders(root, "cpu"):
        quota = _read(folder / "cpu.cfs_quota_us").strip()
        period = _read(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(period):
            quotas.append(int(quota) / int(period))
    return quotas


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
