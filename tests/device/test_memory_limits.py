"""Little memory: a cgroup in which a small bundle answers, and one in which nothing could."""

from __future__ import annotations

import sys
from pathlib import Path

import device_memory
import pytest
from device_memory import MEBIBYTE
from device_run import Job


@pytest.fixture(params=["tflite", "onnx"])
def limited(request: pytest.FixtureRequest, bundle: Path) -> Job:
    """The two backends of small devices; torch alone takes more than the limit."""
    return Job(sys.executable, bundle, request.param, answers=1000)


def within(job: Job, limit: int) -> device_memory.Limited:
    try:
        return device_memory.run_within(job, limit)
    except OSError as error:
        pytest.skip(f"this system lets nobody limit memory: {error}")


def test_128_megabytes_are_enough(limited: Job) -> None:
    found = within(limited, 128 * MEBIBYTE)
    assert found.outcome.status == 0, found.outcome.result()
    assert found.used_most_bytes <= 128 * MEBIBYTE


def test_the_limit_is_real(limited: Job) -> None:
    assert within(limited, 16 * MEBIBYTE).outcome.result() == "killed by signal 9"
