"""`edgebert summarize`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.errors import InputError
from edgebert_runtime.summary import SENTENCES, Summary, summarize

HELP = "choose the sentences that say most of a text"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert summarize`."""
    common.add_model(parser)
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="one text; none: all of stdin")
    parser.add_argument("--input", type=Path, metavar="FILE", help="text file, read as one text")
    parser.add_argument(
        "--sentences",
        type=whole_number,
        help=f"at most; default: {SENTENCES}, or any number with --characters",
    )
    parser.add_argument("--characters", type=whole_number, help="length at most; default: any")
    parser.add_argument("--language", default="en", help="of the text: en, zh, …; default: en")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the chosen sentences in the order of the text."""
    text = _text(arguments)
    with common.open_model(arguments) as model:
        summary = summarize(
            model,
            text,
            sentences=arguments.sentences,
            characters=arguments.characters,
            language=arguments.language,
        )
    if arguments.json:
        common.print_json(dataclasses.asdict(summary))
        return 0
    rows = [
        [common.shown(each.text, 80), f"{each.score:.3f}", str(each.start)]
        for each in summary.sentences
    ]
    common.write(table.render(["sentence", "centrality", "starts at"], rows))
    common.write(f"\n{_told(summary, arguments.sentences)}")
    return 0


def _told(summary: Summary, asked: int | None) -> str:
    compared = len(summary.sentences) + len(summary.left_out)
    told = f"{len(summary.sentences)} of {compared + summary.not_compared} sentences"
    if summary.not_compared:
        told += f", of which {compared} were compared"
    if asked is not None and len(summary.sentences) < min(asked, compared):
        told += "; the others say the same as these, or do not fit"
    if summary.truncated:
        told += "; some are longer than the model can look at"
    return told


def _text(arguments: argparse.Namespace) -> str:
    if len(arguments.texts) > 1:
        raise InputError(f"got {len(arguments.texts)} texts, expected one; put it into quotes")
    if arguments.texts and arguments.input is not None:
        raise InputError("got a text and --input, expected one of the two")
    if arguments.texts:
        return common.as_utf8(arguments.texts[0])
    if arguments.input is None and sys.stdin is None:
        raise InputError("standard input is closed; give a text as an argument, or --input FILE")
    name = "standard input" if arguments.input is None else str(arguments.input)
    try:
        content = (
            sys.stdin.buffer.read() if arguments.input is None else arguments.input.read_bytes()
        )
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name!r} cannot be read ({error}); expected a file of UTF-8 text"
        ) from None
