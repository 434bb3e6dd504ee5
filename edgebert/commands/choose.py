"""`edgebert choose`."""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert.commands import arguments as common
from edgebert.commands import profile as profiling
from edgebert.comparison import choice
from edgebert.comparison.choice import Limits, Option
from edgebert.table import render
from edgebert_runtime.arguments import add_measuring, whole_number
from edgebert_runtime.errors import EdgeBertError, InputError
from edgebert_runtime.examples import Example, read_examples

if TYPE_CHECKING:
    from edgebert.profiler.profile import Profile

HELP = "the best artifact within limits of latency, size, memory and accuracy"

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)")
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "µs": 0.001}
_BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "b": 1.0}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert choose`."""
    parser.add_argument(
        "bundles", nargs="*", metavar="BUNDLE", help="bundle folder or .edgebert file"
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help=".json that 'edgebert profile --output' wrote, in place of measuring anew",
    )
    parser.add_argument(
        "--max-latency", type=milliseconds, metavar="TIME", help="p50 at --tokens, such as 20ms"
    )
    parser.add_argument(
        "--max-size",
        type=size,
        metavar="SIZE",
        help="of artifact, tokenizer and manifest, such as 10MB (10^6 bytes) or 10MiB",
    )
    parser.add_argument(
        "--max-memory", type=size, metavar="SIZE", help="of the process at its peak, such as 100MB"
    )
    parser.add_argument(
        "--max-drop",
        type=points,
        metavar="POINTS",
        help="of the float model's score as the manifest has it, else of agreement with it; with "
        "--eval, from the best score of all",
    )
    parser.add_argument(
        "--prefer",
        choices=choice.PREFERENCES,
        default="latency",
        help="which figure decides between those within the limits; default: latency",
    )
    parser.add_argument(
        "--tokens", type=whole_number, default=32, help="that latency is taken at; default: 32"
    )
    parser.add_argument(
        "--eval", type=Path, metavar="FILE", help=".tsv, .csv or .jsonl with labels to score on"
    )
    common.add_columns(parser)
    profiling.add_devices(parser)
    profiling.add_selection(parser)
    add_measuring(parser)
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the choice and why not the others; the status is 1 if none is within the limits.

    Raises:
        InputError: for neither bundles nor a profile, what does not go together, or nothing that
            was measured on all devices.
    """
    from edgebert.profiler.profile import Profile
    from edgebert.profiler.report import skipped

    if bool(arguments.bundles) is (arguments.profile is not None):
        raise InputError("expected bundles to measure, or --profile FILE, and not both")
    examples: list[Example] | None = None
    if arguments.eval is None:
        common.refuse_columns(arguments, "add --eval FILE")
    else:
        # A row that can't be used is found before there is measured for minutes.
        examples = read_examples(arguments.eval, common.columns(arguments))
    if arguments.profile is not None:
        profile = _narrowed(Profile.read(arguments.profile), arguments)
    else:
        if arguments.lengths is None:
            arguments.lengths = (arguments.tokens,)
        profile, _ = profiling.measure(arguments)
    left_out = list(skipped(profile))
    scores, data = None, ""
    if examples is not None:
        scores, unscored = _scores(profile, examples, arguments.eval)
        data = arguments.eval.name
        left_out += unscored
    found = choice.options(profile, arguments.tokens, scores, data)
    if not found:
        raise InputError(
            "nothing was measured on all devices" + (f": {left_out[0]}" if left_out else "")
        )
    limits = Limits(
        arguments.max_latency, arguments.max_size, arguments.max_memory, arguments.max_drop
    )
    chosen = choice.best(found, limits, arguments.prefer)
    if arguments.json:
        common.print_json({**_as_json(found, limits, chosen), "left_out": left_out})
    else:
        if left_out:
            common.write("\n".join(["Left out", *left_out, ""]))
        common.write(_as_text(found, limits, chosen, arguments.tokens))
    return int(chosen is None)


def _narrowed(profile: Profile, arguments: argparse.Namespace) -> Profile:
    """The part of a profile that was asked for.

    Raises:
        InputError: for options that only measuring uses, or a device that it doesn't have.
    """
    if arguments.lengths is not None or arguments.operators or arguments.minutes:
        raise InputError(
            "--lengths, --operators and --minutes measure; leave them out of --profile"
        )
    wanted = {name for names in arguments.device or () for name in names}
    if unknown := wanted - {each.name for each in profile.devices}:
        held = ", ".join(each.name for each in profile.devices)
        raise InputError(f"device: got {', '.join(sorted(unknown))}, the profile has {held}")
    results = [
        each
        for each in profile.results
        if (not wanted or each.device in wanted)
        and (arguments.backend is None or each.measurement.backend in arguments.backend)
        and (arguments.recipe is None or each.measurement.recipe in arguments.recipe)
        and (arguments.threads is None or each.measurement.threads in arguments.threads)
    ]
    return dataclasses.replace(
        profile,
        devices=tuple(each for each in profile.devices if not wanted or each.name in wanted),
        results=tuple(results),
        skipped=tuple(each for each in profile.skipped if not wanted or each.device in wanted),
    )


def _scores(
    profile: Profile, examples: Sequence[Example], data: Path
) -> tuple[Mapping[tuple[str, str, str], float], list[str]]:
    """By model, backend and recipe, of the bundles as they lie here; and what could not answer."""
    from edgebert.comparison import scoring
    from edgebert.comparison.selection import select

    names = {Path(model.path): model.name for model in profile.models}
    candidates = select([str(path) for path in names])
    task = candidates[0].bundle.manifest.task
    scoring.check_labelled(task)
    measured = {
        (each.model, each.measurement.backend, each.measurement.recipe) for each in profile.results
    }
    candidates = [
        each
        for each in candidates
        if (names[each.bundle.path], each.artifact.backend, each.artifact.recipe) in measured
    ]
    if not candidates:
        raise InputError(
            "the bundles hold none of the artifacts of this profile; profile them anew"
        )
    main = scoring.main_figure(task, labelled=True)
    scores = scoring.on_examples(candidates, examples, data)
    found, unscored = {}, []
    for each, score in zip(candidates, scores, strict=True):
        if isinstance(score, EdgeBertError):
            unscored.append(f"{each.name}: {score}")
        else:
            kind = (names[each.bundle.path], each.artifact.backend, each.artifact.recipe)
            found[kind] = score[main]
    return found, unscored


def _as_json(found: Sequence[Option], limits: Limits, chosen: Option | None) -> dict[str, object]:
    return {
        "limits": dataclasses.asdict(limits),
        "chosen": None if chosen is None else dataclasses.asdict(chosen),
        "options": [
            {**dataclasses.asdict(each), "ruled_out_by": each.ruled_out_by(limits)}
            for each in found
        ],
    }


def _as_text(found: Sequence[Option], limits: Limits, chosen: Option | None, tokens: int) -> str:
    from edgebert.profiler.report import figure, megabytes

    headers = (
        "artifact", f"p50 ms at {tokens}", "MB", "peak MB", "drop", "of", "ruled out by",
    )  # fmt: skip
    rows = [
        (
            each.name + (" !" if each.marks else ""),
            figure(each.latency_ms),
            megabytes(each.size_bytes),
            megabytes(each.memory_bytes),
            f"{each.drop:.2f}",
            each.drop_of,
            ", ".join(each.ruled_out_by(limits)) or ("chosen" if each is chosen else ""),
        )
        for each in found
    ]
    marks = dict.fromkeys(mark for each in found for mark in each.marks)
    parts = [render(headers, rows)]
    if marks:
        parts.append("\n".join(["! doubtful:", *(f"  {mark}" for mark in marks)]))
    parts.append("Nothing is within these limits" if chosen is None else f"Chosen: {chosen.name}")
    if limits.drop is None:
        parts.append("Accuracy did not decide; --max-drop is its limit")
    return "\n\n".join(parts)


def milliseconds(text: str) -> float:
    """An argument such as 20ms or 0.5s; a number alone is of milliseconds."""
    return _quantity(text, _MILLISECONDS, "ms", "a time such as 20ms")


def size(text: str) -> float:
    """An argument such as 10MB."""
    return _quantity(text, _BYTES, "", "a size such as 10MB")


def points(text: str) -> float:
    """An argument that is a number of points."""
    return _quantity(text, {"": 1.0}, "", "a number of points such as 1 or 0.5")


def _quantity(text: str, units: Mapping[str, float], default: str, expected: str) -> float:
    found = _QUANTITY.fullmatch(text.strip())
    unit = units.get(found[2].lower() or default) if found else None
    if found is None or unit is None or not math.isfinite(float(found[1])):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected {expected}")
    return float(found[1]) * unit
