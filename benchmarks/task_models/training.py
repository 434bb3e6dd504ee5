"""The loop that teaches a small transformers model, on one thread of a processor."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Example = dict[str, Any]
"""`input_ids`, `token_type_ids` and what the head wants: a list is padded, a number stays."""

_IGNORED = -100
"""The label that the losses of torch leave out."""
_BUCKET = 50
"""Batches among which texts of one length are brought together."""


@dataclass(frozen=True)
class Schedule:
    """How long a model learns, and how fast."""

    steps: int
    batch_size: int
    learning_rate: float
    """Reached after a tenth of the steps, then falling linearly to 0."""
    seed: int = 0


def train(model: Any, examples: Sequence[Example], schedule: Schedule) -> dict[str, float]:
    """Teach `model` in place with AdamW; the same seed gives the same weights on one machine.

    Returns:
        `steps`, `seconds` by the clock and of the processor, and the mean `loss` of the last tenth
        of the steps.
    """
    torch.manual_seed(schedule.seed)
    model.train()
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=schedule.learning_rate, weight_decay=0.01)
    rise = max(1, schedule.steps // 10)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / rise, (schedule.steps - step) / (schedule.steps - rise)),
    )
    losses: list[float] = []
    start, start_processor = time.perf_counter(), time.process_time()
    for batch in _batches(examples, schedule):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        rate.step()
        losses.append(loss.item())
    model.eval()
    last = losses[-rise:]
    return {
        "steps": schedule.steps,
        "seconds": time.perf_counter() - start,
        "processor_seconds": time.process_time() - start_processor,
        "loss": sum(last) / len(last),
    }


def collate(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """A batch as transformers models take it, padded on the right to its longest example."""
    width = max(len(example["input_ids"]) for example in examples)
    batch = {
        name: torch.tensor(
            [
                value + [_IGNORED if name == "labels" else 0] * (width - len(value))
                if isinstance(value, list)
                else value
                for value in (example[name] for example in examples)
            ]
        )
        for name in examples[0]
    }
    lengths = torch.tensor([len(example["input_ids"]) for example in examples])
    batch["attention_mask"] = (torch.arange(width) < lengths[:, None]).long()
    return batch


def _batches(examples: Sequence[Example], schedule: Schedule) -> Iterator[dict[str, torch.Tensor]]:
    draw = random.Random(schedule.seed)
    order: list[int] = []
    size = schedule.batch_size
    given = 0
    while given < schedule.steps:
        while len(order) < size * _BUCKET:
            order += draw.sample(range(len(examples)), len(examples))
        bucket = sorted(order[: size * _BUCKET], key=lambda row: len(examples[row]["input_ids"]))
        del order[: size * _BUCKET]
        starts = draw.sample(range(0, len(bucket), size), _BUCKET)
        for first in starts[: schedule.steps - given]:
            yield collate([examples[row] for row in bucket[first : first + size]])
        given += _BUCKET
