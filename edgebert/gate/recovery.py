"""Quantization-aware recovery: a few hundred steps of learning with rounded weights."""

from __future__ import annotations

from pathlib import Path

from edgebert.distillation.options import DataOptions, DistillOptions, RunOptions
from edgebert.distillation.schedule import Schedule
from edgebert.distillation.student import distill
from edgebert_runtime.examples import Columns

_BATCH = 32
_LEARNING_RATE = 5e-5
_EPOCHS = 1000.0
"""More than enough: the number of steps ends it."""


def recover(checkpoint: Path, output: Path, texts: Path, columns: Columns, steps: int) -> None:
    """Distil a classifier into itself with 8-bit rounding, on `texts`; no labels are needed.

    Raises:
        InputError: for a file that cannot be used.
        TrainingError: if training cannot go on.
    """
    schedule = Schedule(
        epochs=_EPOCHS,
        batch_size=_BATCH,
        learning_rate=_LEARNING_RATE,
        max_steps=steps,
        save_every=max(steps, 1),
    )
    options = DistillOptions(
        data=DataOptions(texts, columns=columns),
        stages=("prediction",),
        schedules={"prediction": schedule},
        fake_quantize="int8",
        run=RunOptions(dropout=0.0),
    )
    distill(checkpoint, checkpoint, output, options)
