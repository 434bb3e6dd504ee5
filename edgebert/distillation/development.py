"""Figures of a model on labelled rows while it learns: the same scores as `edgebert evaluate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgebert import evaluation
from edgebert.distillation.data import TokenizedFile
from edgebert.labels import LabelSpace
from edgebert_runtime.tasks import INTERPRETERS

_ROWS = 64


@dataclasses.dataclass(frozen=True)
class Development:
    """Labelled rows to score a model on."""

    dataset: TokenizedFile
    labels: LabelSpace
    collate: Callable[[list[Any]], dict[str, Tensor]]

    def figures(self, model: Any, device: torch.device) -> dict[str, float]:
        """Accuracy and macro F1, or mean absolute error and correlation, in eval mode."""
        names = self.labels.names
        results, wanted = [], []
        order = np.argsort(self.dataset.lengths, kind="stable")
        was_training = model.training
        model.eval()
        for start in range(0, len(order), _ROWS):
            rows = [self.dataset[int(index)] for index in order[start : start + _ROWS]]
            batch = {name: each.to(device) for name, each in self.collate(rows).items()}
            labels = batch.pop("labels").cpu().tolist()
            with torch.inference_mode():
                logits = model(**batch).logits.float().cpu().tolist()
            interpret = INTERPRETERS[self.labels.task]
            results += [interpret(each, names, 1, False) for each in logits]
            wanted += [self.labels.expected(each) for each in labels]
        model.train(was_training)
        score = evaluation.scorer(self.labels.task)
        return dataclasses.asdict(score(results, wanted, names))
