"""How every command behaves at its edges: options, streams, signals and exit statuses."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import terminal

import edgebert
from edgebert import cli

MISTAKES = {
    "no command": ([], "required: COMMAND"),
    "unknown command": (["fly"], "invalid choice: 'fly'"),
    "unknown option": (["verify", "BUNDLE", "--bogus", "x"], "got --bogus"),
    "abbreviated option": (["predict", "BUNDLE", "--back", "onnx"], "got --back"),
    "one bundle too many": (["verify", "BUNDLE", "another"], "got another, which 'edgebert ver"),
    "no bundle": (["predict"], "required: BUNDLE"),
    "option without a value": (["predict", "BUNDLE", "--backend"], "expected one argument"),
    "backend": (["predict", "BUNDLE", "x", "--backend", "tf"], "backend: got 'tf', expected one"),
    "recipe": (["predict", "BUNDLE", "x", "--recipe", "int4"], "recipe 'int4', this bundle holds"),
    "no threads": (["predict", "BUNDLE", "x", "--threads", "0"], "whole number of at least 1"),
    "half a thread": (["predict", "BUNDLE", "--threads", "1.5"], "got '1.5', expected a whole"),
    "other digits": (["predict", "BUNDLE", "--threads", "٢"], "expected a whole number"),
    "many digits": (["predict", "BUNDLE", "--top-k", "9" * 10_000], "expected a whole number"),
    "many threads": (["predict", "BUNDLE", "x", "--threads", "99999"], "from 1 to 1024"),
    "nothing there": (["inspect", "/nowhere"], "no bundle at '/nowhere'; expected a folder"),
    "no bundle there": (["predict", "/", "x"], "no manifest.json in '/'; expected a folder"),
    "control characters": (["inspect", "/\x1b[31m\n\u202e"], r"'/\x1b[31m\n\u202e'"),
    "no UTF-8": (["inspect", b"/\xff"], r"'/\udcff'"),
    "a very long path": (["inspect", "x" * 100_000], "cannot be opened (File name too long)"),
}


@pytest.mark.parametrize(("given", "line"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line(bundle: Path, given: list[str | bytes], line: str) -> None:
    arguments = [bundle if word == "BUNDLE" else word for word in given]
    assert line in terminal.mistake(*arguments)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_arguments_that_no_shell_could_give(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", name, "x"]) == 2
    assert terminal.only_line(capfd.readouterr().err.encode(), 2)
    assert cli.main(["predict", "/nowhere", "--input", name]) == 2
    assert "cannot be read" in terminal.only_line(capfd.readouterr().err.encode(), 2)


@pytest.mark.parametrize("command", [[], *([name] for name in cli._COMMANDS)])
def test_help(command: list[str]) -> None:
    assert terminal.output(*command, "--help").startswith("usage: edgebert")


def shell(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """A script in which $@ is the command."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *terminal.command(*arguments)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=terminal.ENVIRONMENT,
        timeout=120,
    )


def test_the_version() -> None:
    done = shell('"$@"', "--version")
    assert done.stdout.decode() == f"edgebert {edgebert.__version__}\n"


def test_a_reader_that_has_had_enough(bundle: Path) -> None:
    done = shell(
        'seq 20000 | "$@" | head -1; echo "${PIPESTATUS[@]}"',
        *("predict", bundle, "--backend", "onnx"),
    )
    # Lines are answered as they come, so that seq too may still be writing.
    assert done.stdout.split() in (
        [b"text", b"answer", b"0", b"141", b"0"],
        [b"text", b"answer", b"141", b"141", b"0"],
    )
    assert done.stderr == b""


@pytest.mark.parametrize(
    "arguments",
    [["predict", "BUNDLE", "--backend", "onnx", "a"], ["inspect", "BUNDLE", "--json"], ["--help"]],
)
def test_a_full_disk(bundle: Path, arguments: list[str]) -> None:
    given = [bundle if word == "BUNDLE" else word for word in arguments]
    done = shell('"$@" > /dev/full', *given)
    line = terminal.only_line(done.stderr, done.returncode)
    assert "standard output cannot be written (No space left on device)" in line


def test_a_full_disk_and_more_than_a_buffer(bundle: Path) -> None:
    done = shell('seq 3000 | "$@" > /dev/full', "predict", bundle, "--backend", "onnx")
    assert "standard output cannot be written" in terminal.only_line(done.stderr, done.returncode)


def test_closed_output(bundle: Path) -> None:
    done = shell('"$@" >&-', "inspect", bundle)
    assert "standard output is closed" in terminal.only_line(done.stderr, done.returncode)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_errors_that_nobody_can_read(bundle: Path, redirection: str) -> None:
    fine = shell(f'"$@" {redirection}', "predict", bundle, "a", "--backend", "onnx")
    wrong = shell(f'"$@" {redirection}', "predict", "/nowhere", "a")
    assert (fine.returncode, wrong.returncode) == (0, 2)
    assert fine.stdout.startswith(b"text")
    assert wrong.stdout == b""


def test_closed_input(bundle: Path) -> None:
    done = shell('"$@" <&-', "predict", bundle)
    assert "standard input is closed" in terminal.only_line(done.stderr, done.returncode)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(bundle: Path, tmp_path: Path, number: signal.Signals) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        terminal.command("predict", bundle, "--input", pipe),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=terminal.ENVIRONMENT,
    )
    with process, _opened_by_reader(pipe):
        out, errors = _interrupted(process, number)
    assert (process.returncode, out, errors) == (130, b"", b"")


def _interrupted(process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[bytes, bytes]:
    """What a process wrote that is interrupted until it ends, a minute at most.

    Python does not see a signal that comes in the moment before it begins to read, until another.
    """
    try:
        for _ in range(30):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=2)
        raise AssertionError("the command goes on")
    finally:
        process.kill()


@contextlib.contextmanager
def _opened_by_reader(pipe: Path) -> Iterator[None]:
    """Waits until the command has the pipe open, and is past everything that it does before."""
    until = time.monotonic() + 60
    while True:
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            assert time.monotonic() < until, "the command never opened its input"
            time.sleep(0.01)
    yield
    os.close(descriptor)
