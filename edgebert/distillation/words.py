"""Words of a text, words of a vocabulary, and which words lie near one another."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models
from torch import Tensor

_CORE = re.compile(r"[^\W_](?:\S*[^\W_])?")
_LONGEST = 100
"""Characters; BERT's WordPiece too takes nothing longer for a word."""
_BLOCK = 64 * 1024
"""Rows of a table that are compared at a time."""
_MARKERS = ("Ġ", "▁")
"""How pieces that begin a word begin, in byte-level and in SentencePiece vocabularies."""


@dataclass(frozen=True)
class Words:
    """A text and its words: [start, end) in characters, without punctuation around them."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def __getitem__(self, position: int) -> str:
        start, end = self.spans[position]
        return self.text[start:end]


def find_words(text: str) -> Words:
    """What whitespace separates, cut to its first and last letter or digit.

    Numbers, emoji and what is longer than 100 characters are no words: nothing replaces them.
    """
    spans = []
    for found in _CORE.finditer(text):
        start, end = found.span()
        # A vowel sign or accent belongs to its letter, but is none itself.
        while end < len(text) and _is_mark(text[end]):
            end += 1
        if end - start <= _LONGEST and any(map(str.isalpha, text[start:end])):
            spans.append((start, end))
    return Words(text, tuple(spans))


def whole_words(tokenizer: Tokenizer) -> dict[str, int]:
    """Words of letters only that are one piece, with its id, in the order of the ids.

    In a WordPiece vocabulary these are pieces without the prefix of continuations, in others
    those with the mark of a word's beginning, Ġ or ▁, which is taken off.
    """
    added = tokenizer.get_added_tokens_decoder()
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    # The library lists them in another order in each process.
    pieces = sorted((index, piece) for piece, index in vocabulary.items() if index not in added)
    if isinstance(tokenizer.model, models.WordPiece):
        prefix = tokenizer.model.continuing_subword_prefix
        texts = [(piece, index) for index, piece in pieces if not piece.startswith(prefix)]
    else:
        count = {
            marker: sum(piece.startswith(marker) for _, piece in pieces) for marker in _MARKERS
        }
        marker = max(_MARKERS, key=lambda each: count[each])
        decode = decoders.ByteLevel().decode if marker == "Ġ" else "".join
        texts = [
            (decode([piece.removeprefix(marker)]), index)
            for index, piece in pieces
            if piece.startswith(marker)
        ]
    words: dict[str, int] = {}
    for text, index in texts:
        if _is_alphabetic(text):
            words.setdefault(text, index)
    return words


def distinct(word: str, ranked: Iterable[str], most: int) -> tuple[str, ...]:
    """The first `most` of some words, each in one spelling, `word` itself left out."""
    found: dict[str, str] = {}
    for each in ranked:
        if len(found) == most:
            break
        if each.casefold() != word.casefold():
            found.setdefault(each.casefold(), each)
    return tuple(found.values())


class Nearest:
    """Words with vectors, and for each word those whose vectors point most nearly its way."""

    def __init__(self, words: Sequence[str], vectors: Tensor) -> None:
        """Take distinct words and their table [words, sizes] of float32, normalised in place."""
        lengths = vectors.norm(dim=1, keepdim=True)
        vectors /= lengths.clamp_min(torch.finfo(torch.float32).tiny)
        # A vector of zeros points nowhere.
        kept = lengths.squeeze(1) > 0
        if not bool(kept.all()):
            vectors = vectors[kept]
            words = [word for word, keep in zip(words, kept.tolist(), strict=True) if keep]
        self.words, self.vectors = words, vectors
        self._rows = {word: row for row, word in enumerate(words)}
        self._found: dict[tuple[int, int], tuple[str, ...]] = {}

    def to(self, word: str, most: int) -> tuple[str, ...]:
        """Up to `most` words by cosine, the nearest first; none for a word that has no vector.

        One word at a time, so that its neighbours never depend on which others were asked for:
        sums of a matrix product of another shape differ in their last bits.
        """
        row = self._rows.get(word, self._rows.get(word.lower()))
        if row is None:
            return ()
        if (row, most) not in self._found:
            # More than wanted: other spellings of one word are left out.
            ranked = (self.words[index] for index in self._ranked(row, 3 * most + 4))
            self._found[row, most] = distinct(self.words[row], ranked, most)
        return self._found[row, most]

    def identity(self, kind: str) -> str:
        """A name after all that is in the table."""
        names = "\n".join(self.words).encode("utf-8", "surrogatepass")
        return identity(kind, names, self.vectors)

    def _ranked(self, row: int, most: int) -> list[int]:
        values, rows = [], []
        for start in range(0, len(self.words), _BLOCK):
            cosines = self.vectors[start : start + _BLOCK] @ self.vectors[row]
            best = cosines.topk(min(most, len(cosines)))
            values.append(best.values)
            rows.append(best.indices + start)
        order = torch.cat(values).argsort(descending=True, stable=True)[:most]
        ranked: list[int] = torch.cat(rows)[order].tolist()
        return ranked


def identity(kind: str, *parts: bytes | Tensor) -> str:
    """A name for a source of words, after what is in it; tensors are on the processor."""
    digest = hashlib.sha256()
    for part in parts:
        content: Any = part if isinstance(part, bytes) else part.contiguous().numpy()
        digest.update(content)
    return f"{kind} {digest.hexdigest()[:32]}"


def _is_alphabetic(text: str) -> bool:
    return text[:1].isalpha() and all(each.isalpha() or _is_mark(each) for each in text)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
