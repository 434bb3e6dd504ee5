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
        fractions = {"epochs": self.epochs, "learning_rate": self.learning_rate}
        for name, value in fractions.items():
            if not 0 < value < math.inf:
                raise InputError(f"{name}: got {value}, expected a finite number above 0")
        if not 0 <= self.warmup <= 1:
            raise InputError(f"warmup: got {self.warmup}, expected a share from 0 to 1")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(
                f"weight_decay: got {self.weight_decay}, expected a finite number of at least 0"
            )
        for name in ("batch_size", "accumulate", "max_steps", "save_every"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise InputError(f"{name}: got {count}, expected at least 1")
