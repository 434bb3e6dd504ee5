"""Processors that a process may use: its affinity, and the quotas of control groups."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgebert_runtime.processors import available_processors, cpu_flags

MANY = 1000


@pytest.fixture(autouse=True)
def many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)


def tree(root: Path, membership: str, **files: str) -> Path:
    """A fake /proc and /sys; `files` are by path under /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(membership)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("max 100000\n", MANY),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("0 100000\n", 1),
        ("200000 0\n", MANY),
        ("", MANY),
        ("200000\n", MANY),
        ("-5 100000\n", MANY),
        ("many few\n", MANY),
        ("99999999999 100000\n", MANY),
    ],
)
def test_version_2(tmp_path: Path, content: str, expected: int) -> None:
    root = tree(tmp_path, "0::/a/b\n", **{"a/b/cpu.max": content})
    assert available_processors(root) == expected


def test_version_2_takes_the_tightest_of_the_ancestors(tmp_path: Path) -> None:
    files = {
        "cpu.max": "900000 100000",
        "a/cpu.max": "300000 100000",
        "a/b/cpu.max": "max 100000",
        "other/cpu.max": "100000 100000",
    }
    assert available_processors(tree(tmp_path, "0::/a/b\n", **files)) == 3


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [
        ("-1", "100000", MANY),
        ("400000", "100000", 4),
        ("50000", "100000", 1),
        ("400000", "0", MANY),
        ("", "", MANY),
    ],
)
def test_version_1(tmp_path: Path, quota: str, period: str, expected: int) -> None:
    files = {"cpu/box/cpu.cfs_quota_us": quota, "cpu/box/cpu.cfs_period_us": period}
    root = tree(tmp_path, "5:memory:/box\n3:cpu,cpuacct:/box\n1:name=systemd:/\n", **files)
    assert available_processors(root) == expected


def test_version_1_in_a_container_sees_its_own_group_at_the_root(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert available_processors(tree(tmp_path, "3:cpu,cpuacct:/docker/f00\n", **files)) == 2


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    files = {
        "cpu/cpu.cfs_quota_us": "300000",
        "cpu/cpu.cfs_period_us": "100000",
        "cpu.max": "200000 100000",
    }
    assert available_processors(tree(tmp_path, "3:cpu:/\n0::/\n", **files)) == 2


@pytest.mark.parametrize("membership", ["", "\n", "garbage\n", "0::\n", "0::/../../x\n", "::::\n"])
def test_a_membership_that_says_nothing(tmp_path: Path, membership: str) -> None:
    assert available_processors(tree(tmp_path, membership)) == MANY


def test_without_proc_and_sys(tmp_path: Path) -> None:
    assert available_processors(tmp_path) == MANY


def test_affinity_counts() -> None:
    program = """
import os
from edgebert_runtime.processors import available_processors
first = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, {first})
print(available_processors())
"""
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "1\n"


def test_without_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert available_processors(tmp_path) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_processors(tmp_path) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2\nprocessor\t: 1\nflags : x\n", {"fpu", "avx2"}),
        ("processor\t: 0\nFeatures\t: fp asimddp\n", {"fp", "asimddp"}),
        ("vendor_id : x\n", set()),
    ],
)
def test_flags(tmp_path: Path, content: str, expected: set[str]) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(content)
    assert cpu_flags(tmp_path) == expected
