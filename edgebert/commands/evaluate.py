"""`edgebert evaluate`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from tqdm import tqdm

from edgebert import evaluation, table
from edgebert.commands import arguments as common
from edgebert_runtime import MissingBackendError, load
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import read_examples

HELP = "score every artifact of a bundle on labelled data, side by side"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert evaluate`."""
    common.add_bundle(parser)
    parser.add_argument("data", type=Path, metavar="DATA", help=".tsv, .csv or .jsonl with labels")
    common.add_columns(parser)
    parser.add_argument("--threads", type=whole_number, help="default: all there are")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score each artifact whose backend is installed."""
    manifest = Bundle(arguments.bundle).manifest
    score = evaluation.scorer(manifest.task)
    examples = read_examples(arguments.data, common.columns(arguments))
    wanted = [evaluation.expected(manifest, example, str(arguments.data)) for example in examples]
    texts = [example.text for example in examples]
    scores: dict[tuple[str, str], dict[str, float]] = {}
    skipped: list[str] = []
    for artifact in manifest.artifacts:
        try:
            model = load(
                arguments.bundle,
                backend=artifact.backend,
                recipe=artifact.recipe,
                threads=arguments.threads,
            )
        except MissingBackendError as error:
            skipped.append(str(error))
            continue
        results = []
        name = f"{artifact.backend} {artifact.recipe}"
        with model, tqdm(total=len(texts), desc=name, disable=None, leave=False) as progress:
            for answer in model.predict(iter(texts)):
                results.append(answer)
                progress.update()
        scores[artifact.backend, artifact.recipe] = dataclasses.asdict(
            score(results, wanted, manifest.labels)
        )
    if not scores:
        raise InputError("; ".join(skipped))
    _print(scores, skipped, len(texts), as_json=arguments.json)
    return 0


def _print(
    scores: dict[tuple[str, str], dict[str, float]],
    skipped: list[str],
    examples: int,
    *,
    as_json: bool,
) -> None:
    if as_json:
        listed = [
            {"backend": backend, "recipe": recipe, **figures}
            for (backend, recipe), figures in scores.items()
        ]
        common.print_json({"examples": examples, "artifacts": listed, "skipped": skipped})
        return
    names = list(next(iter(scores.values())))
    rows = [
        [f"{backend} {recipe}", *(f"{figures[name]:.4f}" for name in names)]
        for (backend, recipe), figures in scores.items()
    ]
    headers = [f"{examples} examples", *(name.replace("_", " ") for name in names)]
    common.write(table.render(headers, rows))
    for reason in skipped:
        common.write(f"skipped: {reason}")
