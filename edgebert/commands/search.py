"""`edgebert search`."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from tqdm import tqdm

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.examples import stream_texts
from edgebert_runtime.similarity import search
from edgebert_runtime.tokenization import Text

HELP = "find the texts of a file that are nearest to a query"

_CHUNK = 256

Found = tuple[float, int, Text]
"""A cosine, the text's number from 0, and the text."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert search`."""
    common.add_model(parser)
    parser.add_argument("query", metavar="QUERY", help="what to look for")
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        required=True,
        help="texts to look through: .txt lines, .tsv, .csv, .jsonl",
    )
    parser.add_argument("--top-k", type=whole_number, default=5, help="texts to show; default: 5")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the nearest texts, nearest first."""
    found = _nearest(arguments)
    if arguments.json:
        common.print_json(
            [{"index": index, "score": score, "text": text} for score, index, text in found]
        )
        return 0
    rows = [[common.shown(text, 80), f"{score:.3f}", str(index)] for score, index, text in found]
    common.write(table.render(["text", "cosine", "index"], rows))
    return 0


def _nearest(arguments: argparse.Namespace) -> list[Found]:
    """A chunk of the file at a time, so that a long one takes no more memory than a short one."""
    best: list[Found] = []
    start = 0
    total, texts = common.counted(arguments.input, lambda: stream_texts(arguments.input))
    progress = tqdm(total=total, unit=" texts", disable=None, leave=False)
    with common.open_model(arguments) as model, progress:
        query = model.embed(common.as_utf8(arguments.query))
        while chunk := list(itertools.islice(texts, _CHUNK)):
            indices, scores = search(query, model.embed(chunk), top_k=arguments.top_k)
            best += [
                (score, start + index, chunk[index])
                for score, index in zip(scores[0].tolist(), indices[0].tolist(), strict=True)
            ]
            best = sorted(best, key=lambda each: (-each[0], each[1]))[: arguments.top_k]
            start += len(chunk)
            progress.update(len(chunk))
    return best
