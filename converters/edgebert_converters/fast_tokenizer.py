"""The fast tokenizer of a checkpoint, as transformers itself would use it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from edgebert_runtime.errors import ConversionError

_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)

_ANY_LENGTH = 512
"""Of the truncation that the file of a tokenizer says, the direction alone is read."""


@dataclass(frozen=True)
class FastTokenizer:
    """The text of a tokenizer.json, and whether transformers feeds its token types to the model."""

    content: bytes
    gives_token_types: bool

    def whole(self) -> Tokenizer:
        """The tokenizer itself, which neither cuts nor pads, whatever its file says."""
        tokenizer = Tokenizer.from_buffer(self.content)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def read_tokenizer(folder: Path, rows: int, *, lower_case: bool = False) -> FastTokenizer:
    """The tokenizer in `folder`, for an embedding table of `rows` rows.

    `lower_case` lowers its input first, as sentence-transformers' `do_lower_case` does.

    Raises:
        ConversionError: if there is no fast tokenizer, or it gives ids beyond the table.
    """
    if not any((folder / name).is_file() for name in _FILES):
        # Without any, transformers makes up a tokenizer with an almost empty vocabulary.
        raise ConversionError(
            f"no tokenizer in {str(folder)!r}; expected tokenizer.json, as the tokenizer's "
            "save_pretrained writes it"
        )
    try:
        with quiet_transformers():
            read: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        fast: Tokenizer = read.backend_tokenizer
        highest = max(fast.get_vocab(with_added_tokens=True).values())
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(
            f"no fast tokenizer can be read from {str(folder)!r} ({reason}); expected "
            "tokenizer.json, as the tokenizer's save_pretrained writes it"
        ) from error
    if highest >= rows:
        raise ConversionError(
            f"the tokenizer gives ids up to {highest}, the embedding table has {rows} rows; "
            "resize the model's embeddings, or save the tokenizer that belongs to it"
        )
    fast.no_truncation()
    if read.truncation_side == "left":
        fast.enable_truncation(_ANY_LENGTH, direction="left")
    if lower_case:
        steps = [normalizers.Lowercase()]
        fast.normalizer = normalizers.Sequence(
            steps if fast.normalizer is None else [*steps, fast.normalizer]
        )
    return FastTokenizer(fast.to_str().encode("utf-8"), "token_type_ids" in read.model_input_names)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Progress bars and advice are for people at a prompt; what matters here is checked here."""
    level, bars = (
        transformers_logging.get_verbosity(),
        transformers_logging.is_progress_bar_enabled(),
    )
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
