"""Runs android_demo/build.sh for tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from environments import ROOT

PROJECT = ROOT / "android_demo"
TOOLS = PROJECT / "tools"
_TOKEN_TASKS = ("token-classification", "question-answering", "masked-lm")
MODELS = [
    *("film-sentiment", "classification", "multi-label", "regression"),
    *_TOKEN_TASKS,
    *(f"{task}-bpe" for task in _TOKEN_TASKS),
]
"""Those whose answers the JVM is asked for."""
NOT_TO_BE_HAD = 69
"""What tools/fetch.sh exits with when a package can neither be found nor brought."""


def need_toolchain() -> None:
    """Bring what the build needs, or skip the test and say why."""
    done = run("fetch")
    if done.returncode == NOT_TO_BE_HAD:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of build.sh, with further variables of its environment."""
    command = [str(PROJECT / "build.sh"), *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True)


def succeed(*arguments: str | Path, **environment: str) -> str:
    """What a command printed that must succeed."""
    done = run(*arguments, **environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def write_vectors(script: str, folder: Path, *arguments: str) -> None:
    """What Python answers, by a script of android_demo/vectors."""
    command = [sys.executable, str(PROJECT / "vectors" / script), str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def tests_passed(output: str) -> int:
    """How many tests JUnit counted in runs without a failure."""
    return sum(map(int, re.findall(r"^OK \((\d+) tests?\)$", output, re.MULTILINE)))
