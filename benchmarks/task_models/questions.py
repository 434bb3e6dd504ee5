"""Questions about a page of a dictionary, from WordNet: which words of the page answer them.

A page has some entries, many of them neighbours in the alphabet, in random order. Either a word is
given and its definition asked for, or a definition is given and its word asked for; or what is
asked for isn't on the page.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import resources

_HELD_OUT_SHARE = 0.1
_MOST_WORDS = 10
"""Of a definition."""
_NEIGHBOURHOOD = 30
"""Entries before or after in the alphabet that may stand on the same page."""
_UNANSWERABLE = 0.25


Entry = tuple[str, str]
"""A word and its definition."""


@dataclass(frozen=True)
class Question:
    """What is asked of a context; `answer` has the start and end of its characters, or None."""

    question: str
    context: str
    answer: tuple[int, int] | None

    @property
    def text(self) -> str:
        """The answer, empty where there is none."""
        return "" if self.answer is None else self.context[slice(*self.answer)]


def train_questions(count: int) -> list[Question]:
    """Questions about nine tenths of the dictionary's entries."""
    return _questions(_entries()[0], count, (2, 5), random.Random(0))


def held_out_questions(count: int, entries: tuple[int, int] = (2, 5)) -> list[Question]:
    """Questions about other entries than those of training, with pages of so many entries."""
    return _questions(_entries()[1], count, entries, random.Random(1))


@lru_cache(maxsize=1)
def _entries() -> tuple[list[Entry], list[Entry]]:
    rows = resources.definitions().read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]
    pairs = [(word, meaning) for word, _, meaning in (row.partition("\t") for row in rows)]
    entries = [
        (word, meaning)
        for word, meaning in pairs
        if word[0].isalpha() and 3 <= len(meaning.split()) <= _MOST_WORDS
    ]
    # Synonyms have one definition: only one of them can be its answer.
    entries = list({meaning: (word, meaning) for word, meaning in entries}.values())
    draw = random.Random(0)
    held_out = [draw.random() < _HELD_OUT_SHARE for _ in entries]
    kept: tuple[list[Entry], list[Entry]] = ([], [])
    for entry, is_held_out in zip(entries, held_out, strict=True):
        kept[is_held_out].append(entry)
    return sorted(kept[0]), sorted(kept[1])


def _questions(
    entries: Sequence[Entry], count: int, size: tuple[int, int], draw: random.Random
) -> list[Question]:
    return [_question(entries, draw.randint(*size), draw) for _ in range(count)]


def _question(entries: Sequence[Entry], size: int, draw: random.Random) -> Question:
    place = draw.randrange(len(entries))
    near = range(max(0, place - _NEIGHBOURHOOD), min(len(entries), place + _NEIGHBOURHOOD + 1))
    others = [entries[each] for each in near if each != place]
    page = draw.sample(others, min(len(others), size // 2))
    while len(page) < size - 1:
        page.append(draw.choice(entries))
    word, meaning = entries[place]
    page = [entry for entry in page if entry != (word, meaning)]
    asked_for_word = draw.random() < 0.5
    if draw.random() >= _UNANSWERABLE:
        page.append((word, meaning))
    draw.shuffle(page)
    context = ""
    answer = None
    for entry in page:
        for text, is_answer in _parts(entry, asked_for_word):
            if is_answer and entry == (word, meaning):
                answer = (len(context), len(context) + len(text))
            context += text
    asked = f"Which word means {meaning}?" if asked_for_word else f"What is {word}?"
    return Question(asked, context.rstrip(), answer)


def _parts(entry: Entry, asked_for_word: bool) -> Iterator[tuple[str, bool]]:
    """An entry's text, and which part of it may be an answer."""
    word, meaning = entry
    yield word, asked_for_word
    yield ": ", False
    yield meaning, not asked_for_word
    yield ". ", False
