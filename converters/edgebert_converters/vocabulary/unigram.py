"""Unigram: the split of a text whose pieces have the greatest sum of scores.

Same tokens: the best split of all is the best of fewer, and of equal ones the library takes the
same, for it takes the first piece that is not beaten. An unknown character costs 10 more than the
least score, so a piece with that score stays, and the cost with it.

No new unknown character: it has a piece of its own, or every piece with it stays.

Kudo, "Subword Regularization", ACL 2018, section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_BYTE = re.compile("<0x[0-9A-F]{2}>")


class Unigram:
    """The model of a tokenizer.json of this type."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model
        self._pieces: list[tuple[str, float]] = [(name, score) for name, score in model["vocab"]]

    def unknown_path(self, word: str) -> list[int]:
        """Nothing: what is unknown is a character alone."""
        return []

    def characters(self, used: Iterable[int]) -> set[str]:
        """The characters in these pieces."""
        return {c for each in used if each < len(self._pieces) for c in self._pieces[each][0]}

    def required(self, seen: set[str] | None) -> set[int]:
        """The unknown token, bytes, single characters; without `seen`, what they cannot spell."""
        single = {name for name, _ in self._pieces if len(name) == 1}
        scores = [score for _, score in self._pieces]
        required = {scores.index(min(scores))}
        if self._model.get("unk_id") is not None:
            required.add(self._model["unk_id"])
        for each, (name, _) in enumerate(self._pieces):
            is_byte = self._model.get("byte_fallback") and _BYTE.fullmatch(name)
            if (
                is_byte
                or (name in single and (seen is None or name in seen))
                or (seen is None and not set(name) <= single)
            ):
                required.add(each)
        return required

    def parts(self, piece: int) -> set[int]:
        """The piece alone: nothing is merged."""
        return {piece}

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """The model with the tokens in `new_ids` alone."""
        kept = [[*each] for old, each in enumerate(self._pieces) if old in new_ids]
        unknown = self._model.get("unk_id")
        return self._model | {
            "vocab": kept,
            "unk_id": None if unknown is None else new_ids[unknown],
        }
