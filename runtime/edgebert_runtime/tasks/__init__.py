"""From raw outputs to what a person asked for: one small module a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebert_runtime.tasks import classification, multi_label, regression
from edgebert_runtime.tasks.classification import Classification
from edgebert_runtime.tasks.multi_label import MultiLabel
from edgebert_runtime.tasks.regression import Regression

Result = Classification | MultiLabel | Regression

Interpreter = Callable[[Sequence[float], tuple[str, ...], int, bool], Result]
"""Raw outputs of one text, labels, top_k, truncated → result."""

INTERPRETERS: dict[str, Interpreter] = {
    "classification": classification.interpret,
    "multi-label-classification": multi_label.interpret,
    "regression": regression.interpret,
}

__all__ = ["INTERPRETERS", "Classification", "MultiLabel", "Regression", "Result"]
