"""`edgebert embed`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.errors import InputError

HELP = "turn texts into vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert embed`."""
    common.add_model(parser)
    common.add_texts(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.npy", help="write [n, dim] array"
    )
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Embed in the order of the texts."""
    texts = common.given_texts(arguments)
    with common.open_model(arguments) as model:
        vectors = model.embed(texts)
        truncated = [model.tokenizer.encode(text).truncated for text in texts]
    if arguments.output is not None:
        _save(arguments.output, vectors)
    if arguments.json:
        common.print_json(
            [
                {"vector": vector.tolist(), "truncated": cut}
                for vector, cut in zip(vectors, truncated, strict=True)
            ]
        )
        return 0
    rows = [
        [
            common.shown(text),
            " ".join(f"{value:+.3f}" for value in vector[:4]) + " …",
            f"{np.linalg.norm(vector):.3f}",
            "truncated" if cut else "",
        ]
        for text, vector, cut in zip(texts, vectors, truncated, strict=True)
    ]
    dimension = vectors.shape[1]
    common.write(table.render(["text", f"first of {dimension} numbers", "length", ""], rows))
    return 0


def _save(path: Path, vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Write beside the target and rename, so that a full disk leaves an older file as it was."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            np.save(stream, vectors)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"output {str(path)!r} cannot be written ({error})") from None
    finally:
        partial.unlink(missing_ok=True)
