"""Rows of each kind of task as examples, and models with the matching heads taught from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from task_models import training
from task_models.questions import Question
from task_models.spans import Span, label_names, token_labels
from task_models.training import Example, Schedule

_IGNORED = -100
LONGEST = 128
"""Tokens of an example; longer ones are left out."""


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a checkpoint, without the padding and cutting that its file may ask for."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    return tokenizer


def place_waves(model: Any, width: float) -> None:
    """Random weights whose places begin as the waves of arXiv 1706.03762, section 3.5.

    `width` is the standard deviation that is wanted.
    """
    table = model.base_model.embeddings.position_embeddings.weight
    count, hidden = table.shape
    rates = 10_000 ** (-torch.arange(0, hidden, 2) / hidden)
    angles = torch.arange(count)[:, None] * rates[None, :]
    with torch.no_grad():
        table[:, 0::2] = width * math.sqrt(2) * angles.sin()
        table[:, 1::2] = width * math.sqrt(2) * angles.cos()


def tokens(
    start: Any, tokenizer: Any, rows: Sequence[tuple[str, list[Span]]], *, scheme: str
) -> tuple[Any, list[Example]]:
    """A token classifier that begins as `start`, and its examples.

    `start` is the folder of a checkpoint, or a configuration for random weights.
    """
    names = label_names(sorted({span.label for _, spans in rows for span in spans}), scheme)
    position = {name: index for index, name in enumerate(names)}
    examples = []
    for text, spans in rows:
        encoding = tokenizer.backend_tokenizer.encode(text)
        labels = token_labels(encoding.offsets, spans, scheme)
        examples.append(
            _example(encoding)
            | {"labels": [_IGNORED if each is None else position[each] for each in labels]}
        )
    model = _model(transformers.AutoModelForTokenClassification, start, names)
    return model, _short(examples)


def texts(start: Any, tokenizer: Any, rows: Sequence[tuple[str, str]]) -> tuple[Any, list[Example]]:
    """A text classifier, and its examples: texts cut at `LONGEST`."""
    names = sorted({label for _, label in rows})
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(LONGEST)
    examples = [
        _example(backend.encode(text)) | {"labels": names.index(label)} for text, label in rows
    ]
    backend.no_truncation()
    return _model(transformers.AutoModelForSequenceClassification, start, names), examples


def questions(start: Any, tokenizer: Any, rows: Sequence[Question]) -> tuple[Any, list[Example]]:
    """An extractive reader, and its examples; what has no answer points at [CLS]."""
    examples = []
    for row in rows:
        encoding = tokenizer.backend_tokenizer.encode(row.question, row.context)
        first = last = 0
        if row.answer is not None:
            first = encoding.char_to_token(row.answer[0], 1)
            last = encoding.char_to_token(row.answer[1] - 1, 1)
        examples.append(_example(encoding) | {"start_positions": first, "end_positions": last})
    model = _model(transformers.AutoModelForQuestionAnswering, start, ("start", "end"))
    return model, _short(examples)


def teach(
    model: Any, examples: Sequence[Example], schedule: Schedule, folder: Path, tokenizer: Any
) -> dict[str, float]:
    """Train and write a folder as `save_pretrained` does; returns what `training.train` does."""
    made = training.train(model, examples, schedule)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return made


def _model(kind: Any, start: Any, names: Sequence[str]) -> Any:
    labels = {
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }
    transformers.set_seed(0)
    if not isinstance(start, Path):
        start.update(labels)
        return kind.from_config(start)
    # Another task's head goes.
    return kind.from_pretrained(
        start, local_files_only=True, ignore_mismatched_sizes=True, **labels
    )


def _example(encoding: Any) -> Example:
    return {"input_ids": encoding.ids, "token_type_ids": encoding.type_ids}


def _short(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if len(example["input_ids"]) <= LONGEST]
