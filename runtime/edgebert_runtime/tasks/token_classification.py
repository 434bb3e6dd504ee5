"""A label for each token, and what of the text has that label."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.softmax import softmax
from edgebert_runtime.tasks.reading import Outputs, Place, Reading, Request, places

AGGREGATIONS = ("simple", "first", "average", "max", "none")
OUTSIDE = "O"
"""The label of what is nothing; never given back."""

_PREFIXED = re.compile(r"([BIESLU])-(.+)", re.DOTALL)
_FIRST = frozenset("BSU")
_LAST = frozenset("ESLU")


@dataclass(frozen=True)
class Entity:
    """A stretch of the text that has one label."""

    label: str
    """Without its B-, I-, E- or S- (or L- and U-), except in aggregation "none"."""
    score: float
    """Mean probability over its tokens, or over its words."""
    text: str
    start: int
    """Characters of the text that was given: `text[start:end]` is `text`."""
    end: int


@dataclass(frozen=True)
class TokenClassification:
    """What was found, in the order of the text."""

    entities: tuple[Entity, ...]
    truncated: bool
    """A part of the text was not looked at."""
    windows: int
    """How many overlapping parts the text was read in."""


@dataclass(frozen=True)
class _Piece:
    """A token or a word with the label it got."""

    label: str
    score: float
    start: int
    end: int


def interpret(
    reading: Reading, outputs: Sequence[Outputs], request: Request
) -> TokenClassification:
    """Logits [tokens, labels] of each window → entities, no two of which share a character.

    "simple" labels every token by itself, and tokens of one character by the first of them;
    "first", "average" and "max" give a word the label of its first token, of its tokens' mean
    probabilities, or of its surest token. Neighbours of one label are joined; B- and S- begin anew,
    E- and S- end. "none" joins nothing.
    """
    found = places(reading)
    text = reading.text
    assert isinstance(text, str)
    if not found:
        return TokenClassification((), reading.truncated, reading.windows)
    logits = np.stack([outputs[each.window][each.position] for each in found])
    scores = softmax(logits, axis=1)
    pieces = [
        _piece(found[first:last], scores[first:last], request)
        for first, last in _groups(found, by_word=request.aggregation not in ("simple", "none"))
    ]
    if request.aggregation == "none":
        entities = [_entity(text, [each], each.label) for each in pieces]
    else:
        entities = [
            _entity(text, group, _parts(group[0].label, request.labels)[1])
            for group in _joined(pieces, request.labels)
        ]
    return TokenClassification(
        tuple(each for each in entities if each is not None), reading.truncated, reading.windows
    )


def _groups(found: list[Place], *, by_word: bool) -> list[tuple[int, int]]:
    """Where each token, or each word of tokens, begins and ends; a character is never shared."""
    starts = [
        index
        for index, each in enumerate(found)
        if index == 0
        or not (
            each.span[0] < found[index - 1].span[1]
            or (by_word and each.word == found[index - 1].word)
        )
    ]
    return list(zip(starts, [*starts[1:], len(found)], strict=True))


def _piece(found: list[Place], scores: NDArray[np.float64], request: Request) -> _Piece:
    if request.aggregation == "average":
        row = scores.mean(axis=0)
    elif request.aggregation == "max":
        row = scores[int(scores.max(axis=1).argmax())]
    else:
        row = scores[0]
    best = int(row.argmax())
    return _Piece(request.labels[best], float(row[best]), found[0].span[0], found[-1].span[1])


def _joined(pieces: Sequence[_Piece], labels: tuple[str, ...]) -> list[list[_Piece]]:
    groups: list[list[_Piece]] = []
    for piece in pieces:
        prefix, kind = _parts(piece.label, labels)
        if groups:
            last, before = _parts(groups[-1][-1].label, labels)
            if kind == before and prefix not in _FIRST and last not in _LAST:
                groups[-1].append(piece)
                continue
        groups.append([piece])
    return groups


@functools.lru_cache(maxsize=64)
def _scheme(labels: tuple[str, ...]) -> bool:
    """Whether labels have prefixes: one kind has two of them, or all have B- or all I-.

    Else "E-mail" and "S-Bahn" are plain labels.
    """
    found = {(match[1], match[2]) for each in labels if (match := _PREFIXED.fullmatch(each))}
    kinds = [kind for _, kind in found]
    prefixes = {prefix for prefix, _ in found}
    others = [each for each in labels if each != OUTSIDE and not _PREFIXED.fullmatch(each)]
    return len(set(kinds)) < len(kinds) or (not others and prefixes in ({"B"}, {"I"}))


def _parts(label: str, labels: tuple[str, ...]) -> tuple[str, str]:
    """Prefix and kind; a plain label goes on with whatever has it before."""
    match = _PREFIXED.fullmatch(label) if _scheme(labels) else None
    return (match[1], match[2]) if match else ("I", label)


def _entity(text: str, group: Sequence[_Piece], label: str) -> Entity | None:
    """None for what is outside, or holds nothing but spaces."""
    start, end = group[0].start, group[-1].end
    # Some tokenizers count the space before a word to it.
    held = text[start:end]
    start += len(held) - len(held.lstrip())
    end -= len(held) - len(held.rstrip())
    if label == OUTSIDE or start >= end:
        return None
    score = sum(each.score for each in group) / len(group)
    return Entity(label, score, text[start:end], start, end)
