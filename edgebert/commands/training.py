"""Arguments that `train` and `distill` share, and how a finished run is shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.errors import MissingBackendError

if TYPE_CHECKING:
    from edgebert.distillation.options import DataOptions, RunOptions
    from edgebert.distillation.schedule import Schedule

_SCHEDULE = {
    "epochs": (float, "passes over the rows; default: 3"),
    "batch-size": (int, "rows of a batch on each process; default: 32"),
    "learning-rate": (float, "at its highest; default: 5e-5"),
    "warmup": (float, "share of the steps over which the rate rises; default: 0.1"),
    "weight-decay": (float, "default: 0.01"),
    "accumulate": (int, "batches that make one step; default: 1"),
    "max-steps": (int, "end earlier; default: no"),
    "save-every": (int, "steps between checkpoints; default: 500"),
}


def per_stage(kind: type[int] | type[float], stages: Sequence[str]) -> Any:
    """A kind of argument: one number, or `stage=number` by comma."""

    def parse(text: str) -> dict[str, float]:
        values: dict[str, float] = {}
        for part in text.split(","):
            stage, equals, number = part.rpartition("=")
            if equals and stage.strip() not in stages:
                raise argparse.ArgumentTypeError(
                    f"got the stage {stage!r}, expected one of {', '.join(stages)}"
                )
            try:
                value = kind(number)
            except ValueError:
                raise argparse.ArgumentTypeError(
                    f"got {number!r}, expected a number, or {stages[0]}=NUMBER by comma"
                ) from None
            values |= dict.fromkeys([stage.strip()] if equals else stages, value)
        return values

    return parse


def add_data(parser: argparse.ArgumentParser, train: str = ".tsv, .csv or .jsonl") -> None:
    """Files, columns, length; `train` says what the rows to learn from are for."""
    parser.add_argument("--train", type=Path, metavar="FILE", help=train)
    parser.add_argument("--dev", type=Path, metavar="FILE", help="labelled rows to score on")
    common.add_columns(parser)
    parser.add_argument(
        "--max-length", type=whole_number, default=128, help="tokens of a text; default: 128"
    )


def add_run(parser: argparse.ArgumentParser, stages: Sequence[str]) -> None:
    """Schedule, seed, precision, penalties, and what to do with an output that is there."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="checkpoint folder to make"
    )
    for name, (kind, text) in _SCHEDULE.items():
        parser.add_argument(
            f"--{name}", type=per_stage(kind, stages), default={}, metavar="N", help=text
        )
    parser.add_argument("--dropout", type=float, help="default: as the checkpoint says")
    parser.add_argument("--l1", type=float, default=0.0, help="on heads and neurons; default: 0")
    parser.add_argument(
        "--group-lasso", type=float, default=0.0, help="on heads and neurons; default: 0"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--precision", default="float32", help="float32, bfloat16 or float16; default: float32"
    )
    parser.add_argument("--resume", action="store_true", help="continue a run that is there")
    parser.add_argument("--force", action="store_true", help="replace a run that is there")
    common.add_json(parser)


def data_options(arguments: argparse.Namespace) -> DataOptions:
    """The options that the arguments of `add_data` name."""
    from edgebert.distillation.options import DataOptions

    return DataOptions(
        arguments.train, arguments.dev, common.columns(arguments), arguments.max_length
    )


def run_options(arguments: argparse.Namespace) -> RunOptions:
    """The options that the arguments of `add_run` name."""
    from edgebert.distillation.objectives import Penalties
    from edgebert.distillation.options import RunOptions

    return RunOptions(
        precision=arguments.precision,
        seed=arguments.seed,
        dropout=arguments.dropout,
        penalties=Penalties(arguments.l1, arguments.group_lasso),
        resume=arguments.resume,
        force=arguments.force,
    )


def schedules(arguments: argparse.Namespace, stages: Sequence[str]) -> dict[str, Schedule]:
    """The schedule of each stage."""
    from edgebert.distillation.schedule import Schedule

    names = [name.replace("-", "_") for name in _SCHEDULE]
    return {
        stage: Schedule(
            **{
                name: getattr(arguments, name)[stage]
                for name in names
                if stage in getattr(arguments, name)
            }
        )
        for stage in stages
    }


@contextmanager
def libraries() -> Iterator[None]:
    """A library that is not installed is an error with the command that brings it."""
    from edgebert_converters.quiet import quiet

    try:
        with quiet():
            yield
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            f"this command needs {error.name}, which is not installed; run: "
            "pip install torch==2.13.0, then pip install 'edgebert[distill]'"
        ) from None


def show(record: dict[str, Any], output: Path, *, as_json: bool) -> None:
    """What each stage took and reached, and what to do with the checkpoint."""
    if as_json:
        common.print_json(record)
        return
    names = ["steps", "rows", "seconds", "seconds_per_step"]
    figures = list(
        dict.fromkeys(
            name
            for stage in record["stages"]
            for name in stage
            if name not in ("stage", "peak_bytes", *names)
        )
    )
    rows = [
        [
            stage["stage"],
            *(f"{stage[name]:,}" for name in names),
            f"{stage['peak_bytes'] / 1e6:,.0f}",
            *(f"{stage[name]:.4f}" if name in stage else "" for name in figures),
        ]
        for stage in record["stages"]
    ]
    headers = ["stage", "steps", "rows", "s", "s a step", "peak MB"]
    common.write(table.render([*headers, *(f"dev {name}" for name in figures)], rows))
    print(f"wrote {output}; next: edgebert convert {output} -o BUNDLE", file=sys.stderr)
