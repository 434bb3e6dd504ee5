"""Encodings → raw outputs: those of one length run together, unpadded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.backends import Backend
from edgebert_runtime.errors import BackendError
from edgebert_runtime.tokenization import Encoding


def run_by_length(
    backend: Backend, encodings: Sequence[Encoding], width: int, most: int, *, by_token: bool
) -> NDArray[np.float32]:
    """Raw outputs [n, width] in the order of the encodings, or [sum of tokens, width] `by_token`.

    At most `most` rows share a call, and no more than the backend allows.

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
    """Indices grouped by token count, smallest first, at most `most` to a group."""
    by_length: dict[int, list[int]] = {}
    for index, count in enumerate(counts):
        by_length.setdefault(count, []).append(index)
    return [
        rows[start : start + most]
        for _, rows in sorted(by_length.items())
        for start in range(0, len(rows), most)
    ]
