"""Labelled spans of a text, as labels of its tokens and back: BIO, BIOES and plain labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

IGNORED = -100
"""The label of special tokens, which the loss leaves out."""


class Span(NamedTuple):
    """Characters `start` to `end` of a text, and what they are."""

    start: int
    end: int
    label: str


def label_names(tags: Sequence[str], scheme: str) -> list[str]:
    """The labels of a model for `tags`; in BIO there is O, for what is outside of every span."""
    if scheme == "plain":
        return list(tags)
    outside = ["O"] if scheme == "bio" else []
    letters = "BI" if scheme == "bio" else "BIES"
    return outside + [f"{letter}-{tag}" for tag in tags for letter in letters]


def token_labels(
    offsets: Sequence[tuple[int, int]], spans: Sequence[Span], scheme: str
) -> list[str | None]:
    """The label of each token by the span that it begins in; None where a token has no text."""
    by_character = {place: span for span in spans for place in range(span.start, span.end)}
    return [
        None if start == end else _label(start, end, by_character.get(start), scheme)
        for start, end in offsets
    ]


def _label(start: int, end: int, span: Span | None, scheme: str) -> str:
    if span is None:
        return "O"
    if scheme == "plain":
        return span.label
    first, last = start == span.start, end >= span.end
    if scheme == "bio":
        return f"{'B' if first else 'I'}-{span.label}"
    letter = ("S" if last else "B") if first else ("E" if last else "I")
    return f"{letter}-{span.label}"


def joined(spans: Sequence[Span], text: str) -> list[Span]:
    """Neighbours of one label as one span, where at most white space is between them."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].label == span.label and not text[found[-1].end : span.start].strip():
            found[-1] = Span(found[-1].start, span.end, span.label)
        else:
            found.append(span)
    return found


def decode(
    labels: Sequence[str | None], offsets: Sequence[tuple[int, int]], scheme: str
) -> list[Span]:
    """The spans that token labels say.

    B and S begin a span, and so does a label of another tag than the one before it; I and E go on
    with it; nothing goes on after S or E.
    """
    found: list[Span] = []
    is_open = False
    for label, (start, end) in zip(labels, offsets, strict=True):
        if label is None:
            continue
        if label == "O":
            is_open = False
            continue
        letter, tag = ("I", label) if scheme == "plain" else label.split("-", 1)
        if is_open and letter in "IE" and found[-1].label == tag:
            found[-1] = Span(found[-1].start, end, tag)
        else:
            found.append(Span(start, end, tag))
        is_open = letter in "BI"
    return found


def character_accuracy(
    found: Sequence[Sequence[Span]], expected: Sequence[Sequence[Span]], texts: Sequence[str]
) -> float:
    """Share of characters, white space left out, whose label is the right one."""
    right = total = 0
    for ours, theirs, text in zip(found, expected, texts, strict=True):
        said, true = _by_character(ours), _by_character(theirs)
        places = [place for place, character in enumerate(text) if not character.isspace()]
        right += sum(said.get(place) == true.get(place) for place in places)
        total += len(places)
    return right / total


def f1(found: Sequence[Sequence[Span]], expected: Sequence[Sequence[Span]]) -> float:
    """F1 of spans, right only where start, end and label are all right (CoNLL-2003, section 4)."""
    pairs = list(zip(found, expected, strict=True))
    right = sum(len(set(ours) & set(theirs)) for ours, theirs in pairs)
    total = sum(len(ours) + len(theirs) for ours, theirs in pairs)
    return 2 * right / total if total else 0.0


def _by_character(spans: Sequence[Span]) -> dict[int, str]:
    return {place: span.label for span in spans for place in range(span.start, span.end)}
