"""Vectors of words from a text file, as GloVe and word2vec write them."""

from __future__ import annotations

import array
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.examples import lines

_WHOLE = re.compile("[0-9]{1,9}")


def read_vectors(path: Path) -> tuple[list[str], Tensor]:
    """Distinct words, and their vectors [words, size] of float32.

    A line is a word and its numbers with single spaces between them; word2vec's first line, of
    the count and the size, is allowed. Rows without a letter, and a word's second row, are checked
    and left out.

    Raises:
        InputError: with the line, if a row cannot be read; if there are no words, or another
            number of rows than the first line says.
    """
    words: dict[str, None] = {}
    vectors = array.array("f")
    for word, vector in _rows(path):
        if word not in words and _is_word(word):
            words[word] = None
            vectors.frombytes(vector.tobytes())
    if not words:
        raise InputError(f"{str(path)!r} has no words; expected lines of a word and its vector")
    # Copied to where torch puts its own: sums may differ in their last bits by where numbers lie.
    table = torch.frombuffer(vectors, dtype=torch.float32).clone()
    return list(words), table.view(len(words), -1)


def _is_word(text: str) -> bool:
    # One with a space in it would change how many words a text has.
    return any(map(str.isalpha, text)) and not any(map(str.isspace, text))


def _rows(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Words and vectors of a file; every row is as long as the first."""
    size = read = 0
    count: int | None = None
    for number, line in _file_lines(path):
        line = line.rstrip(" ")
        fields = line.split(" ")
        if number == 1 and len(fields) == 2 and all(map(_WHOLE.fullmatch, fields)):
            count, size = int(fields[0]), int(fields[1])
            continue
        size = size or len(fields) - 1
        # Some of GloVe's words have spaces in them.
        word, *numbers = line.rsplit(" ", size)
        try:
            with np.errstate(over="ignore"):
                vector = np.array([float(each) for each in numbers]).astype(np.float32)
        except ValueError:
            vector = np.empty(0, np.float32)
        if not size or not word or len(vector) != size or not np.isfinite(vector).all():
            raise InputError(
                f"{path}, line {number}: got {shortened(line)}, expected a word and "
                f"{size or 'its'} finite numbers, one space between them"
            )
        read += 1
        yield word, vector
    if count not in (None, read):
        raise InputError(
            f"{str(path)!r}: got {read} rows, the first line says {count}; fetch the file again"
        )


def _file_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with (
            path.open("rb") as stream,
            tqdm(
                desc=path.name,
                total=path.stat().st_size,
                unit="B",
                unit_scale=True,
                disable=None,
                leave=False,
            ) as progress,
        ):
            for number, line in lines(stream, str(path)):
                yield number, line
                progress.update(len(line) + 1)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({error}); expected lines of a word and its vector"
        ) from None
