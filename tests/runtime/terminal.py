"""`python -m edgebert` as a person runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Argument = str | bytes | Path

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    # These change how Python encodes and buffers.
    if name not in ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LANG")
} | {"LANG": "C.UTF-8"}


def command(*arguments: Argument) -> list[Argument]:
    return [sys.executable, "-m", "edgebert", *arguments]


def run(
    *arguments: Argument, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        env=ENVIRONMENT | environment,
        timeout=120,
    )


def output(*arguments: Argument, stdin: bytes = b"", **environment: str) -> str:
    """Standard output of a command that succeeds."""
    done = run(*arguments, stdin=stdin, **environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def mistake(*arguments: Argument, stdin: bytes = b"", **environment: str) -> str:
    """The one line of a command that fails for what it was given."""
    done = run(*arguments, stdin=stdin, **environment)
    return only_line(done.stderr, done.returncode)


def mistake_of(program: str, *arguments: Argument) -> str:
    """The one line of a program that calls the command within a process it has prepared."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    return only_line(done.stderr, done.returncode)


def only_line(stderr: bytes, status: int) -> str:
    text = stderr.decode()
    assert status == 2, text
    assert text.startswith("edgebert: error: "), text
    assert text.count("\n") == 1, text
    assert text.endswith("\n")
    assert len(text) < 2100
    return text
