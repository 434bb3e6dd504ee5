"""One artifact in a process of its own, which is asked and answers."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from peers.making import INSIDE

_LIMIT_SECONDS = 900


class AnswerError(Exception):
    """A process ended, or said nothing for too long; says what its last words were."""


@dataclass(frozen=True)
class Job:
    """What to start."""

    python: Path
    answerer: str
    folder: Path
    variant: str
    task: str
    threads: int


class Process:
    """Started and answering: a text was answered already. Ended by `close` or a with block."""

    def __init__(self, job: Job, text: str) -> None:
        self._errors = tempfile.TemporaryFile(  # noqa: SIM115
            "w+", encoding="utf-8", errors="replace"
        )
        worker = [str(job.python), str(INSIDE / "worker.py"), job.answerer, str(job.folder)]
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [*worker, job.variant, job.task, str(job.threads), text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=_surroundings(job.threads),
        )
        try:
            first = self._reply()
        except AnswerError:
            self.close()
            raise
        self.start_seconds = time.perf_counter() - start
        """From the process's start to its first answer."""
        self.batches: list[int] = first["batches"]
        """How many texts it can be told to take at once."""

    def ask(self, **message: Any) -> dict[str, Any]:
        """A question of `inside/worker.py`, and its answer.

        Raises:
            AnswerError: if the process ends instead, or takes too long.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AnswerError(self._last_words()) from None
        return self._reply()

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(_LIMIT_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise AnswerError(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or ["nothing said"]
        return f"status {status}: {lines[-1].strip()}"


def _surroundings(threads: int) -> dict[str, str]:
    """Whatever library it is, so many threads; and nothing is looked up elsewhere."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "RAYON_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
        "HF_HUB_OFFLINE": "1",
    }
