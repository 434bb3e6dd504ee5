"""What a training run is asked to do."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebert.distillation.data import file_hash
from edgebert.distillation.objectives import Penalties, Targets
from edgebert.distillation.schedule import Schedule
from edgebert_converters.publish import as_path
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import Columns

STAGES = ("general", "intermediate", "prediction")
DEFAULT_STAGES = ("intermediate", "prediction")
_LEAST_LENGTH = 8
_LARGEST_SEED = 2**32 - 100
"""Of numpy's 32 bits; stages add their number."""
_OWN_FILES = {"text", "labelled"}
"""Files that some options name beside those of `DataOptions`."""


def _as_path(options: DataOptions | DistillOptions, name: str) -> None:
    value = getattr(options, name)
    if value is not None:
        object.__setattr__(options, name, as_path(value, name))


@dataclass(frozen=True)
class DataOptions:
    """Files to learn from and to score on, and how they are read."""

    train: Path | None = None
    dev: Path | None = None
    columns: Columns = Columns()
    max_length: int = 128
    """Tokens at which texts are cut, special tokens included."""

    def __post_init__(self) -> None:
        """Paths may be given as strings."""
        for name in ("train", "dev"):
            _as_path(self, name)


@dataclass(frozen=True)
class RunOptions:
    """How a run goes, whatever it learns."""

    precision: str = "float32"
    seed: int = 0
    dropout: float | None = None
    """In place of the checkpoint's own dropout rates."""
    penalties: Penalties = Penalties()
    resume: bool = False
    force: bool = False


@dataclass(frozen=True)
class TrainOptions:
    """Fine-tuning of a classifier on true labels."""

    data: DataOptions = DataOptions()
    task: str | None = None
    """None: guessed from the labels."""
    schedule: Schedule = Schedule()
    run: RunOptions = RunOptions()


@dataclass(frozen=True)
class DistillOptions:
    """A student that learns from a teacher."""

    data: DataOptions = DataOptions()
    text: Path | None = None
    """Texts of the general stage; they need no labels."""
    stages: tuple[str, ...] = DEFAULT_STAGES
    initial_layers: tuple[int, ...] | None = None
    """Teacher layers that a student is made of, in place of a shape or checkpoint."""
    mapping: str | tuple[int, ...] = "uniform"
    attention: str = "auto"
    targets: Targets = Targets()
    fake_quantize: str = "none"
    """"int8" or "int4": learn with weights rounded as they will be (see `fake_quantization`)."""
    schedules: dict[str, Schedule] = field(default_factory=dict)
    """By stage; Schedule() for one that is not named."""
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        """Paths may be given as strings."""
        _as_path(self, "text")

    def schedule(self, stage: str) -> Schedule:
        """How a stage learns."""
        return self.schedules.get(stage, Schedule())


def check_run(data: DataOptions, run: RunOptions) -> None:
    """Refuse what no run can use.

    Raises:
        InputError: naming the value.
    """
    if data.max_length < _LEAST_LENGTH:
        raise InputError(
            f"max_length: got {data.max_length}, expected at least {_LEAST_LENGTH} tokens"
        )
    if not 0 <= run.seed <= _LARGEST_SEED:
        raise InputError(f"seed: got {run.seed}, expected 0 to {_LARGEST_SEED}")
    if run.dropout is not None and not 0 <= run.dropout < 1:
        raise InputError(f"dropout: got {run.dropout}, expected at least 0 and less than 1")
    for name, value in dataclasses.asdict(run.penalties).items():
        if not 0 <= value < math.inf:
            raise InputError(f"{name}: got {value}, expected a finite number of at least 0")


def record(options: Any, **inputs: Any) -> dict[str, Any]:
    """The options as JSON, files with their hashes, for run.json.

    Where a run is said to go on or start anew is no part of what it does.
    """
    data: dict[str, Any] = dataclasses.asdict(options)
    for name in ("resume", "force"):
        del data["run"][name]
    files = {"train": options.data.train, "dev": options.data.dev}
    for name in _OWN_FILES & data.keys():
        files[name] = data.pop(name)
    if "schedules" in data:
        data["schedules"] = {
            name: dataclasses.asdict(options.schedule(name)) for name in options.stages
        }
    for name in ("train", "dev"):
        del data["data"][name]
    data["files"] = {
        name: {"name": path.name, "sha256": file_hash(path)}
        for name, path in sorted(files.items())
        if path is not None
    }
    return {**inputs, **data}
