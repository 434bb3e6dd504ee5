"""Fine-tuning and distillation; importing it brings torch, transformers and accelerate."""

from __future__ import annotations

from edgebert.distillation.objectives import Penalties, Targets
from edgebert.distillation.options import DataOptions, DistillOptions, RunOptions, TrainOptions
from edgebert.distillation.schedule import Schedule
from edgebert.distillation.student import distill
from edgebert.distillation.teacher import train
from edgebert_runtime.examples import Columns

__all__ = [
    "Columns",
    "DataOptions",
    "DistillOptions",
    "Penalties",
    "RunOptions",
    "Schedule",
    "Targets",
    "TrainOptions",
    "distill",
    "train",
]
