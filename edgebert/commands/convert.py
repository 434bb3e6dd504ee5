"""`edgebert convert`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.commands import pruning, training
from edgebert.escaping import printable
from edgebert_runtime.arguments import whole_number, whole_numbers
from edgebert_runtime.errors import InputError
from edgebert_runtime.manifest import Manifest
from edgebert_runtime.provenance import Search

if TYPE_CHECKING:
    from edgebert import Gate

HELP = "turn a Hugging Face checkpoint into a verified bundle"

_PREFIX = "prune-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert convert`."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="checkpoint folder")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="BUNDLE", help="folder, or x.edgebert"
    )
    parser.add_argument(
        "--formats", type=common.names, help="onnx, tflite, torchscript, by comma; default: all"
    )
    parser.add_argument(
        "--recipe",
        action="append",
        type=common.names,
        metavar="NAME",
        help="float32, float16, int8_dynamic, int8_static, int8_weights or int4_weights; by comma, "
        "or repeated; default: int8_dynamic, and with --eval all but int4_weights",
    )
    parser.add_argument(
        "--lengths",
        type=whole_numbers,
        metavar="N,N…",
        help="token lengths of TFLite's signatures, the last is the bundle's limit; "
        "default: 8,16,32,64,128,256 and the model's limit",
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="sentences to compare answers on"
    )
    parser.add_argument(
        "--eval",
        type=Path,
        metavar="DEV",
        help="labelled rows: keep for each format the fastest recipe within --max-drop",
    )
    common.add_columns(parser)
    parser.add_argument(
        "--max-drop",
        type=float,
        metavar="POINTS",
        help="hundredths of accuracy (of regression: of correlation) that an artifact may lose "
        "against the float model; default: 0.5",
    )
    parser.add_argument(
        "--recover",
        type=Path,
        metavar="FILE",
        help="texts to learn from with rounded weights, if 8-bit recipes lose too much",
    )
    parser.add_argument(
        "--recover-steps", type=whole_number, metavar="N", help="steps of it; default: 300"
    )
    pruning.add(parser, _PREFIX)
    parser.add_argument("--pooling", help="mean or cls, for an encoder without a head")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Convert, with a line of progress for each step on standard error."""
    from edgebert import ConvertOptions, convert

    start = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {line}", file=sys.stderr, flush=True)

    options = ConvertOptions(
        lengths=arguments.lengths,
        calibration=arguments.calibration,
        pooling=arguments.pooling,
        force=arguments.force,
    )
    if arguments.formats:
        options = dataclasses.replace(options, formats=arguments.formats)
    if arguments.recipe:
        options = dataclasses.replace(
            options, recipes=tuple(name for names in arguments.recipe for name in names)
        )
    gate = _gate(arguments)
    with _pruned(arguments, report) as checkpoint:
        manifest = convert(checkpoint, arguments.output, options, report, gate=gate)
    if arguments.json:
        common.print_json(dataclasses.asdict(manifest))
        return 0
    if manifest.search is not None:
        common.write(search_table(manifest.search) + "\n")
    common.write(parity_table(manifest))
    return 0


@contextlib.contextmanager
def _pruned(arguments: argparse.Namespace, report: Callable[[str], None]) -> Iterator[Path]:
    """The checkpoint to convert: as it is, or pruned in one shot in a folder of its own."""
    if not pruning.given(arguments, _PREFIX):
        yield arguments.checkpoint
        return
    with training.libraries():
        from edgebert.compression.options import PruneOptions
        from edgebert.compression.prune import one_shot
        from edgebert.distillation.options import DataOptions
        from edgebert_converters.pipeline import WORK
        from edgebert_converters.publish import check_target

    check_target(arguments.output, force=arguments.force)
    settings = pruning.settings(arguments, _PREFIX)
    options = PruneOptions(**settings, data=DataOptions(columns=common.columns(arguments)))
    report(f"pruning {arguments.checkpoint}")
    with tempfile.TemporaryDirectory(prefix=f"{WORK}{os.getpid()}.") as work:
        # The bundle tells of the checkpoint by its folder's name.
        folder = Path(work) / arguments.checkpoint.resolve().name
        folder.mkdir()
        one_shot(arguments.checkpoint, folder, options)
        yield folder


def _gate(arguments: argparse.Namespace) -> Gate | None:
    given = {
        "max_drop": arguments.max_drop,
        "recover": arguments.recover,
        "recover_steps": arguments.recover_steps,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if arguments.eval is not None:
        from edgebert import Gate

        return Gate(arguments.eval, columns=common.columns(arguments), **given)
    if given:
        name = next(iter(given)).replace("_", "-")
        raise InputError(f"--{name} needs labelled rows to score on: add --eval DEV")
    if arguments.prune_data is None:
        common.refuse_columns(arguments, "add --eval DEV")
    return None


def search_table(search: Search) -> str:
    """Every artifact that was tried, and which were kept."""
    float_value = search.float_value
    rows = [
        [
            f"{trial.backend} {trial.recipe}"
            + _in_float(trial.float_layers)
            + ", recovered" * trial.recovered,
            f"{trial.value:.4f}",
            f"{100 * (float_value - trial.value):+.2f}",
            f"{trial.p50_ms:.2f}",
            f"{trial.bytes / 1e6:.1f}",
            "kept" if trial.kept else "",
        ]
        for trial in search.trials
    ]
    headers = ["tried", search.figure, "points lost", "p50 ms", "MB", ""]
    title = (
        f"{search.rows} rows of {printable(search.data)}; float model {float_value:.4f}, "
        f"at most {search.max_drop:g} points less"
    )
    if search.recovery_steps:
        title += f"; {search.recovery_steps} steps of recovery"
    return f"{title}\n{table.render(headers, rows)}"


def _in_float(layers: tuple[str, ...]) -> str:
    return f", {len(layers)} in float32" if layers else ""


def parity_table(manifest: Manifest) -> str:
    """What each artifact weighs and how near it is to the float model."""
    agreement = {
        "embedding": "mean cosine",
        "regression": "R²",
        "question-answering": "equal answers",
        "masked-lm": "equal tokens",
    }.get(manifest.task, "equal labels")
    rows = [
        [
            f"{artifact.backend} {artifact.recipe}" + _in_float(artifact.float_layers),
            f"{artifact.bytes / 1e6:.1f}",
            f"{artifact.parity.agreement:.4f}",
            f"{artifact.parity.mean_difference:.2g}",
            f"{artifact.parity.max_difference:.2g}",
            str(artifact.parity.sentences),
        ]
        for artifact in manifest.artifacts
    ]
    headers = ["artifact", "MB", agreement, "mean diff.", "largest diff.", "sentences"]
    return table.render(headers, rows)
