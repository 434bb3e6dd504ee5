"""English, from the Brown corpus: words with their kinds, and names and numbers."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache

import resources

from task_models.spans import Span

KINDS = (
    *("adjective", "adverb", "conjunction", "determiner", "name", "noun", "number"),
    *("particle", "preposition", "pronoun", "punctuation", "verb"),
)
ENTITIES = ("name", "number")
_HELD_OUT = 1000
_LONGEST = 40
"""Words of a sentence; few have more."""
_KIND_OF = (
    ("np", "name"),
    ("nn|nr", "noun"),
    ("vb|be|do|hv|md", "verb"),
    ("jj", "adjective"),
    ("rb|rn|ql|wrb|wql|uh", "adverb"),
    ("at|dt|ab|ap|wdt", "determiner"),
    ("pp|pn|wp|ex", "pronoun"),
    ("in|cs", "preposition"),
    ("cc", "conjunction"),
    ("cd|od", "number"),
    ("to|rp|\\*$|nil", "particle"),
)
"""How a tag begins, in the corpus's own notation, and what that comes to."""

Sentence = tuple[str, list[Span], list[Span]]
"""Text, its words with their kinds, and its names and numbers."""


def train_sentences() -> Sequence[Sentence]:
    """All sentences of the corpus but 1,000."""
    return _sentences()[_HELD_OUT:]


def held_out_sentences() -> Sequence[Sentence]:
    """1,000 sentences, drawn once with a fixed seed."""
    return _sentences()[:_HELD_OUT]


@lru_cache(maxsize=1)
def _sentences() -> list[Sentence]:
    lines = resources.english_words().read_text(encoding="utf-8").rstrip("\n").split("\n")
    random.Random(0).shuffle(lines)
    return [_read(line) for line in lines if 3 <= line.count(" ") < _LONGEST]


def _read(line: str) -> Sentence:
    text = ""
    words: list[Span] = []
    entities: list[Span] = []
    last = ""
    for word, _, tag in (item.rpartition("/") for item in line.split()):
        word, before = _written(word)
        if not before and text.endswith(word):
            continue  # The corpus writes some marks twice.
        if text and before and not text.endswith(("(", "“")):
            text += " "
        span = Span(len(text), len(text) + len(word), _kind(tag))
        text += word
        words.append(span)
        entity = _entity(tag)
        if entity and entity == last:
            entities[-1] = Span(entities[-1].start, span.end, entity)
        elif entity:
            entities.append(Span(span.start, span.end, entity))
        last = entity
    return text, words, entities


def _written(word: str) -> tuple[str, bool]:
    """A word as people write it, and whether a space goes before it."""
    word = {"``": "“", "''": "”"}.get(word, word)
    return word, not re.fullmatch("[,.;:?!)”]", word)


def _kind(tag: str) -> str:
    tag = tag.removeprefix("fw-")
    return next((kind for start, kind in _KIND_OF if re.match(start, tag)), "punctuation")


def _entity(tag: str) -> str:
    """Words of titles (`-tl`) belong to names as proper nouns do; they may stand inside of one."""
    if tag.startswith("np") or "-tl" in tag:
        return "name"
    return "number" if tag.startswith("cd") else ""
