"""The arm64 root that tests of this folder run in, made where it is not there yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environments
import pytest
import this_machine

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
sys.path.insert(0, str(environments.ROOT / "benchmarks" / "arm"))
import arm_roots


@pytest.fixture(scope="session")
def arm64_root() -> Path:
    """A folder, as `arm_roots.root` gives it."""
    machine = arm_roots.MACHINES["arm64"]
    if not arm_roots.has_root(machine):
        if os.geteuid():
            pytest.skip("only root can make an arm64 root")
        this_machine.need("debootstrap", "debootstrap")
    try:
        return arm_roots.root(machine)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no arm64 root could be made: {error}")
