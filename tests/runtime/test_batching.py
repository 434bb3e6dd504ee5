"""How many outputs are held at a time, whatever the texts."""

from __future__ import annotations

from collections.abc import Sequence

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


@pytest.mark.parametrize(("numbers", "rows"), [(1, 256), (2**16, 256), (2**22, 4), (2**30, 1)])
def test_rows_that_are_held(numbers: int, rows: int) -> None:
    assert batching.most_rows(numbers) == rows
