"""SIGINT and SIGTERM in the middle of answering: no trace of Python, the usual status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgebert_runtime.manifest import BACKENDS


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_answers(backend: str, number: int, bundle: Path) -> None:
    command = [sys.executable, "-m", "edgebert", "predict", str(bundle), "--backend", backend]
    with subprocess.Popen(
        [*command, "--threads", "2", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        feeder = threading.Thread(target=feed, args=(process,))
        feeder.start()
        assert process.stdout is not None
        assert process.stderr is not None
        answers = 0
        while answers < 3:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            answers += b'"label":' in line
        process.send_signal(number)
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        errors = process.stderr.read()
        process.wait(timeout=60)
        drain.join()
        feeder.join()
    # TFLite's library says on standard error which kernels it takes.
    said = [line for line in errors.splitlines() if not line.startswith(b"INFO:") and line]
    assert (process.returncode, said) == (130, [])


def feed(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        while True:
            process.stdin.write(b"The film is bright and warm.\n" * 100)
    except BrokenPipeError:
        pass
