"""Held-out rows of a task, with the answers of the float model and of an artifact, and figures.

Each class has what is asked (`asked`), `expected` answers, `float_answers` of a checkpoint folder
in PyTorch, `artifact_answers` of an opened bundle through the runtime, and `figures`, which compare
answers with those that are expected: shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from task_models import spans
from task_models.learning import tokenizer_of
from task_models.questions import Question
from task_models.spans import Span
from task_models.training import collate

_ANSWER_TOKENS = 30
"""Most tokens of an answer."""


@dataclass(frozen=True)
class Tokens:
    """Texts, and labelled spans in them."""

    asked: Sequence[str]
    expected: Sequence[Sequence[Span]]
    scheme: str
    """bio, bioes or plain."""
    aggregation: str
    """How an answer joins tokens: with simple each for itself, or else words by their pieces."""
    long_text: str = "truncate"
    """What becomes of longer texts than the model reads."""

    def float_answers(self, folder: Path) -> list[list[Span]]:
        """Of transformers' own pipeline, but for BIOES, which that doesn't know."""
        if self.scheme == "bioes":
            return self._decoded(folder)
        model, tokenizer = _opened(transformers.AutoModelForTokenClassification, folder)
        answer: Any = transformers.pipeline(
            "token-classification",
            model=model,
            tokenizer=tokenizer,
            aggregation_strategy=self.aggregation,
        )
        found = []
        for text in self.asked:
            groups = [each for each in answer(text) if each["entity_group"] != "O"]
            found.append(
                [Span(each["start"], each["end"], each["entity_group"]) for each in groups]
            )
        return found

    def artifact_answers(self, model: Any) -> list[list[Span]]:
        """The entities that the runtime finds."""
        answers = model.predict(
            list(self.asked), aggregation=self.aggregation, long_text=self.long_text
        )
        return [
            [Span(each.start, each.end, each.label) for each in answer.entities]
            for answer in answers
        ]

    def figures(
        self, found: Sequence[Sequence[Span]], expected: Sequence[Sequence[Span]]
    ) -> dict[str, float]:
        """`characters` with the right label, and `F1` of spans."""
        if self.scheme == "plain":
            # Without B, where one word ends and the next of its kind begins isn't said.
            pairs = list(zip(expected, self.asked, strict=True))
            expected = [spans.joined(each, text) for each, text in pairs]
        return {
            "characters": spans.character_accuracy(found, expected, self.asked),
            "F1": spans.f1(found, expected),
        }

    def _decoded(self, folder: Path) -> list[list[Span]]:
        model, tokenizer = _opened(transformers.AutoModelForTokenClassification, folder)
        encodings = [tokenizer.backend_tokenizer.encode(text) for text in self.asked]
        found = []
        for encoding, logits in zip(encodings, _logits(model, encodings), strict=True):
            labels = [
                None if start == end else model.config.id2label[int(best)]
                for best, (start, end) in zip(
                    logits["logits"].argmax(-1), encoding.offsets, strict=True
                )
            ]
            found.append(spans.decode(labels, encoding.offsets, self.scheme))
        return found


@dataclass(frozen=True)
class Texts:
    """Texts, and a label for each."""

    asked: Sequence[str]
    expected: Sequence[str]

    def float_answers(self, folder: Path) -> list[str]:
        """The likeliest labels of texts cut at the model's limit."""
        model, tokenizer = _opened(transformers.AutoModelForSequenceClassification, folder)
        tokenizer.backend_tokenizer.enable_truncation(model.config.max_position_embeddings)
        encodings = [tokenizer.backend_tokenizer.encode(text) for text in self.asked]
        return [
            model.config.id2label[int(each["logits"].argmax())]
            for each in _logits(model, encodings)
        ]

    def artifact_answers(self, model: Any) -> list[str]:
        """The likeliest labels of the runtime."""
        return [answer.label for answer in model.predict(list(self.asked))]

    def figures(self, found: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
        """`accuracy`."""
        pairs = list(zip(found, expected, strict=True))
        return {"accuracy": sum(ours == theirs for ours, theirs in pairs) / len(pairs)}


@dataclass(frozen=True)
class Questions:
    """Questions with their contexts, and where the answer is; None where there is none."""

    rows: Sequence[Question]

    @property
    def expected(self) -> list[tuple[int, int] | None]:
        """The places of the answers in their contexts."""
        return [row.answer for row in self.rows]

    def float_answers(self, folder: Path) -> list[tuple[int, int] | None]:
        """The words of the context with the largest sum of logits, or [CLS] (BERT, section 4.3)."""
        model, tokenizer = _opened(transformers.AutoModelForQuestionAnswering, folder)
        encodings = [
            tokenizer.backend_tokenizer.encode(row.question, row.context) for row in self.rows
        ]
        return [
            _best_span(encoding, logits["start_logits"], logits["end_logits"])
            for encoding, logits in zip(encodings, _logits(model, encodings), strict=True)
        ]

    def artifact_answers(self, model: Any) -> list[tuple[int, int] | None]:
        """The runtime's best spans; windows of a context that is longer than the model's limit."""
        asked = [(row.question, row.context) for row in self.rows]
        answers = model.predict(asked, no_answer=True, long_text="windows")
        return [(each.start, each.end) if each.text else None for each in answers]

    def figures(
        self,
        found: Sequence[tuple[int, int] | None],
        expected: Sequence[tuple[int, int] | None],
    ) -> dict[str, float]:
        """`exact` places, and mean `F1` of their characters (SQuAD 2.0's figures, of places)."""
        pairs = list(zip(found, expected, strict=True))
        return {
            "exact": sum(ours == theirs for ours, theirs in pairs) / len(pairs),
            "F1": sum(_overlap(ours, theirs) for ours, theirs in pairs) / len(pairs),
        }


def _opened(kind: Any, folder: Path) -> tuple[Any, Any]:
    model = kind.from_pretrained(folder, local_files_only=True).eval()
    return model, tokenizer_of(folder)


def _logits(model: Any, encodings: Sequence[Any]) -> list[dict[str, torch.Tensor]]:
    """The outputs of each encoding without padding; texts of like length run together."""
    order = sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids))
    found: list[dict[str, torch.Tensor]] = [{} for _ in encodings]
    for first in range(0, len(order), 32):
        rows = order[first : first + 32]
        examples = [
            {"input_ids": encodings[row].ids, "token_type_ids": encodings[row].type_ids}
            for row in rows
        ]
        with torch.inference_mode():
            outputs = model(**collate(examples))
        for place, row in enumerate(rows):
            for name, values in outputs.items():
                whole = values[place]
                per_token = model.config.architectures[0] != "BertForSequenceClassification"
                found[row][name] = whole[: len(encodings[row].ids)] if per_token else whole
    return found


def _best_span(encoding: Any, start: torch.Tensor, end: torch.Tensor) -> tuple[int, int] | None:
    places = [
        index
        for index, (kind, special) in enumerate(
            zip(encoding.type_ids, encoding.special_tokens_mask, strict=True)
        )
        if kind == 1 and not special
    ]
    best, score = None, float(start[0] + end[0])
    for first in places:
        for last in places[places.index(first) :][:_ANSWER_TOKENS]:
            if float(start[first] + end[last]) > score:
                best, score = (first, last), float(start[first] + end[last])
    if best is None:
        return None
    first, last = (encoding.word_ids[place] for place in best)
    return encoding.word_to_chars(first, 1)[0], encoding.word_to_chars(last, 1)[1]


def _overlap(found: tuple[int, int] | None, expected: tuple[int, int] | None) -> float:
    """F1 of the characters of two places."""
    if found is None or expected is None:
        return float(found == expected)
    shared = max(0, min(found[1], expected[1]) - max(found[0], expected[0]))
    return 2 * shared / (found[1] - found[0] + expected[1] - expected[0])
