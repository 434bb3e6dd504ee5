"""Texts answered one at a time with the tokenizers library and nothing else: the least there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer


class OneByOne:
    """What answerers share that bring no pipeline: they have `ready` and `logits`."""

    batches = (1,)

    def __init__(self, folder: Path, task: str, most_tokens: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(most_tokens)
        self._labels = labels(folder) if task == "text-classification" else []

    def ready(self, ids: list[int]) -> Any:
        """Inputs of the model for one text."""
        raise NotImplementedError

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text."""
        raise NotImplementedError

    def answers(self, texts: list[str], batch: int) -> Any:
        """Labels of texts, or vectors [n, width]."""
        rows = [self.logits(self.ready(self._tokenizer.encode(text).ids)) for text in texts]
        if self._labels:
            return [self._labels[int(np.argmax(row))] for row in rows]
        return np.stack(rows)


def labels(folder: Path) -> list[str]:
    """Labels in the order of the outputs."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return [config["id2label"][str(index)] for index in range(len(config["id2label"]))]


def arrays(ids: list[int], tokens: int | None = None) -> dict[str, Any]:
    """A BERT's three inputs [1, tokens], padded to `tokens` where a model wants just that many."""
    width = tokens or len(ids)
    row, mask = np.zeros((1, width), np.int64), np.zeros((1, width), np.int64)
    row[0, : len(ids)] = ids
    mask[0, : len(ids)] = 1
    return {"input_ids": row, "attention_mask": mask, "token_type_ids": np.zeros_like(row)}
