"""Where in a context the answer to a question stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.softmax import softmax
from edgebert_runtime.tasks.reading import Outputs, Reading, Request
from edgebert_runtime.tokenization import Encoding, Span

MOST_TOKENS = 30
"""Tokens of the longest answer that is looked for, as SQuAD's evaluations have it."""

_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Scripts without spaces between words: Thai to Burmese, Khmer, Chinese and Japanese."""


@dataclass(frozen=True)
class AnswerSpan:
    """A stretch of the context that may be the answer."""

    text: str
    start: int
    """Characters of the context: `context[start:end]` is `text`."""
    end: int
    score: float
    """Probability of its start times probability of its end, in the window it was read in."""


@dataclass(frozen=True)
class Answer:
    """The best stretch, or none: then `text` is empty, and `start` and `end` are 0."""

    text: str
    start: int
    """Characters of the context."""
    end: int
    score: float
    """Of the best stretch; with no answer, `no_answer_score`."""
    no_answer_score: float
    """How sure the model is that there is none, in the window that is least sure of it."""
    top: tuple[AnswerSpan, ...]
    """The `top_k` best stretches, best first."""
    truncated: bool
    """A part of the question or of the context was not looked at."""
    windows: int
    """How many overlapping parts the context was read in."""


def interpret(reading: Reading, outputs: Sequence[Outputs], request: Request) -> Answer:
    """Logits [tokens, 2] of start and end, of each window → the answer.

    In each window, probabilities are over the context's tokens, without words that the window's
    edges cut, and the first token, which stands for no answer (BERT, arXiv 1810.04805, section
    4.3). Answers are of whole words. With `no_answer`, none is given where that is likelier than
    the best stretch.
    """
    assert isinstance(reading.text, tuple)
    context = reading.text[1]
    found: dict[Span, float] = {}
    nothing = 1.0
    for encoding, logits in zip(reading.encodings, outputs, strict=True):
        positions = [0, *encoding.parts[1].whole]
        starts, ends = softmax(logits[positions], axis=0).T
        nothing = min(nothing, float(starts[0] * ends[0]))
        for span, score in _best(encoding, context, starts[1:], ends[1:], request.top_k):
            found[span] = max(score, found.get(span, 0.0))
    # Equal scores: the earlier and shorter first.
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))[: request.top_k]
    top = tuple(
        AnswerSpan(context[start:end], start, end, score) for (start, end), score in ordered
    )
    rest = (nothing, top, reading.truncated, reading.windows)
    if not top or (request.no_answer and nothing > top[0].score):
        return Answer("", 0, 0, nothing, *rest)
    return Answer(top[0].text, top[0].start, top[0].end, top[0].score, *rest)


def _best(
    encoding: Encoding,
    context: str,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    top_k: int,
) -> list[tuple[Span, float]]:
    """The best stretches of one window, of those that are not the same in whole words."""
    count = len(starts)
    width = min(MOST_TOKENS, count)
    # Row by start, column by length less one: scores [count, width] without the count² of all.
    last = np.arange(count)[:, None] + np.arange(width)[None, :]
    scores = np.where(last < count, starts[:, None] * ends[np.minimum(last, count - 1)], -1.0)
    tokens = encoding.parts[1].whole
    found: dict[Span, float] = {}
    # Stretches that begin or end inside one word are one answer, so more are looked at.
    for flat in np.argsort(-scores, axis=None, kind="stable")[: top_k * width + width].tolist():
        start, length = divmod(flat, width)
        if start + length >= count:
            continue
        span = _words(encoding, context, tokens[start], tokens[start + length])
        if span[0] < span[1]:
            found.setdefault(span, float(scores[start, length]))
        if len(found) == top_k:
            break
    return list(found.items())


def _words(encoding: Encoding, context: str, first: int, last: int) -> Span:
    """The characters of the words that two tokens stand in, without spaces around them."""
    tokens = encoding.parts[1].tokens
    while first > tokens[0] and _one_word(encoding, context, first - 1, first):
        first -= 1
    while last < tokens[-1] and _one_word(encoding, context, last, last + 1):
        last += 1
    start, end = encoding.offsets[first][0], encoding.offsets[last][1]
    held = context[start:end]
    return start + len(held) - len(held.lstrip()), end - len(held) + len(held.rstrip())


def _one_word(encoding: Encoding, context: str, first: int, second: int) -> bool:
    """Whether two neighbouring tokens are pieces of one word; of a script with spaces, that is."""
    if encoding.words[first] is None or encoding.words[first] != encoding.words[second]:
        return False
    held = context[encoding.offsets[first][0] : encoding.offsets[second][1]]
    return _UNSPACED.search(held) is None
