"""Text → token ids, of the length they have: padding is the business of a backend."""

from __future__ import annotations

import re
from dataclasses import dataclass

import tokenizers

from edgebert_runtime.errors import InputError, ManifestError

Text = str | tuple[str, str]
"""One text, or a pair of texts."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Encoding:
    """Ids of one text or pair, special tokens included."""

    ids: list[int]
    token_type_ids: list[int]
    truncated: bool


class Tokenizer:
    """The bundle's tokenizer.json, cut at the model's limit and nowhere else."""

    def __init__(self, content: bytes, max_length: int) -> None:
        """Read a tokenizer.json.

        Truncation and padding that the file itself asks for are switched off: the limit is
        `max_length`, counted with special tokens; of a pair the longer text is cut first.

        Raises:
            ManifestError: if the content is not a tokenizer, or needs more special tokens than fit.
        """
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(content)
        except BaseException as error:
            # A malformed file can panic in the library's Rust part, which is no Exception.
            if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
                raise
            raise ManifestError(f"the tokenizer file cannot be read: {error}") from None
        if self._tokenizer.num_special_tokens_to_add(True) >= max_length:
            raise ManifestError(f"max_length {max_length} leaves no room for a token of text")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length, strategy="longest_first")

    def encode(self, text: Text) -> Encoding:
        """Ids of one text or pair. A lone surrogate counts as U+FFFD, as in any decoder."""
        first, second = text if isinstance(text, tuple) else (text, None)
        encoding = self._tokenizer.encode(
            _SURROGATE.sub("\ufffd", first),
            None if second is None else _SURROGATE.sub("\ufffd", second),
        )
        return Encoding(encoding.ids, encoding.type_ids, bool(encoding.overflowing))


def as_texts(texts: object) -> tuple[list[Text], bool]:
    """Check what a caller gave; says too whether it was a single text or pair.

    Raises:
        InputError: naming the place and type of what is neither a text nor a pair of texts.
    """
    single = not isinstance(texts, list)
    checked: list[Text] = []
    for index, text in enumerate(texts if isinstance(texts, list) else [texts]):
        if isinstance(text, str):
            checked.append(text)
        elif isinstance(text, tuple) and [isinstance(part, str) for part in text] == [True, True]:
            checked.append((text[0], text[1]))
        else:
            place = "text" if single else f"texts[{index}]"
            raise InputError(
                f"{place}: got {type(text).__name__}, expected a str, a (str, str) pair, "
                "or a list of these"
            )
    return checked, single
