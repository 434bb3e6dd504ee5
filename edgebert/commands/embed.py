"""`edgebert embed`."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

import numpy as np

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.tasks.reading import Reader

HELP = "turn texts into vectors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert embed`."""
    common.add_model(parser)
    common.add_texts(parser)
    common.add_long_text(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.npy", help="write [n, dim] array"
    )
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Embed in the order of the texts."""
    if arguments.output is not None:
        _check(arguments.output)
    texts = common.given_texts(arguments)
    with common.open_model(arguments) as model:
        vectors = model.embed(texts, long_text=arguments.long_text)
        reader = Reader(model.tokenizer, model.manifest.task, arguments.long_text)
        read = [reader.read(text, "text") for text in texts]
    if arguments.output is not None:
        _save(arguments.output, vectors)
    if arguments.json:
        common.print_json(
            [
                {"vector": vector.tolist(), "truncated": each.truncated, "windows": each.windows}
                for vector, each in zip(vectors, read, strict=True)
            ]
        )
        return 0
    rows = [
        [
            common.shown(text),
            " ".join(f"{value:+.3f}" for value in vector[:4]) + " …",
            f"{np.linalg.norm(vector):.3f}",
            "truncated" if each.truncated else "",
        ]
        for text, vector, each in zip(texts, vectors, read, strict=True)
    ]
    dimension = vectors.shape[1]
    common.write(table.render(["text", f"first of {dimension} numbers", "length", ""], rows))
    return 0


def _check(path: Path) -> None:
    """Refuse what no file can be renamed to, before any work is done."""
    try:
        in_a_folder = path.resolve().parent.is_dir()
        replaceable = path.is_file() or not path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"output {shortened(str(path))} cannot be written ({error})") from None
    if not in_a_folder:
        raise InputError(f"output {str(path)!r}: the folder to write it in does not exist")
    if not replaceable:
        raise InputError(f"output {str(path)!r} is there and is no file; choose another name")


def _save(path: Path, vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Write beside the target and rename, so that a full disk leaves an older file as it was."""
    target = path.resolve()
    partial = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        with partial.open("wb") as stream:
            np.save(stream, vectors)
        partial.replace(target)
    except OSError as error:
        raise InputError(f"output {str(path)!r} cannot be written ({error})") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
