"""A bundle answers the same whatever a device lacks; each lack is real, made by the kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import device_conditions
import device_run
import pytest
from device_conditions import CONDITIONS, Condition
from device_run import Job, Outcome

BY_NAME = {condition.name: condition for condition in CONDITIONS}
BARE = "neither /sys nor /proc"
SAME = [name for name in BY_NAME if name != BARE]


def made(name: str, bundle: Path) -> Condition:
    """The condition, where this system lets a test make it."""
    condition = BY_NAME[name]
    if why := device_conditions.refusal(condition, bundle):
        pytest.skip(f"{name} cannot be made here: {why}")
    return condition


@pytest.mark.parametrize("name", SAME)
def test_the_answers_are_the_same(name: str, job: Job, ordinary: Outcome) -> None:
    outcome = device_run.run(job, made(name, job.bundle))
    assert outcome.result(ordinary) == "same answers", outcome.errors


def test_without_sys_and_proc(job: Job, ordinary: Outcome) -> None:
    outcome = device_run.run(job, made(BARE, job.bundle))
    if job.backend == "torchscript" and outcome.status == 2:
        # Nothing tells which of torch's engines is exact, and the one that always is fails.
        assert "BackendError: torchscript failed" in outcome.result()
        assert "try another backend" in outcome.result()
        return
    # TFLite falls back on plain kernels, which round 8-bit activations in another order.
    assert outcome.status == 0, outcome.result()
    assert outcome.difference(ordinary) < 0.02


def test_a_condition_that_does_not_hold_is_noticed(bundle: Path) -> None:
    pretended = Condition("pretended", device_conditions.READ_ONLY.script.partition("touch")[2])
    assert device_conditions.refusal(pretended, bundle) is not None


def ran(condition: Condition, bundle: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        device_conditions.command(condition, [sys.executable, "-m", *arguments]),
        env=device_conditions.environment(condition, bundle),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )


ONNX = ("--backend", "onnx", "--threads", "1")


@pytest.mark.parametrize("name", [name for name in BY_NAME if "closed" not in name])
def test_the_command_answers(name: str, bundle: Path) -> None:
    predict = ("edgebert", "predict", str(bundle), "Never again.", *ONNX)
    plain = ran(device_conditions.ORDINARY, bundle, *predict)
    done = ran(made(name, bundle), bundle, *predict)
    assert (done.returncode, done.stdout) == (0, plain.stdout), done.stderr


@pytest.mark.parametrize("name", [BARE, "no /proc/cpuinfo", "clock at 1970", "no /tmp"])
def test_the_benchmark_says_what_it_can(name: str, bundle: Path) -> None:
    budget = ("--budget", "0.1", "--lengths", "8", "--json")
    condition = made(name, bundle)
    done = ran(condition, bundle, "edgebert_runtime.benchmark", str(bundle), *ONNX, *budget)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["startup"]["load_ms"] > 0
    if name == BARE:
        assert measured["facts"]["cpu"] is None
        assert measured["facts"]["memory_bytes"] is None
        assert measured["memory"]["loaded_bytes"] is None
        assert measured["startup"]["to_first_answer_ms"] is None


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_a_measurement_that_nobody_can_read(redirection: str, bundle: Path) -> None:
    arguments = (str(bundle), *ONNX, "--budget", "0.1", "--lengths", "8")
    condition = Condition("output", streams=redirection)
    done = ran(condition, bundle, "edgebert_runtime.benchmark", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("edgebert: error: ")


def test_a_mistake_that_nobody_can_read(bundle: Path) -> None:
    condition = Condition("errors", streams="2>/dev/full")
    assert ran(condition, bundle, "edgebert_runtime.benchmark", "/nowhere", *ONNX).returncode == 2
