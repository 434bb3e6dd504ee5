"""Encodings → raw outputs: those of one length run together, unpadded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.backends import Backend
from edgebert_runtime.errors import BackendError
from edgebert_runtime.tokenization import Encoding

MOST_OUTPUTS = 16 * 1024 * 1024
"""Float32 numbers that are held at a time: 64 MB."""
_MOST_ROWS = 256
_MOST_LISTED = 1024
_MOST_TOKENS = 256
"""Of the rows of a call: of more, results leave the processor's cache before they are used."""

Run = Callable[[Sequence[Encoding]], NDArray[np.float32]]
"""Encodings → raw outputs [sum of tokens, width]."""


def most_rows(numbers: int, *, listed: bool = False) -> int:
    """Texts that are held at a time, of so many numbers each, so that outputs stay in bounds.

    The more there are, the more are of one length. Of a list, all are held by the caller anyway.
    """
    return max(1, min(_MOST_LISTED if listed else _MOST_ROWS, MOST_OUTPUTS // numbers))


def run_by_length(
    backend: Backend, encodings: Sequence[Encoding], width: int, most: int, *, by_token: bool
) -> NDArray[np.float32]:
    """Raw outputs [n, width] in the order of the encodings, or [sum of tokens, width] `by_token`.

    At most `most` rows share a call, no more than the backend allows, and few where they are long.

    Raises:
        BackendError: if the backend fails, or answers texts where it should tokens.
    """
    counts = [len(encoding.ids) for encoding in encodings]
    ends = np.cumsum(counts if by_token else [1] * len(counts), dtype=np.int64)
    outputs = np.empty((int(ends[-1]) if counts else 0, width), dtype=np.float32)
    for rows in _same_length(counts, min(backend.max_rows, most)):
        ids = np.array([encodings[row].ids for row in rows], dtype=np.int64)
        types = np.array([encodings[row].token_type_ids for row in rows], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
        given = backend.run(inputs)
        if given.ndim != 2 + by_token:
            raise BackendError(
                f"the model gave outputs of shape {given.shape}, expected a row for each "
                f"{'token' if by_token else 'text'}; convert the checkpoint again"
            )
        for row, each in zip(rows, given, strict=True):
            outputs[ends[row] - (counts[row] if by_token else 1) : ends[row]] = each
    return outputs


def _same_length(counts: Sequence[int], most: int) -> list[list[int]]:
    """Indices grouped by token count, smallest first.

    At most `most` to a group, and `_MOST_TOKENS` tokens where they are not of one row.
    """
    by_length: dict[int, list[int]] = {}
    for index, count in enumerate(counts):
        by_length.setdefault(count, []).append(index)
    groups = []
    for count, rows in sorted(by_length.items()):
        size = max(1, min(most, _MOST_TOKENS // max(1, count)))
        groups += [rows[start : start + size] for start in range(0, len(rows), size)]
    return groups


def rows_of_windows(
    run: Run, texts: Sequence[Sequence[Encoding]], width: int
) -> Iterator[Sequence[NDArray[np.float32]]]:
    """Of each text the rows [tokens, width] of each of its windows, no more than MOST_OUTPUTS held.

    The windows of a text that is too much by itself are run when they are asked for.
    """
    group: list[Sequence[Encoding]] = []
    held = 0
    for windows in texts:
        size = width * sum(len(window.ids) for window in windows)
        if held + size > MOST_OUTPUTS:
            yield from _together(run, group)
            group, held = [], 0
        if size > MOST_OUTPUTS:
            yield _OneByOne(run, windows)
        else:
            group.append(windows)
            held += size
    yield from _together(run, group)


def _together(run: Run, texts: list[Sequence[Encoding]]) -> Iterator[list[NDArray[np.float32]]]:
    if not texts:
        return
    windows = [window for text in texts for window in text]
    ends = np.cumsum([len(window.ids) for window in windows]).tolist()
    parts = iter(np.split(run(windows), ends[:-1]))
    for text in texts:
        yield list(itertools.islice(parts, len(text)))


class _OneByOne(Sequence[NDArray[np.float32]]):
    """Rows of windows, run when asked for; the last one is kept."""

    def __init__(self, run: Run, windows: Sequence[Encoding]) -> None:
        self._run = run
        self._windows = windows
        self._last: tuple[int, NDArray[np.float32]] | None = None

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, window: Any) -> Any:
        if self._last is None or self._last[0] != window:
            # Let go first, so that two are never held.
            self._last = None
            self._last = (window, self._run([self._windows[window]]))
        return self._last[1]
