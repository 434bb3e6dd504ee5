"""From raw outputs to what a person asked for: one small module a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebert_runtime.tasks import (
    classification,
    masked_lm,
    multi_label,
    question_answering,
    regression,
    token_classification,
)
from edgebert_runtime.tasks.classification import Classification
from edgebert_runtime.tasks.masked_lm import FilledMask, Mask
from edgebert_runtime.tasks.multi_label import MultiLabel
from edgebert_runtime.tasks.question_answering import Answer, AnswerSpan
from edgebert_runtime.tasks.reading import Outputs, Reading, Request
from edgebert_runtime.tasks.regression import Regression
from edgebert_runtime.tasks.token_classification import Entity, TokenClassification

TextResult = Classification | MultiLabel | Regression
TokenResult = TokenClassification | Answer | FilledMask
Result = TextResult | TokenResult

INTERPRETERS: dict[str, Callable[..., TextResult]] = {
    "classification": classification.interpret,
    "multi-label-classification": multi_label.interpret,
    "regression": regression.interpret,
}
"""Raw outputs of one text, labels, top_k, truncated, windows → result."""

TOKEN_INTERPRETERS: dict[str, Callable[[Reading, Sequence[Outputs], Request], TokenResult]] = {
    "token-classification": token_classification.interpret,
    "question-answering": question_answering.interpret,
    "masked-lm": masked_lm.interpret,
}
"""A text as it was read, raw outputs [tokens, width] of each window, what is wanted → result."""

__all__ = [
    "INTERPRETERS",
    "TOKEN_INTERPRETERS",
    "Answer",
    "AnswerSpan",
    "Classification",
    "Entity",
    "FilledMask",
    "Mask",
    "MultiLabel",
    "Regression",
    "Result",
    "TextResult",
    "TokenClassification",
    "TokenResult",
]
