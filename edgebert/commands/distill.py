"""`edgebert distill`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgebert.commands import arguments as common
from edgebert.commands import training
from edgebert_runtime.arguments import whole_numbers

HELP = "teach a small student what a large teacher answers"

_STAGES = ("general", "intermediate", "prediction")


def _mapping(text: str) -> str | tuple[int, ...]:
    return whole_numbers(text) if text[:1].isdigit() else text


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert distill`."""
    parser.add_argument(
        "--teacher", type=Path, required=True, metavar="CHECKPOINT", help="a classifier's folder"
    )
    parser.add_argument(
        "--student",
        metavar="SHAPE|CHECKPOINT",
        help="tinybert-4l-312, tinybert-6l-768, minilm-3l-384, simd-4l-320, numbers such as "
        "4x312x12x1200 (layers x hidden x heads x feed-forward), or a checkpoint folder",
    )
    parser.add_argument(
        "--init-layers",
        type=whole_numbers,
        metavar="N,N…",
        help="make the student of these teacher layers, counted from 1, instead",
    )
    training.add_data(parser)
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="texts without labels, for the general stage"
    )
    parser.add_argument(
        "--stages",
        type=common.names,
        default=("intermediate", "prediction"),
        metavar="NAME,NAME…",
        help="general, intermediate, prediction; default: intermediate,prediction",
    )
    parser.add_argument(
        "--mapping",
        type=_mapping,
        default="uniform",
        help="uniform, last, or a teacher layer for each student layer by comma; default: uniform",
    )
    parser.add_argument(
        "--attention-loss",
        default="auto",
        help="scores (TinyBERT), relations (MiniLMv2), none, or auto: scores where head counts "
        "are equal; default: auto",
    )
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="of both distributions; default: 1"
    )
    parser.add_argument(
        "--hard-labels", type=float, default=0.0, metavar="SHARE", help="0 to 1; default: 0"
    )
    training.add_run(parser, _STAGES)


def run(arguments: argparse.Namespace) -> int:
    """Distil, with a progress bar on standard error."""
    with training.libraries():
        from edgebert.distillation.objectives import Targets
        from edgebert.distillation.options import DistillOptions
        from edgebert.distillation.student import distill

    options = DistillOptions(
        data=training.data_options(arguments),
        text=arguments.text,
        stages=arguments.stages,
        initial_layers=arguments.init_layers,
        mapping=arguments.mapping,
        attention=arguments.attention_loss,
        targets=Targets(arguments.temperature, arguments.hard_labels),
        schedules=training.schedules(arguments, _STAGES),
        run=training.run_options(arguments),
    )
    record = distill(arguments.teacher, arguments.student, arguments.output, options)
    training.show(record, arguments.output, as_json=arguments.json)
    return 0
