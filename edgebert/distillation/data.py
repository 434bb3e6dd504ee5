"""Texts and labels of a file as an Arrow file of token ids, read from disk a batch at a time."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from edgebert.labels import LabelSpace
from edgebert_runtime.errors import EdgeBertError, InputError, TrainingError
from edgebert_runtime.examples import Columns, stream_rows
from edgebert_runtime.tokenization import Tokenizer

_ROWS = 1000
"""Rows of each record batch; fixed, so that a row's place follows from its number."""

_SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("token_type_ids", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.float32())),
        ("length", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Encoder:
    """How rows become numbers: a checkpoint's tokenizer, and the labels (None: there are none)."""

    tokenizer: bytes
    max_length: int
    labels: LabelSpace | None


class TokenizedFile(torch.utils.data.Dataset[dict[str, NDArray[Any]]]):
    """Rows of an Arrow file, mapped into memory: what is not looked at is not read."""

    def __init__(self, path: Path) -> None:
        # Kept open: the batches point into it.
        self._file = pa.memory_map(str(path), "r")
        reader = pa.ipc.open_file(self._file)
        self._batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
        lengths = [batch.column("length").to_numpy() for batch in self._batches]
        self.lengths: NDArray[np.int32] = np.concatenate([np.zeros(0, np.int32), *lengths])
        """Tokens of each row."""

    def unlabelled(self) -> int:
        """Number of rows that have no label."""
        flat = [batch.column("labels").flatten().to_numpy() for batch in self._batches]
        numbers = np.concatenate(flat) if flat else np.zeros(0)
        return int(np.isnan(numbers).sum()) // max(1, len(numbers) // max(1, len(self)))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> dict[str, NDArray[Any]]:
        batch, row = self._batches[index // _ROWS], index % _ROWS
        return {
            name: batch.column(name)[row].values.to_numpy(zero_copy_only=False)
            for name in ("input_ids", "token_type_ids", "labels")
        }


def tokenized(
    source: Path, folder: Path, encoder: Encoder, columns: Columns | None = None
) -> TokenizedFile:
    """The rows of a text, TSV, CSV or JSONL file; made in `folder` once, whole or not at all.

    A row without a label has NaN for each; a text file has no labels.

    Raises:
        InputError: with the line, for a row that cannot be used; if there are no rows.
    """
    path = folder / f"{_key(source, encoder, columns)}.arrow"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            _write(partial, _rows(source, encoder, columns or Columns()))
            partial.replace(path)
        except OSError as error:
            if isinstance(error, EdgeBertError):
                raise
            raise TrainingError(
                f"the tokenized rows could not be written to {str(folder)!r} ({error}); check free "
                "space and permissions"
            ) from error
        finally:
            partial.unlink(missing_ok=True)
    try:
        dataset = TokenizedFile(path)
    except pa.ArrowInvalid:
        # A cache that was damaged; it is made anew.
        path.unlink()
        return tokenized(source, folder, encoder, columns)
    if not len(dataset):
        raise InputError(f"{str(source)!r} has no rows to train on")
    return dataset


def collate(pad: int, takes_token_types: bool) -> Any:
    """A function from rows to padded tensors: ids, mask, perhaps types [B, S], and labels."""

    def batch(rows: list[dict[str, NDArray[Any]]]) -> dict[str, Tensor]:
        longest = max(len(row["input_ids"]) for row in rows)
        ids = np.full((len(rows), longest), pad, dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for index, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[index, :length] = row["input_ids"]
            types[index, :length] = row["token_type_ids"]
            mask[index, :length] = 1
        tensors = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.from_numpy(np.stack([row["labels"] for row in rows])),
        }
        if takes_token_types:
            tensors["token_type_ids"] = torch.from_numpy(types)
        return tensors

    return batch


def _rows(source: Path, encoder: Encoder, columns: Columns) -> Iterator[dict[str, Any]]:
    tokenizer = Tokenizer(encoder.tokenizer, encoder.max_length)
    for example in stream_rows(source, columns):
        encoding = tokenizer.encode(example.text)
        labels: list[float] = []
        if encoder.labels is not None:
            labels = encoder.labels.numbers(example, str(source))
        yield {
            "input_ids": encoding.ids,
            "token_type_ids": encoding.token_type_ids,
            "labels": labels,
            "length": len(encoding.ids),
        }


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, _SCHEMA) as writer,
        tqdm(desc="tokenizing", unit=" rows", disable=None, leave=False) as progress,
    ):
        while chunk := list(itertools.islice(rows, _ROWS)):
            writer.write_batch(pa.RecordBatch.from_pylist(chunk, schema=_SCHEMA))
            progress.update(len(chunk))


def _key(source: Path, encoder: Encoder, columns: Columns | None) -> str:
    """Names the result after everything that it depends on."""
    digest = hashlib.sha256(encoder.tokenizer)
    rest = f"{encoder.max_length}{encoder.labels}{columns or Columns()}{source.suffix}"
    digest.update(rest.encode("utf-8", "surrogatepass"))
    digest.update(file_hash(source).encode())
    return digest.hexdigest()[:32]


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: if it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1024 * 1024):
                digest.update(chunk)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({error}); expected a file of UTF-8 text"
        ) from None
    return digest.hexdigest()
