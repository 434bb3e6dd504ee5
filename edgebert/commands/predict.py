"""`edgebert predict`."""

from __future__ import annotations

import argparse
import dataclasses

from tqdm import tqdm

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.escaping import printable
from edgebert_runtime import Classification, MultiLabel
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.tasks import Result

HELP = "answer texts: a label, labels or a number for each"

_CHUNK = 256


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert predict`."""
    common.add_model(parser)
    common.add_texts(parser)
    parser.add_argument("--top-k", type=whole_number, default=1, help="labels to show")
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer in the order of the texts."""
    texts = common.given_texts(arguments)
    results: list[Result] = []
    progress = tqdm(total=len(texts), unit=" texts", disable=None, leave=False)
    with common.open_model(arguments) as model, progress:
        # Of no texts too the model is asked, so that a bundle of embeddings is refused.
        for start in range(0, max(1, len(texts)), _CHUNK):
            answered = model.predict(texts[start : start + _CHUNK], top_k=arguments.top_k)
            results.extend(answered if isinstance(answered, list) else [answered])
            progress.update(len(texts[start : start + _CHUNK]))
    if arguments.json:
        common.print_json([dataclasses.asdict(result) for result in results])
        return 0
    rows = [
        [common.shown(text), _answer(result), "truncated" if result.truncated else ""]
        for text, result in zip(texts, results, strict=True)
    ]
    common.write(table.render(["text", "answer", ""], rows))
    return 0


def _answer(result: Result) -> str:
    if isinstance(result, Classification | MultiLabel):
        top = ", ".join(f"{printable(label)} {score:.3f}" for label, score in result.top)
        if isinstance(result, Classification):
            return top
        return f"[{', '.join(map(printable, result.labels))}] {top}"
    return f"{result.value:.4f}"
