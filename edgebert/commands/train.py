"""`edgebert train`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgebert.commands import training

HELP = "fine-tune a checkpoint on labelled texts: a teacher"

_STAGE = ("fine-tuning",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert train`."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="checkpoint folder")
    training.add_data(parser)
    parser.add_argument(
        "--task",
        help="classification, multi-label-classification or regression; default: by the labels",
    )
    training.add_run(parser, _STAGE)


def run(arguments: argparse.Namespace) -> int:
    """Train, with a progress bar on standard error."""
    with training.libraries():
        from edgebert.distillation.options import TrainOptions
        from edgebert.distillation.teacher import train

    options = TrainOptions(
        data=training.data_options(arguments),
        task=arguments.task,
        schedule=training.schedules(arguments, _STAGE)[_STAGE[0]],
        run=training.run_options(arguments),
    )
    record = train(arguments.checkpoint, arguments.output, options)
    training.show(record, arguments.output, as_json=arguments.json)
    return 0
