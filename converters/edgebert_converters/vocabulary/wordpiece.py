"""WordPiece: the longest piece that fits, again and again, or the whole word is unknown.

Same tokens: where the longest piece that fits is kept, no longer one fits among fewer pieces. A
word that is unknown may become known when a piece is gone that led to a dead end; so of unknown
words in the corpus, the pieces up to the dead end count as used.

No new unknown word: if each character has a single piece for its place in the word ("c" first,
"##c" after), some piece fits everywhere. Pieces with other characters are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class WordPiece:
    """The model of a tokenizer.json of this type."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model
        self._ids: dict[str, int] = model["vocab"]
        self._names = {each: name for name, each in self._ids.items()}
        self._prefix: str = model["continuing_subword_prefix"]

    def unknown_path(self, word: str) -> list[int]:
        """Ids of the pieces that fit from the start, up to where none does."""
        path: list[int] = []
        start = 0
        if len(word) > self._model["max_input_chars_per_word"]:
            return path
        while start < len(word):
            prefix = self._prefix if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self._ids), None)
            if end is None:
                break
            path.append(self._ids[prefix + word[start:end]])
            start = end
        return path

    def characters(self, used: Iterable[int]) -> set[str]:
        """The characters in these pieces, prefixes left out."""
        return {c for each in used if each in self._names for c in self._text(self._names[each])}

    def required(self, seen: set[str] | None) -> set[int]:
        """The unknown token and single characters; without `seen`, what they cannot spell too."""
        required = {self._ids[name] for name in [self._model["unk_token"]] if name in self._ids}
        for name, each in self._ids.items():
            text = self._text(name)
            if len(name) == 1 or len(text) == 1:
                if seen is None or text in seen:
                    required.add(each)
            elif seen is None and not self._is_spelled(name):
                required.add(each)
        return required

    def parts(self, piece: int) -> set[int]:
        """The piece alone: nothing is merged."""
        return {piece}

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """The model with the tokens in `new_ids` alone."""
        kept = {name: new_ids[each] for name, each in self._ids.items() if each in new_ids}
        return self._model | {"vocab": kept}

    def _text(self, name: str) -> str:
        return name.removeprefix(self._prefix) or name

    def _is_spelled(self, name: str) -> bool:
        text = self._text(name)
        first = self._prefix if name != text else ""
        return first + text[0] in self._ids and all(
            self._prefix + character in self._ids for character in text[1:]
        )
