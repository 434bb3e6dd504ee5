"""`edgebert convert`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.arguments import whole_numbers
from edgebert_runtime.manifest import Manifest

HELP = "turn a Hugging Face checkpoint into a verified bundle"


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
        help="int8_dynamic or float32; by comma, or repeated; default: int8_dynamic",
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
    manifest = convert(arguments.checkpoint, arguments.output, options, report)
    if arguments.json:
        common.print_json(dataclasses.asdict(manifest))
    else:
        common.write(parity_table(manifest))
    return 0


def parity_table(manifest: Manifest) -> str:
    """What each artifact weighs and how near it is to the float model."""
    agreement = {"embedding": "mean cosine", "regression": "R²"}.get(manifest.task, "equal labels")
    rows = [
        [
            f"{artifact.backend} {artifact.recipe}",
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
