"""The classifier bundle, run under conditions of a device."""

from __future__ import annotations

import sys
from pathlib import Path

import environments
import pytest

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import device_run
from device_run import Job, Outcome

from edgebert_runtime.manifest import BACKENDS


@pytest.fixture(scope="session", params=BACKENDS)
def job(request: pytest.FixtureRequest, bundle: Path) -> Job:
    """The classifier on each backend in turn, one thread, by this interpreter."""
    return Job(sys.executable, bundle, request.param)


@pytest.fixture(scope="session")
def ordinary(job: Job) -> Outcome:
    """What it answers under no special condition."""
    outcome = device_run.run(job)
    assert outcome.status == 0, outcome.result()
    return outcome
