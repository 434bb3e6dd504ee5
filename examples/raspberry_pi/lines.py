"""Lines in, lines out. The pipes hold what waits, so nothing is dropped and nothing piles up."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator

from answering import Answerer
from lifecycle import TICK_S, Lifecycle

CHUNK_BYTES = 65536


def serve(answerer: Answerer, lifecycle: Lifecycle, source: int = 0, sink: int = 1) -> None:
    """Answer each line of `source` with a line on `sink`, until its end or a signal.

    Raises:
        BrokenPipeError: if whoever read the answers has gone.
    """

    def report() -> None:
        print(answerer.metrics().decode(), file=sys.stderr, flush=True)

    for line, received in _lines(source, answerer.max_bytes):
        lifecycle.tick(report)
        if line is not None:
            _write(sink, answerer.answer(line, received) + b"\n", lifecycle, report)
        if lifecycle.stopping:
            break
    report()


def _lines(source: int, max_bytes: int) -> Iterator[tuple[bytes | None, float]]:
    """Lines and when they came; None whenever a tick passes without one.

    Of a line longer than `max_bytes` one byte more is kept: enough to see that it is too long.
    """
    pending = b""
    while True:
        if not select.select([source], [], [], TICK_S)[0]:
            yield None, time.monotonic()
            continue
        chunk = os.read(source, CHUNK_BYTES)
        received = time.monotonic()
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            yield (pending + part)[: max_bytes + 1], received
            pending = b""
        pending = (pending + rest)[: max_bytes + 1]
        if not chunk:
            if pending:
                yield pending, received
            return
        if not ended:
            yield None, received


def _write(sink: int, data: bytes, lifecycle: Lifecycle, report: Callable[[], None]) -> None:
    """Write all of it, unless a signal comes while nobody reads."""
    while data:
        if select.select([], [sink], [], TICK_S)[1]:
            # As much as a writable pipe takes for certain: more could wait for ever.
            data = data[os.write(sink, data[: select.PIPE_BUF]) :]
        elif lifecycle.stopping:
            return
        else:
            lifecycle.tick(report)
