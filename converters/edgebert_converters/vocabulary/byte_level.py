"""Byte-level BPE: characters stand for bytes, and the pair of the first merge in rank is merged.

What happens between the ends of a token, while a word is encoded, happens also when the token is
encoded alone: no merge reaches across an end that is there in the result, and of the merges inside,
the one of least rank is always the next. So a token needs just what its own encoding makes on the
way. This holds for those on the way as well, and of a kept token all are kept.

Same tokens: a word's merges are then all there. Of fewer merges, the first in rank is the same one
as long as it is there; and where none applied among all, none applies among fewer.

No unknown text: the 256 characters of the bytes stay.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tokenizers import pre_tokenizers

from edgebert_runtime.errors import ConversionError


def check(file: dict[str, Any]) -> None:
    """Refuse a tokenizer.json with a BPE model of another kind.

    Raises:
        ConversionError: naming what is not supported.
    """
    steps = json.dumps([file.get("normalizer"), file.get("pre_tokenizer")])
    if '"type": "ByteLevel"' not in steps:
        raise ConversionError(
            "the tokenizer's model is a BPE of characters, whose vocabulary cannot be pruned; "
            "supported: WordPiece, Unigram and byte-level BPE"
        )
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if file["model"].get(name):
            raise ConversionError(
                f"the tokenizer's BPE has {name} {file['model'][name]!r}, with which its "
                "vocabulary cannot be pruned; expected none, as RoBERTa's has"
            )


class ByteLevel:
    """The model of a tokenizer.json of type BPE over bytes."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model
        self._ids: dict[str, int] = model["vocab"]
        self._names = {each: name for name, each in self._ids.items()}
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}

    def unknown_path(self, word: str) -> list[int]:
        """Nothing: what is unknown is a byte alone."""
        return []

    def characters(self, used: Iterable[int]) -> set[str]:
        """The characters of bytes in these pieces."""
        return {c for each in used if each in self._names for c in self._names[each]}

    def required(self, seen: set[str] | None) -> set[int]:
        """The characters of all bytes, and the unknown token if there is one."""
        names = [*pre_tokenizers.ByteLevel.alphabet(), self._model.get("unk_token")]
        return {self._ids[name] for name in names if name in self._ids}

    def parts(self, piece: int) -> set[int]:
        """The piece and the results of all merges on the way to it."""
        parts = {piece}
        if piece not in self._names:
            return parts
        symbols = list(self._names[piece])
        while ranked := [
            (self._ranks[pair], at)
            for at, pair in enumerate(itertools.pairwise(symbols))
            if pair in self._ranks
        ]:
            _, at = min(ranked)
            symbols[at : at + 2] = ["".join(symbols[at : at + 2])]
            parts.add(self._ids[symbols[at]])
        # A piece that no merges make is found whole in a word, or never.
        return parts if len(symbols) == 1 else {piece}

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """The model with the tokens in `new_ids` alone, and the merges among them."""
        kept = {name: new_ids[each] for name, each in self._ids.items() if each in new_ids}
        merges = [
            [left, right]
            for left, right in self._model["merges"]
            if left in kept and right in kept and left + right in kept
        ]
        return self._model | {"vocab": kept, "merges": merges}
