"""The texts that artifacts are calibrated and compared on, in the form that the task's model sees.

A question answering model sees pairs of a question and a context, a masked LM texts of which some
tokens are masked; every other model sees the sentences as they are.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgebert_converters.checkpoint import Checkpoint
from edgebert_converters.heads import TokenHead
from edgebert_runtime.errors import ConversionError, InputError
from edgebert_runtime.examples import read_texts
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer

_MOST_SENTENCES = 1000
_MOST_VALUES = 2**24
"""Of raw outputs, 64 MB: several copies of a vocabulary for each token stay below 256 MB."""
_CONTEXT = 3
"""Sentences behind the one that is taken for a question."""
_MASKED = 7
"""One token in so many is masked, about 15 % (arXiv 1810.04805, section 3.1)."""


def read(path: Path | None) -> list[Text]:
    """The first 1,000 texts of a file; of None, our own sentences.

    Raises:
        InputError: if the file cannot be read or has no text.
    """
    if path is not None:
        texts = [text for text in read_texts(path, _MOST_SENTENCES) if text]
        if not texts:
            raise InputError(f"calibration file {str(path)!r} has no text in it")
        return texts
    own = importlib.resources.files("edgebert_converters") / "sentences.txt"
    return list(own.read_text(encoding="utf-8").splitlines())


def encoded(texts: Sequence[Text], checkpoint: Checkpoint, tokenizer: Tokenizer) -> list[Encoding]:
    """The texts as the checkpoint's task has them, as many as have outputs of at most 64 MB.

    Raises:
        ConversionError: if a masked LM's tokenizer has no mask token.
    """
    if checkpoint.task == "question-answering":
        texts = questions(texts)
    encodings = [tokenizer.encode(text) for text in texts]
    if checkpoint.task == "masked-lm":
        mask = tokenizer.mask
        if mask is None:
            raise ConversionError(
                "the tokenizer has no mask token, expected [MASK] or <mask>; save the tokenizer "
                "that the masked LM was trained with"
            )
        encodings = [masked(each, mask, index) for index, each in enumerate(encodings)]
    head = checkpoint.student.head
    return _first(encodings, head.output.out_features) if isinstance(head, TokenHead) else encodings


def questions(texts: Sequence[Text]) -> list[Text]:
    """Each text as a question about the next three; pairs are taken as they are."""
    alone = [text for text in texts if isinstance(text, str)]
    following = [*alone, *alone * _CONTEXT]
    made = (
        (f"{text.rstrip('.!? ')}?", " ".join(following[index + 1 : index + 1 + _CONTEXT]))
        for index, text in enumerate(alone)
    )
    return [next(made) if isinstance(text, str) else text for text in texts]


def masked(encoding: Encoding, mask: int, offset: int) -> Encoding:
    """Every seventh token of the texts masked, from the one at `offset` on, at least one.

    A text that has a mask already stays as it is.
    """
    places = [place for part in encoding.parts for place in part.tokens]
    if not places or mask in encoding.ids:
        return encoding
    ids = list(encoding.ids)
    for place in places[offset % min(_MASKED, len(places)) :: _MASKED]:
        ids[place] = mask
    return replace(encoding, ids=ids)


def _first(encodings: list[Encoding], width: int) -> list[Encoding]:
    """As many as have no more than `_MOST_VALUES` outputs, one at least."""
    values, count = 0, 0
    for encoding in encodings:
        values += len(encoding.ids) * width
        if count and values > _MOST_VALUES:
            break
        count += 1
    return encodings[:count]
