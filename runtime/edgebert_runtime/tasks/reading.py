"""A text as a model read it: whole, or in windows that overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.manifest import TOKEN_TASKS
from edgebert_runtime.tokenization import Encoding, Span, Text, Tokenizer

Outputs = NDArray[np.float32]
LONG_TEXT = ("truncate", "windows", "error")

_UNIT = 1e-3
"""How far from 1 a vector's length may be that is of unit length but for 8-bit rounding."""


@dataclass(frozen=True)
class Request:
    """What a caller wants to know, and what it takes to say it."""

    labels: tuple[str, ...]
    tokenizer: Tokenizer
    top_k: int = 1
    aggregation: str = "simple"
    no_answer: bool = False


@dataclass(frozen=True)
class Reading:
    """A text or pair, and the encodings that a model was given in its place."""

    text: Text
    encodings: list[Encoding]

    @property
    def truncated(self) -> bool:
        """A part of the text was not looked at."""
        return any(encoding.truncated for encoding in self.encodings)

    @property
    def windows(self) -> int:
        """How many encodings there are."""
        return len(self.encodings)


@dataclass(frozen=True)
class Reader:
    """How a model of a task reads texts."""

    tokenizer: Tokenizer
    task: str
    long_text: str | None
    """One of LONG_TEXT. None: windows for question answering, which keeps the question and moves
    over the context; else "truncate"."""

    def read(self, text: Text, place: str) -> Reading:
        """The text, whole or in windows; `place` is its name in messages.

        Raises:
            InputError: for a pair where one text is expected, or the other way round; for a text
                that is too long where that is an error; for one without a mask to fill.
        """
        by_token = self.task in TOKEN_TASKS
        answering = self.task == "question-answering"
        if by_token and isinstance(text, tuple) != answering:
            wanted = "a (question, context) pair" if answering else "one text, not a pair,"
            raise InputError(f"{place}: got {shortened(text)}, expected {wanted} for {self.task}")
        mask = self.tokenizer.mask if self.task == "masked-lm" else None
        if self.task == "masked-lm" and mask is None:
            raise InputError("the bundle's tokenizer has no mask token; convert with one that has")
        if answering:
            encodings = self.tokenizer.windows(text, moving=1, offsets=True)
            if len(encodings) > 1 and self.long_text in ("truncate", "error"):
                encodings = [replace(encodings[0], truncated=True)]
        elif self.long_text == "windows":
            encodings = self.tokenizer.windows(text, offsets=by_token)
        else:
            encodings = [self.tokenizer.encode(text, offsets=by_token)]
        reading = Reading(text, encodings)
        if self.long_text == "error" and reading.truncated:
            raise InputError(
                f"{place}: got {self.tokenizer.count(text)} tokens, expected at most "
                f"{self.tokenizer.max_length}; shorten it, or use long_text 'windows' or 'truncate'"
            )
        if mask is not None and not any(mask in encoding.ids for encoding in encodings):
            raise InputError(
                f"{place}: got {shortened(text)}, expected one with {self.tokenizer.mask_text!r} "
                "in the part that is read"
            )
        return reading


@dataclass(frozen=True)
class Place:
    """One token of a text, in the window that shows most of the text around it."""

    window: int
    position: int
    """Among the ids of that window."""
    span: Span
    """Characters of the text."""
    word: int | None
    """The number of the word that it is a piece of."""


def places(reading: Reading, part: int = 0) -> list[Place]:
    """Each token of one of the texts once, in their order.

    Where windows overlap, a token is taken from the one whose nearer edge is further away; the ends
    of the text are no edges. Of a word that an end of what was read cuts, no token is given.
    """
    parts = [encoding.parts[part] for encoding in reading.encodings]
    first = min(each.start + each.whole.start - each.tokens.start for each in parts)
    total = max(each.start + each.whole.stop - each.tokens.start for each in parts)
    best = np.full(total, -1.0)
    windows = np.zeros(total, dtype=np.int64)
    for window, each in enumerate(parts):
        end = min(total, each.start + len(each.tokens))
        here = np.arange(end - each.start, dtype=np.float64)
        left = here if each.start else np.inf
        right = len(here) - 1 - here if end < total else np.inf
        margin = np.minimum(left, right)
        better = np.broadcast_to(margin, here.shape) > best[each.start : end]
        best[each.start : end][better] = np.broadcast_to(margin, here.shape)[better]
        windows[each.start : end][better] = window
    found = []
    for token, window in enumerate(windows[first:].tolist(), start=first):
        encoding = reading.encodings[window]
        position = parts[window].tokens[token - parts[window].start]
        found.append(Place(window, position, encoding.offsets[position], encoding.words[position]))
    return found


def pooled(reading: Reading, outputs: Outputs) -> Outputs:
    """One row [width] of the windows' rows [windows, width]: their mean, weighted by tokens.

    Where every window has a vector of unit length, so has the result.
    """
    if len(outputs) == 1:
        first: Outputs = outputs[0]
        return first
    weights = np.array([len(encoding.ids) for encoding in reading.encodings], dtype=np.float64)
    mean = weights @ outputs.astype(np.float64) / weights.sum()
    lengths, length = np.linalg.norm(outputs, axis=1), float(np.linalg.norm(mean))
    if length and np.abs(lengths - 1).max() < _UNIT:
        mean /= length
    row: Outputs = mean.astype(np.float32)
    return row
