"""A tokenizer without the tokens that a corpus does not need.

What holds for every kind of tokenizer model, for reasons that its file gives:

- A text whose tokens are all kept, none of them unknown, gives the same tokens as before. So does
  every text of the corpus, unknown words included, unless `min_count` or `max_tokens` take tokens
  away that the corpus has.
- A word of characters that have pieces of their own never becomes unknown, unless
  `keep_characters` is off. Pieces with other characters are kept too (BERT's vocabulary has none
  but special tokens), which leaves words that spell them across the ends of dropped pieces.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from edgebert_converters.vocabulary import byte_level, renumbering, unigram, usage, wordpiece
from edgebert_runtime.errors import ConversionError, InputError, shortened
from edgebert_runtime.tokenization import Text


class Pieces(Protocol):
    """The vocabulary of a tokenizer.json's `model`, and how it spells words."""

    def unknown_path(self, word: str) -> Collection[int]:
        """Ids that were matched in a word before it turned out to be unknown."""

    def characters(self, used: Iterable[int]) -> set[str]:
        """The characters in these pieces."""

    def required(self, seen: set[str] | None) -> set[int]:
        """Ids that must stay; with `seen`, of single characters only those in it."""

    def parts(self, piece: int) -> set[int]:
        """Ids that must be there for this one to be made: itself, and what it is merged from."""

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """The `model` with the tokens in `new_ids` alone, old id → new id."""


_KINDS: dict[str, Callable[[dict[str, Any]], Pieces]] = {
    "WordPiece": wordpiece.WordPiece,
    "BPE": byte_level.ByteLevel,
    "Unigram": unigram.Unigram,
}


@dataclass(frozen=True)
class Selection:
    """Which tokens of the corpus stay."""

    min_count: int = 1
    """Times that a token must occur in the corpus."""
    max_tokens: int | None = None
    """Most tokens that stay, the most frequent ones; required ones count too. None: no limit."""
    keep_characters: bool = True
    """Keep single characters that the corpus does not have. Without them they become unknown."""

    def __post_init__(self) -> None:
        counts = {"min_count": self.min_count}
        if self.max_tokens is not None:
            counts["max_tokens"] = self.max_tokens
        for name, value in counts.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(
                    f"{name}: got {shortened(value)}, expected a whole number of 1 or more"
                )


@dataclass(frozen=True)
class PrunedTokenizer:
    """What is left of a tokenizer.json."""

    content: bytes
    kept: tuple[int, ...]
    """Old ids in ascending order; the position of each is its new id."""
    characters_dropped: int
    """Characters that no piece has now, which will be unknown."""


def prune(
    content: bytes,
    texts: Iterable[Text],
    selection: Selection | None = None,
    needed: Collection[int] = (),
) -> PrunedTokenizer:
    """A tokenizer.json without the tokens that these texts do not need.

    Tokens that are added or named anywhere in the file stay, as do those in `needed`. Scores and
    the order of merges stay as they are; ids are numbered anew, in their old order.

    Raises:
        ConversionError: for a model that is not supported, or a file that is not consistent.
        InputError: if the texts have no tokens, or more are required than `max_tokens`.
    """
    selection = selection or Selection()
    file = usage.normalized(content)
    kind = file["model"].get("type")
    if kind not in _KINDS:
        raise ConversionError(
            f"the tokenizer's model is {kind!r}, whose vocabulary cannot be pruned; supported: "
            f"{', '.join(_KINDS)} (BPE if it is byte-level)"
        )
    if kind == "BPE":
        byte_level.check(file)
    pieces = _KINDS[kind](file["model"])
    counts = usage.counts(content, texts, pieces.unknown_path)
    if not counts:
        raise InputError("the corpus has no tokens; expected texts to choose the vocabulary by")
    added = {each["id"] for each in file["added_tokens"]}
    seen = pieces.characters(set(counts) - added)
    required = pieces.required(None if selection.keep_characters else seen)
    required |= renumbering.named(file) | set(needed)
    kept = _chosen(counts, required, pieces, selection)
    new_ids = {old: new for new, old in enumerate(sorted(kept))}
    pruned = renumbering.renumbered(file, new_ids) | {"model": pieces.pruned(new_ids)}
    result = json.dumps(pruned, ensure_ascii=False).encode("utf-8")
    usage.check_ids(content, result, new_ids)
    before, after = (pieces.characters(set(each) - added) for each in (pieces.required(None), kept))
    return PrunedTokenizer(result, tuple(new_ids), len(before - after))


def _chosen(
    counts: Counter[int], required: set[int], pieces: Pieces, selection: Selection
) -> set[int]:
    """Required ids and those that occur often enough, the most frequent first."""
    most = selection.max_tokens
    if most is not None and len(required) > most:
        raise InputError(
            f"max_tokens: got {most}, expected at least {len(required)}: that many are special "
            "tokens, single characters and others that must stay"
        )
    kept = set(required)
    for piece in sorted(counts, key=lambda each: (-counts[each], each)):
        if counts[piece] < selection.min_count:
            break
        parts = pieces.parts(piece) - kept
        if most is not None and len(kept) + len(parts) > most:
            break
        kept |= parts
    return kept
