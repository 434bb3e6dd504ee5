"""`edgebert augment`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.commands import training
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.errors import InputError

if TYPE_CHECKING:
    from edgebert.distillation.augmentation import Summary
    from edgebert.distillation.candidates import Candidates

HELP = "add copies of labelled texts with other words in them, to distil on"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert augment`."""
    parser.add_argument("data", type=Path, metavar="DATA", help=".txt lines, .tsv, .csv, .jsonl")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.jsonl", help="the rows and copies"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="CHECKPOINT",
        help="folder whose input embeddings say which words are near; needed, and read, only "
        "without --word-vectors",
    )
    parser.add_argument(
        "--masked-lm",
        type=Path,
        metavar="CHECKPOINT",
        help="masked language model, asked first, for words that are one piece of its vocabulary",
    )
    parser.add_argument(
        "--word-vectors", type=Path, metavar="FILE", help="GloVe's, or others in its format"
    )
    parser.add_argument(
        "--copies", type=whole_number, default=20, metavar="N", help="of each row; default: 20"
    )
    parser.add_argument(
        "--probability",
        type=float,
        default=0.4,
        metavar="P",
        help="that a word is replaced, 0 to 1; default: 0.4",
    )
    parser.add_argument(
        "--candidates",
        type=whole_number,
        default=15,
        metavar="K",
        help="words that one is drawn from; default: 15",
    )
    common.add_columns(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--force", action="store_true", help="replace an output that is there")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Augment, or continue what an interrupted run began."""
    if arguments.teacher is None and arguments.word_vectors is None:
        raise InputError("got no source of words; add --teacher CHECKPOINT, or --word-vectors FILE")
    with training.libraries():
        from edgebert.distillation import augmentation
    options = augmentation.AugmentOptions(
        copies=arguments.copies,
        probability=arguments.probability,
        candidates=arguments.candidates,
        seed=arguments.seed,
        columns=common.columns(arguments),
    )
    augmentation.check_output(arguments.data, arguments.output, force=arguments.force)
    summary = augmentation.augment(
        arguments.data, arguments.output, _candidates(arguments), options, force=arguments.force
    )
    if arguments.json:
        common.print_json(dataclasses.asdict(summary))
    else:
        common.write(summary_table(summary))
    return 0


def _candidates(arguments: argparse.Namespace) -> Candidates:
    """The paper's order: the masked model, then vectors; the teacher's for want of others."""
    from edgebert.distillation import candidates

    sources: list[Candidates] = []
    if arguments.masked_lm is not None:
        sources.append(candidates.MaskedLanguageModel(arguments.masked_lm))
    if arguments.word_vectors is not None:
        sources.append(candidates.WordVectors(arguments.word_vectors))
    else:
        sources.append(candidates.InputEmbeddings(arguments.teacher))
    return candidates.InOrder(sources)


def summary_table(summary: Summary) -> str:
    """What was read and written."""
    headers = ["rows read", "rows written", "words replaced", "continued after"]
    row = [
        str(summary.rows),
        str(summary.written),
        f"{summary.replaced:.1%}",
        str(summary.continued_after),
    ]
    return table.render(headers, [row])
