"""How long and how fast a stage learns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgebert_runtime.errors import InputError


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage learns."""

    epochs: float = 3.0
    batch_size: int = 32
    """Rows of a batch on each process."""
    learning_rate: float = 5e-5
    warmup: float = 0.1
    """Share of the steps over which the rate rises to its full height; then it falls to zero."""
    weight_decay: float = 0.01
    accumulate: int = 1
    """Batches that make one step."""
    max_steps: int | None = None
    save_every: int = 500
    """Steps between checkpoints; one at the end of each epoch too."""

    def check(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            InputError: naming the value.
        """
        wrong = {
            "epochs": not (0 < self.epochs < math.inf),
            "batch_size": self.batch_size < 1,
            "learning_rate": not (0 < self.learning_rate < math.inf),
            "warmup": not (0 <= self.warmup <= 1),
            "weight_decay": not (0 <= self.weight_decay < math.inf),
            "accumulate": self.accumulate < 1,
            "max_steps": self.max_steps is not None and self.max_steps < 1,
            "save_every": self.save_every < 1,
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise InputError(f"{name}: got {getattr(self, name)!r}, expected a larger number")
