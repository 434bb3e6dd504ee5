"""What pruning is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from edgebert.distillation.checking import check_types
from edgebert.distillation.options import DEFAULT_STAGES, DataOptions, RunOptions, check_run
from edgebert.distillation.schedule import Schedule
from edgebert_converters.publish import as_path
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.manifest import BACKENDS

IMPORTANCES = ("taylor", "l1", "l2")
TARGETS = ("parameters", "macs", "latency")
STAGES = ("intermediate", "prediction")
_MOST_ROUNDS = 100


@dataclass(frozen=True)
class Target:
    """How large or slow the whole model may be."""

    kind: str
    """"parameters", "macs" (multiply-accumulates of a text) or "latency" (measured)."""
    value: float
    """Below 1, a share of the unpruned model's; else a number of parameters or of
    multiply-accumulates, or milliseconds."""


@dataclass(frozen=True)
class PruneOptions:
    """What to keep of a checkpoint, and how the rest is chosen.

    Heads and neurons are kept by share (a float from 0 to 1: the most important of all layers
    together, so that widths differ by layer) or by count (a whole number for each layer, or a
    tuple with one for each).
    """

    heads: float | tuple[int, ...] | None = None
    neurons: float | tuple[int, ...] | None = None
    layers: int | tuple[int, ...] | None = None
    """How many whole layers to keep, or which, counted from 1."""
    target: Target | None = None
    """In place of heads and neurons: one share of both is searched that meets it."""
    sparsity: float = 0.0
    """Share of linear weights to set to zero by magnitude, after that."""
    multiple: int = 16
    """Neurons of a layer are kept in groups of so many, which suit the kernels."""
    importance: str = "taylor"
    """"taylor", "l1" or "l2" (see `importance`)."""
    labelled: Path | None = None
    """Labelled rows for "taylor"; None: `data.train`."""
    data: DataOptions = DataOptions()
    """`train`: rows to recover on, None for one shot; `dev`: rows to score on before and after."""
    rounds: int = 1
    """Prune and recover in so many steps."""
    stages: tuple[str, ...] = DEFAULT_STAGES
    """How each round recovers: what is distilled from the unpruned model."""
    schedules: dict[str, Schedule] = field(default_factory=dict)
    """Of each stage in each round; Schedule() for one that is not named."""
    backend: str = "tflite"
    """Which backend a latency is measured on."""
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        """Paths may be given as strings."""
        if self.labelled is not None:
            object.__setattr__(self, "labelled", as_path(self.labelled, "labelled"))

    def schedule(self, stage: str) -> Schedule:
        """How a stage learns."""
        return self.schedules.get(stage, Schedule())

    @property
    def structured(self) -> bool:
        """Whether anything but single weights goes."""
        wanted = (self.heads, self.neurons, self.layers, self.target)
        return any(each is not None for each in wanted)

    @property
    def ranked(self) -> bool:
        """Whether heads, neurons or layers are chosen by importance."""
        by_rank = (self.heads, self.neurons, self.target)
        return any(each is not None for each in by_rank) or isinstance(self.layers, int)

    @property
    def rows(self) -> Path | None:
        """The file with labelled rows."""
        return self.labelled or self.data.train


def check(options: PruneOptions) -> None:
    """Refuse what cannot be pruned by.

    Raises:
        InputError: naming the value.
    """
    check_types(options, PruneOptions)
    if not options.structured and not options.sparsity:
        raise InputError(
            "nothing to prune: give heads, neurons, layers, a target or a sparsity, such as "
            "--heads 0.5"
        )
    for name in ("heads", "neurons"):
        _check_amount(name, getattr(options, name))
    layers = options.layers
    if isinstance(layers, bool) or (isinstance(layers, int) and layers < 1) or layers == ():
        raise InputError(
            f"layers: got {shortened(layers)}, expected how many to keep, or which, from 1"
        )
    if options.target is not None:
        _check_target(options.target, options)
    if not 0 <= options.sparsity < 1:
        raise InputError(f"sparsity: got {options.sparsity}, expected at least 0 and less than 1")
    if not 1 <= options.multiple <= 4096:
        raise InputError(
            f"multiple: got {shortened(options.multiple)}, expected 1 to 4096, such as 8 or 16"
        )
    for name, allowed in (("importance", IMPORTANCES), ("backend", BACKENDS)):
        if getattr(options, name) not in allowed:
            raise InputError(
                f"{name}: got {shortened(getattr(options, name))}, expected one of "
                f"{', '.join(allowed)}"
            )
    if options.importance == "taylor" and options.ranked and options.rows is None:
        raise InputError(
            "importance 'taylor' is measured on labelled rows; name a file with --data (of convert "
            "and distill: --prune-data), or choose the importance l1 or l2, which look at the "
            "weights alone"
        )
    _check_recovery(options)


def _check_amount(name: str, value: float | tuple[int, ...] | None) -> None:
    if value is None:
        return
    if isinstance(value, float):
        if not 0 < value <= 1:
            raise InputError(
                f"{name}: got {shortened(value)}, expected a share above 0, at most 1, or whole "
                "numbers to keep in each layer"
            )
        return
    counts = value if isinstance(value, tuple) else (value,)
    if not counts or not all(count >= 1 for count in counts):
        raise InputError(f"{name}: got {shortened(value)}, expected at least 1 in each layer")


def _check_target(target: Target, options: PruneOptions) -> None:
    if target.kind not in TARGETS:
        raise InputError(
            f"target: got {shortened(target.kind)}, expected one of {', '.join(TARGETS)}"
        )
    if not 0 < target.value < math.inf:
        raise InputError(
            f"target {target.kind}: got {shortened(target.value)}, expected a share above 0 and "
            "below 1, or a number of at least 1"
        )
    if options.heads is not None or options.neurons is not None:
        raise InputError(
            "a target decides how many heads and neurons stay; leave --heads and --neurons out, or "
            "the target"
        )


def _check_recovery(options: PruneOptions) -> None:
    order = [STAGES.index(name) for name in options.stages if name in STAGES]
    if not options.stages or len(order) < len(options.stages) or sorted(set(order)) != order:
        raise InputError(
            f"stages: got {', '.join(options.stages)!r}, expected some of {', '.join(STAGES)}, in "
            "this order"
        )
    if not 1 <= options.rounds <= _MOST_ROUNDS:
        raise InputError(f"rounds: got {shortened(options.rounds)}, expected 1 to {_MOST_ROUNDS}")
    if options.rounds > 1 and options.data.train is None:
        raise InputError(
            f"{options.rounds} rounds recover between them; name rows to learn on with --train"
        )
    for name in options.schedules:
        if name not in STAGES:
            raise InputError(f"schedules: got {name!r}, expected stages of {', '.join(STAGES)}")
        options.schedule(name).check()
    check_run(options.data, options.run)
