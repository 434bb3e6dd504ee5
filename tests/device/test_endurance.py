"""A model that answers for long keeps its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import environments
import pytest

from edgebert_runtime.manifest import BACKENDS

PROGRAM = environments.ROOT / "benchmarks" / "device_endurance.py"
CALLS = 3000
SMALLEST_LEAK = 512
"""Bytes a call: less than the ids of one short text, in int64, with what Python adds to them."""


@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_is_flat(backend: str, bundle: Path) -> None:
    command = [sys.executable, str(PROGRAM), str(bundle), "--backend", backend, "--json"]
    command += ["--calls", str(CALLS), "--every", "100"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    samples = len(found["calls"]) - len(found["calls"]) // 2
    # The standard error of a slope over evenly spaced samples, and four of them for certainty.
    error = found["noise_bytes"] / (CALLS / 2 / 12**0.5 * samples**0.5)
    assert found["slope_bytes_per_call"] < SMALLEST_LEAK + 4 * error, found
