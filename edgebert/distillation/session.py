"""What fine-tuning and distillation share: a run's folder, its devices, its rows, its stages."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from edgebert.distillation import models
from edgebert.distillation.data import Encoder, TokenizedFile, collate, tokenized
from edgebert.distillation.development import Development
from edgebert.distillation.models import Classifier
from edgebert.distillation.options import DataOptions
from edgebert.distillation.run import Run
from edgebert.distillation.schedule import Schedule
from edgebert.distillation.training import Stage, StageLoop
from edgebert.labels import LabelSpace
from edgebert_runtime.errors import InputError


@dataclass(frozen=True)
class Session:
    """A run that was claimed, and the tokenizer that its rows go through."""

    run: Run
    accelerate: Accelerator
    data: DataOptions
    classifier: Classifier
    """Whose tokenizer, length limit and padding the rows have: the teacher, while distilling."""
    labels: LabelSpace

    def rows(self, source: Path | None, name: str, *, labelled: bool = True) -> TokenizedFile:
        """The rows of a file, tokenized once for the whole run.

        Raises:
            InputError: if no file was named, or a row cannot be used.
        """
        if source is None:
            raise InputError(f"this stage learns from texts; name a file with --{name}")
        limit = min(self.data.max_length, self.classifier.position_limit)
        labels = self.labels if labelled else None
        columns = self.data.columns
        if not labelled:
            columns = dataclasses.replace(columns, label=None)
        with self.accelerate.main_process_first():
            return tokenized(
                source,
                self.run.folder / "data",
                Encoder(self.classifier.tokenizer.content, limit, labels),
                columns,
            )

    def development(self) -> Development | None:
        """The rows to score on, if a file was named.

        Raises:
            InputError: with the number of rows without a label.
        """
        if self.data.dev is None:
            return None
        dataset = self.rows(self.data.dev, "dev")
        if unlabelled := dataset.unlabelled():
            raise InputError(
                f"{str(self.data.dev)!r} has {unlabelled} rows without a label; expected one in "
                "each to score on"
            )
        return Development(dataset, self.labels, self.collate)

    @property
    def collate(self) -> Any:
        """Rows → padded tensors that the models take."""
        return collate(self.classifier.pad, self.classifier.tokenizer.gives_token_types)

    def learn(
        self,
        name: str,
        objective: nn.Module,
        dataset: TokenizedFile,
        schedule: Schedule,
        *,
        seed: int,
        development: Development | None,
    ) -> None:
        """Train the objective's model through one stage, and keep it."""
        model: Any = objective.model

        def figures() -> dict[str, float]:
            if development is None:
                return {}
            return development.figures(model, self.accelerate.device)

        number = self.run.finished_stages() + 1
        # Each stage draws its own order and dropout, whichever ran before it in this process.
        stage = Stage(
            name, number, objective, dataset, self.collate, schedule, figures, seed + number
        )
        summary = StageLoop(self.run, stage, self.accelerate).train()
        if self.accelerate.is_main_process:
            self.run.finish_stage(
                summary, lambda path: models.save(model, self.classifier.folder, path)
            )
        self.accelerate.wait_for_everyone()


def set_dropout(model: Any, rate: float | None) -> None:
    """Every dropout of a model at one rate; None leaves them as the checkpoint says."""
    if rate is None:
        return
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
