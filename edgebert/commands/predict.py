"""`edgebert predict`."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Iterator

from tqdm import tqdm

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.escaping import printable
from edgebert_runtime import (
    Answer,
    Classification,
    FilledMask,
    MultiLabel,
    Regression,
    TokenClassification,
)
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.tasks import Result
from edgebert_runtime.tasks.token_classification import AGGREGATIONS
from edgebert_runtime.tokenization import Text

HELP = "answer texts: labels, numbers, entities, answers or words"

_ROWS = 256
"""Rows of the table that are aligned with each other, and written together."""
_HEADERS = ("text", "answer", "")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert predict`."""
    common.add_model(parser)
    common.add_texts(parser)
    common.add_long_text(parser)
    parser.add_argument("--top-k", type=whole_number, default=1, help="labels or answers to show")
    parser.add_argument(
        "--aggregation",
        choices=AGGREGATIONS,
        default="simple",
        help="how tokens' labels become those of words (token classification); default: simple",
    )
    parser.add_argument(
        "--no-answer", action="store_true", help="let a question have none (question answering)"
    )
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer in the order of the texts, each part of them as soon as it is read."""
    total, texts = common.streamed_texts(arguments)
    # On a terminal the answers themselves show how it goes.
    hidden = True if sys.stdout is not None and sys.stdout.isatty() else None
    progress = tqdm(total=total, unit=" texts", disable=hidden, leave=False)
    asked, shown = (texts, texts) if arguments.json else itertools.tee(texts)
    with common.open_model(arguments) as model, progress:
        results = model.predict(
            asked,
            top_k=arguments.top_k,
            long_text=arguments.long_text,
            aggregation=arguments.aggregation,
            no_answer=arguments.no_answer,
        )
        counted = _counted(results, progress)
        if arguments.json:
            common.print_json_list(dataclasses.asdict(result) for result in counted)
        else:
            _print_table(zip(shown, counted, strict=False))
    return 0


def _counted(results: Iterator[Result], progress: tqdm[None]) -> Iterator[Result]:
    for result in results:
        progress.update()
        yield result


def _print_table(answered: Iterator[tuple[Text, Result]]) -> None:
    """Rows as wide as the first of them are."""
    widths: list[int] | None = None
    while (part := list(itertools.islice(answered, _ROWS))) or widths is None:
        rows = [[common.shown(text), _answer(result), _extent(result)] for text, result in part]
        if widths is None:
            widths = table.widths(_HEADERS, rows)
            common.write(table.header(_HEADERS, widths))
        if rows:
            common.write(table.body(rows, widths))


def _extent(result: Result) -> str:
    """How much of the text was read, where that was not all at once."""
    windows = f"{result.windows} windows" if result.windows > 1 else ""
    return ", ".join(filter(None, [windows, "truncated" if result.truncated else ""]))


def _answer(result: Result) -> str:
    if isinstance(result, Regression):
        return f"{result.value:.4f}"
    if isinstance(result, TokenClassification):
        return ", ".join(
            f"{printable(each.text)} {printable(each.label)} {each.score:.3f}"
            for each in result.entities
        )
    if isinstance(result, Answer):
        if not result.text:
            return f"no answer {result.score:.3f}"
        return ", ".join(f"{printable(each.text)} {each.score:.3f}" for each in result.top)
    if isinstance(result, FilledMask):
        return "; ".join(_ranked(mask.top) for mask in result.masks)
    ranked = _ranked(result.top)
    if isinstance(result, Classification):
        return ranked
    assert isinstance(result, MultiLabel)
    return f"[{', '.join(map(printable, result.labels))}] {ranked}"


def _ranked(top: tuple[tuple[str, float], ...]) -> str:
    return ", ".join(f"{printable(name)} {score:.3f}" for name, score in top)
