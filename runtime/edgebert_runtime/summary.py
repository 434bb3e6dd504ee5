"""Extractive summaries: sentences of a text that are central to it and differ from each other.

Centrality is continuous LexRank (Erkan and Radev, JAIR 22, 2004, section 3.3) on cosines of
sentence embeddings in place of word counts. Sentences are then taken one after another by maximal
marginal relevance (Carbonell and Goldstein, SIGIR 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.model import Model
from edgebert_runtime.sentences import Sentence, split_sentences
from edgebert_runtime.similarity import similarity

MOST_SENTENCES = 1_000
"""Sentences that are embedded and compared, each with each, whose matrices take some 20 MB."""
SENTENCES = 3
DUPLICATE = 0.95
"""Cosine from which a sentence says what a chosen one said already."""

_RELEVANCE = 0.7
"""Lambda of maximal marginal relevance: centrality's weight beside that of being different."""
_DAMPING = 0.15
_ITERATIONS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class RankedSentence(Sentence):
    """A sentence and how central it is: 1 for the most central of its text."""

    score: float


@dataclass(frozen=True)
class Summary:
    """What `summarize` chose of a text, and what it did not."""

    text: str
    """The chosen sentences one after another, with a space where the text has white space."""
    sentences: tuple[RankedSentence, ...]
    """The chosen ones, in the order of the text."""
    left_out: tuple[RankedSentence, ...]
    """Those that were compared and not chosen, in the order of the text."""
    not_compared: int
    """Sentences of a text of more than 1,000 that were not looked at."""
    truncated: bool
    """Whether a compared sentence is longer than the model can look at."""


def summarize(
    model: Model,
    text: str,
    *,
    sentences: int | None = None,
    characters: int | None = None,
    language: str = "en",
) -> Summary:
    """The sentences that say most of what a text says, in its order.

    A sentence that does not fit into `characters` is passed over for the next best; one that says
    the same as a chosen one (a cosine of 0.95) is never chosen: a summary may be shorter than
    asked, or empty. Of more than 1,000 sentences, 1,000 evenly spaced ones are compared.

    Args:
        model: a model of sentence embeddings.
        text: any text, in a language that the model knows.
        sentences: how many at most; None for 3, or for any number if `characters` is given.
        characters: the length of the summary's text at most.
        language: of the text, see `split_sentences`.

    Raises:
        InputError: for a wrong type, a limit below 1, or a bundle of another task.
        MissingBackendError: if sentencex is not installed.
        BackendError: if a library fails.
    """
    _check(sentences=sentences, characters=characters)
    found = split_sentences(text, language=language)
    compared = _evenly(found, MOST_SENTENCES)
    texts = [sentence.text for sentence in compared]
    vectors = model.embed(texts)
    cosines = similarity(vectors, vectors)
    scores = centrality(cosines)
    # A space where the text has some: Chinese has none between sentences.
    ends = [" " if text[each.end : each.end + 1].isspace() else "" for each in compared]

    def joined(chosen: list[int]) -> str:
        return "".join(texts[each] + ends[each] for each in sorted(chosen)).rstrip(" ")

    def fits(chosen: list[int]) -> bool:
        return characters is None or len(joined(chosen)) <= characters

    if sentences is None:
        sentences = SENTENCES if characters is None else len(compared)
    chosen = _diverse(cosines, scores, sentences, fits)
    ranked = [
        RankedSentence(each.text, each.start, each.end, score)
        for each, score in zip(compared, scores.tolist(), strict=True)
    ]
    return Summary(
        text=joined(chosen),
        sentences=tuple(ranked[each] for each in sorted(chosen)),
        left_out=tuple(ranked[each] for each in sorted({*range(len(ranked))} - {*chosen})),
        not_compared=len(found) - len(compared),
        truncated=any(model.tokenizer.encode(each).truncated for each in texts),
    )


def centrality(cosines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Continuous LexRank [n] of cosines [n, n], over its largest: from 0 to 1, to six digits.

    How often a walk is at each sentence that goes on to another in proportion to their cosine, and
    now and then (0.15) to any. Negative cosines count as 0.
    """
    count = max(1, len(cosines))
    weights = np.clip(cosines, 0, None).astype(np.float64)
    # A vector of zeros is like none, itself included.
    np.fill_diagonal(weights, 1)
    steps = weights / weights.sum(axis=1, keepdims=True)
    ranks = np.full(len(cosines), 1 / count)
    for _ in range(_ITERATIONS):
        before = ranks
        ranks = _DAMPING / count + (1 - _DAMPING) * (before @ steps)
        if np.abs(ranks - before).sum() < _TOLERANCE:
            break
    # Rounded, so that sums in another order do not part sentences that are the same.
    relative: NDArray[np.float64] = np.round(ranks / ranks.max(initial=1 / count), 6)
    return relative


def _diverse(
    cosines: NDArray[np.float32],
    scores: NDArray[np.float64],
    most: int,
    fits: Callable[[list[int]], bool],
) -> list[int]:
    """At most `most` sentences by maximal marginal relevance, the best first."""
    chosen: list[int] = []
    nearest = np.zeros(len(scores))
    open_to = np.ones(len(scores), dtype=bool)
    while len(chosen) < most and open_to.any():
        marginal = _RELEVANCE * scores - (1 - _RELEVANCE) * nearest
        best = int(np.argmax(np.where(open_to, marginal, -np.inf)))
        open_to[best] = False
        if fits([*chosen, best]):
            chosen.append(best)
            nearest = np.maximum(nearest, cosines[best])
            open_to &= nearest < DUPLICATE
    return chosen


def _evenly(found: list[Sentence], most: int) -> list[Sentence]:
    """All, or `most` of them from the first on, evenly spaced."""
    if len(found) <= most:
        return found
    return [found[index * len(found) // most] for index in range(most)]


def _check(**limits: int | None) -> None:
    for name, limit in limits.items():
        if limit is not None and (
            not isinstance(limit, int) or isinstance(limit, bool) or limit < 1
        ):
            raise InputError(
                f"{name}: got {shortened(limit)}, expected a whole number of at least 1, or None"
            )
