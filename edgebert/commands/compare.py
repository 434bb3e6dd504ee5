"""`edgebert compare`."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert.commands import arguments as common
from edgebert.escaping import printable
from edgebert_runtime.arguments import seconds, share, whole_number
from edgebert_runtime.errors import EdgeBertError, InputError, MissingBackendError
from edgebert_runtime.examples import read_examples

if TYPE_CHECKING:
    from edgebert.comparison.report import Comparison

HELP = "put artifacts side by side: accuracy, latency and size; or two profiles, before and after"

_REGRESSION = 0.05


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert compare`."""
    parser.add_argument(
        "bundles",
        nargs="+",
        metavar="BUNDLE",
        help="bundle folder or .edgebert file; BUNDLE:onnx or BUNDLE:tflite/int8_dynamic for a "
        "part of it; with --baseline, the newer profile",
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="OLD.json",
        help="profile that the given one is compared with: 'edgebert compare --baseline OLD.json "
        "NEW.json'; the status is 1 for a regression",
    )
    parser.add_argument(
        "--max-regression",
        type=share,
        metavar="SHARE",
        help="with --baseline: how much a figure may grow; default: 0.05",
    )
    parser.add_argument(
        "--backend", type=common.names, metavar="NAMES", help="such as onnx,tflite; default: all"
    )
    parser.add_argument(
        "--recipe", type=common.names, metavar="NAMES", help="such as int8_dynamic; default: all"
    )
    parser.add_argument(
        "--eval",
        type=Path,
        metavar="FILE",
        help=".tsv, .csv or .jsonl with labels to score on; default: each artifact's agreement "
        "with its float model, by its manifest",
    )
    common.add_columns(parser)
    parser.add_argument(
        "--tokens", type=whole_number, default=32, help="length of the timed input; default: 32"
    )
    parser.add_argument("--threads", type=whole_number, default=1, help="for timing; default: 1")
    parser.add_argument(
        "--rounds", type=whole_number, default=3, help="over all artifacts; default: 3"
    )
    parser.add_argument(
        "--budget",
        type=seconds,
        default=6.0,
        metavar="SECONDS",
        help="for each artifact's runs in all rounds; default: 6",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help=".png or .svg to draw")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score each artifact, measure all of them in rounds, and show which are worth having.

    An artifact that fails is reported beside those that don't; the status is then 1. A backend
    that is not installed is reported only. With --baseline, two profiles are compared, and the
    status is 1 where a figure grew too much or is gone.

    Raises:
        InputError: for what can't be compared, or a plot that can't be written.
        MissingBackendError: if nothing could be measured, for want of a library; or if matplotlib
            is, and there is something to plot.
    """
    if arguments.baseline is not None:
        return _compare_profiles(arguments)
    if arguments.max_regression is not None:
        raise InputError("--max-regression is of two profiles: add --baseline OLD.json")
    from edgebert.comparison import picture

    if arguments.plot is not None:
        kind = picture.format_of(arguments.plot)
        _require_matplotlib()
    comparison, errors = _compare(arguments)
    if not comparison.compared:
        raise errors[0]
    from edgebert.comparison import report

    if arguments.json:
        common.print_json(report.as_json(comparison))
    else:
        common.write(report.as_text(comparison))
    if arguments.plot is not None:
        picture.write(arguments.plot, _picture(comparison, kind))
    return int(not all(isinstance(error, MissingBackendError) for error in errors))


def _compare_profiles(arguments: argparse.Namespace) -> int:
    from edgebert.comparison import baseline
    from edgebert.profiler.profile import Profile

    if len(arguments.bundles) != 1:
        raise InputError(
            f"--baseline takes one newer profile, got {len(arguments.bundles)}: "
            "edgebert compare --baseline OLD.json NEW.json"
        )
    given = (arguments.eval, arguments.plot, arguments.backend, arguments.recipe)
    if any(each is not None for each in given):
        raise InputError(
            "--eval, --plot, --backend and --recipe are of bundles; leave them out with --baseline"
        )
    limit = _REGRESSION if arguments.max_regression is None else arguments.max_regression
    old, new = Profile.read(arguments.baseline), Profile.read(Path(arguments.bundles[0]))
    found = baseline.difference(old, new)
    if not found.changes:
        raise InputError(
            "the two profiles share no device, model and artifact of the same names; profile the "
            "same bundles under the same names on the same devices"
        )
    if arguments.json:
        common.print_json(baseline.as_json(found, limit))
    else:
        common.write(baseline.as_text(found, limit))
    return int(bool(found.regressions(limit) or found.gone))


def _compare(arguments: argparse.Namespace) -> tuple[Comparison, list[EdgeBertError]]:
    """Everything that could be found out, and what kept the rest from it."""
    from edgebert.comparison import latency, scoring
    from edgebert.comparison.report import Compared, Comparison, Skipped
    from edgebert.comparison.selection import select
    from edgebert.profiler.local import Local

    if arguments.eval is None:
        common.refuse_columns(arguments, "add --eval FILE")
    plan = latency.Plan(arguments.tokens, arguments.threads, arguments.rounds, arguments.budget)
    candidates = select(arguments.bundles, arguments.backend, arguments.recipe)
    plan.check(candidates)
    task = candidates[0].bundle.manifest.task
    if arguments.eval is None:
        examples = None
        scored = scoring.agreements(candidates)
    else:
        scoring.check_labelled(task)
        examples = read_examples(arguments.eval, common.columns(arguments))
        scored = scoring.on_examples(candidates, examples, arguments.eval)
    errors: dict[int, EdgeBertError] = {
        place: each for place, each in enumerate(scored) if isinstance(each, EdgeBertError)
    }
    places = [place for place in range(len(candidates)) if place not in errors]
    measured = latency.measure([candidates[place] for place in places], plan, Local())
    compared = []
    for place, rounds in zip(places, measured, strict=True):
        scores = scored[place]
        if isinstance(rounds, list):
            assert isinstance(scores, dict)
            compared.append(Compared(candidates[place], scores, tuple(rounds)))
        else:
            errors[place] = rounds
    compared.sort(key=lambda each: each.latency.p50_ms)
    comparison = Comparison(
        task=task,
        examples=None if examples is None else len(examples),
        data=None if arguments.eval is None else arguments.eval.name,
        plan=plan,
        compared=tuple(compared),
        skipped=tuple(Skipped(candidates[place], str(errors[place])) for place in sorted(errors)),
    )
    return comparison, [errors[place] for place in sorted(errors)]


def _require_matplotlib() -> None:
    """Before minutes of measuring, not after them."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            f"--plot needs {error.name}, which is not installed; run: "
            "pip install 'edgebert[compare]'"
        ) from None


def _picture(comparison: Comparison, kind: str) -> bytes:
    from edgebert.comparison import report
    from edgebert.comparison.plot import Bubble, Words, render
    from edgebert.profiler.report import machine

    bubbles = [
        Bubble(
            printable(each.candidate.name),
            each.candidate.artifact.backend,
            each.latency.p50_ms,
            (min(each.latency.rounds_p50_ms), max(each.latency.rounds_p50_ms)),
            each.scores[comparison.score_name],
            each.candidate.device_bytes,
            on_front,
        )
        for each, on_front in zip(comparison.compared, comparison.front(), strict=True)
    ]
    lines = machine([each.measurements[-1] for each in comparison.compared])
    words = Words(
        title=f"{comparison.task}: {comparison.score_name}, latency and size",
        latency=f"p50 latency in ms ({report.conditions(comparison.plan)})",
        score=printable(report.score_meaning(comparison)),
        footer=(
            f"{date.today().isoformat()}. Bubble area: bytes of artifact, tokenizer and manifest. "
            "Whiskers: fastest and slowest round.",
            *(printable(line) for line in lines),
        ),
    )
    return render(bubbles, words, kind)
