"""The environments that other tools run in: pinned, kept in .cache, apart from ours."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import environments  # noqa: E402

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"


def pins(name: str) -> list[str]:
    """What a requirement file says, such as "torch==2.13.0", without its comments."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def interpreter(name: str) -> Path:
    """The Python of an environment, made from the requirement file of that name if it is not there.

    Raises:
        subprocess.CalledProcessError: if pip fails.
    """
    return environments.environment(f"peers-{name}", pins(name))
