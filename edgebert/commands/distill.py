"""`edgebert distill`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert.commands import arguments as common
from edgebert.commands import prune as pruned_table
from edgebert.commands import pruning, training
from edgebert_runtime.arguments import whole_number, whole_numbers
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import stream_examples

if TYPE_CHECKING:
    from edgebert.distillation.options import DistillOptions

HELP = "teach a small student what a large teacher answers"

_STAGES = ("general", "intermediate", "prediction")
_PREFIX = "prune-"
_WHOLE = "-unpruned"
"""Behind the name of the output: the student before it was pruned."""


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
    parser.add_argument(
        "--fake-quantize",
        default="none",
        metavar="KIND",
        help="int8 or int4: learn with weights rounded as they will be; default: none",
    )
    training.add_run(parser, _STAGES)
    pruning.add(parser, _PREFIX)
    parser.add_argument(
        f"--{_PREFIX}rounds",
        type=whole_number,
        default=1,
        metavar="N",
        help="prune and recover in so many rounds; default: 1",
    )


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
        fake_quantize=arguments.fake_quantize,
        schedules=training.schedules(arguments, _STAGES),
        run=training.run_options(arguments),
    )
    output = arguments.output
    if not pruning.given(arguments, _PREFIX):
        if arguments.prune_rounds > 1:
            raise InputError(
                "--prune-rounds needs something to prune in each: add --prune-heads or the like"
            )
        record = distill(arguments.teacher, arguments.student, output, options)
        training.show(record, output, as_json=arguments.json)
        return 0
    return _distill_and_prune(arguments, options)


def _distill_and_prune(arguments: argparse.Namespace, options: DistillOptions) -> int:
    """The student, then the pruned student, which learns from it; two runs, resumed as one."""
    with training.libraries():
        from edgebert.compression.options import PruneOptions, check
        from edgebert.compression.prune import prune
        from edgebert.distillation.student import distill

    output = arguments.output
    whole = output.parent / f"{output.name}{_WHOLE}"
    stages = tuple(name for name in options.stages if name != "general")
    settings = PruneOptions(
        **pruning.settings(arguments, _PREFIX),
        data=options.data,
        rounds=arguments.prune_rounds,
        stages=stages,
        schedules={name: options.schedule(name) for name in stages},
        run=options.run,
    )
    # What would come to light after hours of distillation otherwise.
    check(settings)
    rows = settings.labelled
    if rows is not None and next(stream_examples(rows, options.data.columns), None) is None:
        raise InputError(f"{str(rows)!r} has no rows; give labelled ones with --prune-data")
    if not output.name or (output.exists() and not (options.run.resume or options.run.force)):
        raise InputError(
            f"output {str(output)!r} exists; add --resume to continue its run, --force to replace "
            "it, or choose another name"
        )
    distill(arguments.teacher, arguments.student, whole, options)
    pruned_table.show(prune(whole, output, settings), output, as_json=arguments.json)
    return 0
