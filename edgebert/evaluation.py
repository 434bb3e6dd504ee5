"""Scores of answers against labels: accuracy and macro F1, or errors of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgebert.labels import Expected, LabelSpace
from edgebert_runtime import Classification, Manifest, MultiLabel, Regression
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import Example
from edgebert_runtime.tasks import INTERPRETERS


@dataclass(frozen=True)
class LabelScores:
    """Share of examples whose labels are all right, and the mean F1 of the labels."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class NumberScores:
    """Of the first value: mean absolute error, and Pearson's correlation (NaN-free: 0 if flat)."""

    mean_absolute_error: float
    correlation: float


Scorer = Callable[[Sequence[Any], Sequence[Expected], tuple[str, ...]], LabelScores | NumberScores]


def scorer(task: str) -> Scorer:
    """The scores that fit a task.

    Raises:
        InputError: for a task that a label for each text does not score.
    """
    if task not in INTERPRETERS:
        raise InputError(
            f"this bundle's task is {task}, which a label for each text cannot score; expected one "
            f"of {', '.join(INTERPRETERS)}"
        )
    return score_numbers if task == "regression" else score_labels


def expected(manifest: Manifest, example: Example, data: str) -> Expected:
    """What a row says is right: label names, their positions as numbers, or a number.

    Raises:
        InputError: with the line, if that is none of the model's.
    """
    names = manifest.labels
    if manifest.task == "regression":
        # A row may have fewer values than the model: the first is what is scored.
        names = names[: max(1, len(example.labels))]
    space = LabelSpace(manifest.task, names)
    return space.expected(space.numbers(example, data))


def score_labels(
    results: Sequence[Classification | MultiLabel],
    wanted: Sequence[Expected],
    labels: tuple[str, ...],
) -> LabelScores:
    """Accuracy and macro F1; a label that is neither wanted nor given counts in neither."""
    given = [
        frozenset([result.label] if isinstance(result, Classification) else result.labels)
        for result in results
    ]
    right = sum(answer == want for answer, want in zip(given, wanted, strict=True))
    scores = []
    for label in labels:
        both = mentions = 0
        for answer, want in zip(given, wanted, strict=True):
            assert isinstance(want, frozenset)
            both += label in answer and label in want
            mentions += (label in answer) + (label in want)
        if mentions:
            scores.append(2 * both / mentions)
    return LabelScores(right / len(given), sum(scores) / max(1, len(scores)))


def score_numbers(
    results: Sequence[Regression], wanted: Sequence[Expected], labels: tuple[str, ...]
) -> NumberScores:
    """Error and correlation of the first value."""
    pairs = [
        (result.value, want)
        for result, want in zip(results, wanted, strict=True)
        if isinstance(want, float)
    ]
    mean_given = sum(given for given, _ in pairs) / len(pairs)
    mean_wanted = sum(want for _, want in pairs) / len(pairs)
    covariance = sum((given - mean_given) * (want - mean_wanted) for given, want in pairs)
    spread = math.sqrt(
        sum((given - mean_given) ** 2 for given, _ in pairs)
        * sum((want - mean_wanted) ** 2 for _, want in pairs)
    )
    error = sum(abs(given - want) for given, want in pairs) / len(pairs)
    correlation = covariance / spread if spread else 0.0
    # Rounding may take it a little beyond what a correlation can be.
    return NumberScores(error, max(-1.0, min(1.0, correlation)))
