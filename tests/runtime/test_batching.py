"""How many outputs are held at a time, whatever the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from edgebert_runtime import batching
from edgebert_runtime.tokenization import Encoding

WIDTH = 3


def encoding(first: int, tokens: int) -> Encoding:
    return Encoding(list(range(first, first + tokens)), [0] * tokens, truncated=False)


def test_no_more_is_held_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows name their tokens; the text in the middle is too much by itself, and neither end is."""
    monkeypatch.setattr(batching, "MOST_OUTPUTS", 10 * WIDTH)
    ran: list[int] = []

    def run(encodings: Sequence[Encoding]) -> NDArray[np.float32]:
        ids = [token for each in encodings for token in each.ids]
        ran.append(len(ids))
        return np.repeat(np.array(ids, dtype=np.float32)[:, None], WIDTH, axis=1)

    texts = [
        [encoding(0, 4)],
        [encoding(10, 3), encoding(20, 3)],
        [encoding(30, 8), encoding(40, 8), encoding(50, 8)],
        [encoding(60, 2)],
        [encoding(70, 10)],
        [],
    ]
    found = []
    for windows, rows in zip(texts, batching.rows_of_windows(run, texts, WIDTH), strict=True):
        assert len(rows) == len(windows)
        found.append([rows[window][:, 0].astype(int).tolist() for window in range(len(windows))])
    assert found == [[window.ids for window in windows] for windows in texts]
    assert max(ran) == 10
    assert ran == [10, 8, 8, 8, 2, 10]


@pytest.mark.parametrize(
    ("numbers", "rows", "listed"), [(1, 256, 1024), (2**16, 256, 256), (2**22, 4, 4), (2**30, 1, 1)]
)
def test_rows_that_are_held(numbers: int, rows: int, listed: int) -> None:
    assert batching.most_rows(numbers) == rows
    assert batching.most_rows(numbers, listed=True) == listed


@dataclass
class Remembering:
    """A backend that answers a text with its first token, and keeps the shapes it was given."""

    max_rows: int
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        self.shapes.append(inputs["input_ids"].shape)
        return inputs["input_ids"][:, :1].astype(np.float32)


@pytest.mark.parametrize(
    ("max_rows", "shapes"),
    [(32, [(32, 4), (8, 4), (2, 100), (1, 100), (1, 300), (1, 300)]), (1, None)],
)
def test_rows_that_share_a_call(max_rows: int, shapes: list[tuple[int, ...]] | None) -> None:
    """Of one length, shortest first, few where they are long; answers in the order of the texts."""
    tokens = [300, *[4] * 20, 100, *[4] * 20, 100, 100, 300]
    backend = Remembering(max_rows)
    encodings = [encoding(1000 * index, count) for index, count in enumerate(tokens)]
    found = batching.run_by_length(backend, encodings, 1, 256, by_token=False)
    assert found[:, 0].tolist() == [1000 * index for index in range(len(tokens))]
    assert backend.shapes == (shapes or [(1, count) for count in sorted(tokens)])
