"""The systemd unit is understood by systemd, and as closed as it is meant to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import this_machine
from device_service import EXAMPLE


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with an interpreter that is there: systemd looks whether it is."""
    this_machine.need("systemd-analyze", "systemd")
    text = (EXAMPLE / "edgebert.service").read_text(encoding="utf-8")
    installed = "/opt/edgebert/venv/bin/python"
    assert installed in text
    copy = tmp_path / "edgebert.service"
    copy.write_text(text.replace(installed, sys.executable), encoding="utf-8")
    return copy


def test_systemd_understands_every_line(unit: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, ours) == (0, [])
    # And it would say so if it did not.
    unit.write_text(unit.read_text(encoding="utf-8") + "\n[Service]\nMemoryMost=1\n", "utf-8")
    assert "MemoryMost" in subprocess.run(command, capture_output=True, text=True).stderr


def test_exposure_is_small(unit: Path) -> None:
    """systemd's own scale: 0 is closed, 10 open; above 2.0 the command fails."""
    command = ["systemd-analyze", "security", "--offline=1", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
