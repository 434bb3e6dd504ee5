"""The training loop: one stage of a run, from its last checkpoint to its end."""

from __future__ import annotations

import contextlib
import json
import math
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from tqdm import tqdm

from edgebert.distillation import batches, plot
from edgebert.distillation.data import TokenizedFile
from edgebert.distillation.run import Run
from edgebert.distillation.schedule import Schedule
from edgebert_runtime.errors import TrainingError

_LOG_EVERY = 10
_DRAW_EVERY = 30.0
"""Seconds between plots."""
_PLACE = "place.json"
_DEVELOPMENT = "dev_"


@dataclass(frozen=True)
class Stage:
    """One thing to learn."""

    name: str
    number: int
    """Its place in the run, from 1."""
    objective: nn.Module
    """A batch → losses by name, "loss" the one to minimise; in train mode while it learns."""
    dataset: TokenizedFile
    collate: Callable[[list[Any]], dict[str, Tensor]]
    schedule: Schedule
    evaluate: Callable[[], dict[str, float]]
    """Figures on the development set, at the end of each epoch; {} if there is none."""
    seed: int


class StageLoop:
    """Steps of one stage, with everything that a checkpoint holds."""

    def __init__(self, run: Run, stage: Stage, accelerate: Accelerator) -> None:
        self.run = run
        self.stage = stage
        self.accelerate = accelerate
        self.step = 0
        self.seconds = 0.0
        self.drawn = time.monotonic()
        schedule = stage.schedule
        self.steps_in_epoch = batches.steps_in_epoch(
            len(stage.dataset), schedule.batch_size, schedule.accumulate, accelerate.num_processes
        )
        total = max(1, round(schedule.epochs * self.steps_in_epoch))
        self.total = min(total, schedule.max_steps or total)
        optimizer = torch.optim.AdamW(
            _parameter_groups(stage.objective, schedule.weight_decay),
            lr=schedule.learning_rate,
            # Embedding tables are most of a small student: step by step, their update would take
            # as long as the rest.
            fused=True,
        )
        # It saves all that it ever prepared: the stage before is done with.
        accelerate.free_memory()
        self.module, self.optimizer = accelerate.prepare(stage.objective, optimizer)

    def rate(self) -> float:
        """The learning rate of the next step: up in a line, then down to zero."""
        schedule = self.stage.schedule
        warmup = round(schedule.warmup * self.total)
        if self.step < warmup:
            return schedule.learning_rate * (self.step + 1) / warmup
        return schedule.learning_rate * (self.total - self.step) / max(1, self.total - warmup)

    def train(self) -> dict[str, Any]:
        """Go through the remaining steps; returns what the stage reached.

        Raises:
            TrainingError: out of memory, no number, or a disk that is full; the message names
                the last good checkpoint.
        """
        set_seed(self.stage.seed)
        if (last := self.run.last_checkpoint()) is not None:
            self._load(last)
        if self.accelerate.is_main_process:
            self.run.forget_after(self.stage.number, self.step)
        with self._explained():
            with self._progress() as progress:
                while self.step < self.total:
                    self._train_epoch(progress)
            self.accelerate.wait_for_everyone()
        return {
            "stage": self.stage.name,
            "steps": self.total,
            "rows": len(self.stage.dataset),
            "seconds": round(self.seconds, 1),
            "seconds_per_step": round(self.seconds / max(1, self.total), 4),
            "peak_bytes": _peak_bytes(),
            **self._last_figures(),
        }

    def _load(self, last: Path) -> None:
        try:
            self.accelerate.load_state(str(last))
            place = json.loads((last / _PLACE).read_text(encoding="utf-8"))
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"the checkpoint {str(last)!r} cannot be read ({reason}); delete it, and --resume "
                "starts this stage again"
            ) from error
        self.step, self.seconds = place["step"], place["seconds"]

    def _train_epoch(self, progress: Any) -> None:
        """To the end of the epoch that the step is in."""
        stage, schedule = self.stage, self.stage.schedule
        epoch = self.step // self.steps_in_epoch
        order = batches.epoch_batches(stage.dataset.lengths, schedule.batch_size, stage.seed, epoch)
        end = min(self.total, (epoch + 1) * self.steps_in_epoch)
        recent: list[dict[str, float]] = []
        while self.step < end:
            start = time.perf_counter()
            mine = batches.step_batches(
                order,
                self.step % self.steps_in_epoch,
                schedule.accumulate,
                self.accelerate.num_processes,
            )[self.accelerate.process_index]
            rate = self.rate()
            losses = self._train_step(
                rate, [[stage.dataset[int(row)] for row in each] for each in mine]
            )
            self.step += 1
            self.seconds += time.perf_counter() - start
            progress.update()
            progress.set_postfix(loss=f"{losses['loss']:.4g}", refresh=False)
            recent.append(losses)
            if self.step % _LOG_EVERY == 0 or self.step == end:
                means = {key: statistics.fmean(each[key] for each in recent) for key in losses}
                self._log({"step": self.step, "rate": rate, **means})
                recent.clear()
            if self.step == end:
                # Before the checkpoint: a run that goes on from it does not come back here.
                self._evaluate()
            if self.step % schedule.save_every == 0 or self.step == end:
                self._save()

    def _train_step(self, rate: float, rows: list[list[Any]]) -> dict[str, float]:
        self.module.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        sums: dict[str, Tensor] = {}
        for index, batch in enumerate(rows):
            inputs = {
                name: tensor.to(self.accelerate.device)
                for name, tensor in self.stage.collate(batch).items()
            }
            last = index == len(rows) - 1
            with contextlib.nullcontext() if last else self.accelerate.no_sync(self.module):
                with self.accelerate.autocast():
                    losses = self.module(inputs)
                self.accelerate.backward(losses["loss"] / len(rows))
            for name, loss in losses.items():
                sums[name] = sums.get(name, torch.zeros_like(loss)) + loss.detach() / len(rows)
        means = self.accelerate.reduce(sums, reduction="mean")
        values = {name: float(value) for name, value in means.items()}
        self._check_number("loss", values["loss"])
        norm = self.accelerate.clip_grad_norm_(self.module.parameters(), 1.0)
        # In half precision the optimizer skips such a step, and scales the next one down.
        if self.accelerate.scaler is None:
            self._check_number("gradient", float(norm))
        self.optimizer.step()
        self.optimizer.zero_grad()
        return values

    def _check_number(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"the {name} of step {self.step + 1} of {self.stage.name} is {value}, no number to "
                f"learn from; {self.run.where_to_resume()}, or start again with a lower "
                "--learning-rate"
            )

    def _save(self) -> None:
        partial, final = self.run.checkpoint_path(self.step)
        try:
            if self.accelerate.is_main_process:
                partial.mkdir(parents=True, exist_ok=True)
            self.accelerate.wait_for_everyone()
            self.accelerate.save_state(str(partial))
            self.accelerate.wait_for_everyone()
            if self.accelerate.is_main_process:
                place = json.dumps({"step": self.step, "seconds": self.seconds})
                (partial / _PLACE).write_text(place, encoding="utf-8")
                self.run.commit_checkpoint(partial, final)
            self.accelerate.wait_for_everyone()
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"the checkpoint of step {self.step} could not be written ({reason}); check free "
                f"space; {self.run.where_to_resume()}"
            ) from error

    def _evaluate(self) -> None:
        self.module.eval()
        if figures := self.stage.evaluate():
            named = {f"{_DEVELOPMENT}{name}": value for name, value in figures.items()}
            self._log({"step": self.step, **named})
        self._draw()

    def _last_figures(self) -> dict[str, float]:
        """Development figures at the end of the stage, whichever process logged them."""
        lines = [line for line in self.run.metrics() if line["stage_number"] == self.stage.number]
        return {
            name.removeprefix(_DEVELOPMENT): value
            for name, value in (lines[-1] if lines else {}).items()
            if name.startswith(_DEVELOPMENT)
        }

    def _draw(self) -> None:
        """At the end of the stage; before it, no more often than a person would look."""
        now = time.monotonic()
        due = self.step == self.total or now - self.drawn > _DRAW_EVERY
        if self.accelerate.is_main_process and due:
            self.drawn = now
            plot.draw(self.run.metrics(), self.run.folder / "run.png")

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerate.is_main_process:
            place = {"stage": self.stage.name, "stage_number": self.stage.number}
            self.run.log({**place, **line, "seconds": round(self.seconds, 3)})

    def _progress(self) -> Any:
        return tqdm(
            total=self.total,
            initial=self.step,
            desc=self.stage.name,
            unit=" steps",
            disable=None if self.accelerate.is_main_process else True,
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Memory and disk faults of the libraries as errors of ours."""
        try:
            yield
        except TrainingError:
            raise
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"after step {self.step} of {self.stage.name}; {self.run.where_to_resume()}"
            ) from None
        except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and "memory" not in str(error):
                raise
            raise TrainingError(
                f"out of memory at step {self.step + 1} of {self.stage.name}; "
                f"{self.run.where_to_resume()}, or start again with a smaller --batch-size and a "
                "larger --accumulate"
            ) from error
        except OSError as error:
            raise TrainingError(
                f"step {self.step + 1} of {self.stage.name}: {error}; {self.run.where_to_resume()}"
            ) from error


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Biases and normalisation are not decayed, as in BERT (arXiv 1810.04805)."""
    parameters = [each for each in module.parameters() if each.requires_grad]
    return [
        {"params": [each for each in parameters if each.dim() > 1], "weight_decay": weight_decay},
        {"params": [each for each in parameters if each.dim() <= 1], "weight_decay": 0.0},
    ]


def _peak_bytes() -> int:
    """Most resident memory of this process so far; of a GPU's, if there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
