"""Text → token ids, of the length they have: padding is the business of a backend."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import tokenizers

from edgebert_runtime.errors import EdgeBertError, InputError, ManifestError

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
        with library_errors(partial(_cannot_be, "read")):
            self._tokenizer = tokenizers.Tokenizer.from_buffer(content)
        special = self._tokenizer.num_special_tokens_to_add(True)
        if special >= max_length:
            raise ManifestError(
                f"max_length: got {max_length}, expected more than the {special} special tokens "
                "of a pair; convert again with a longer length"
            )
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length, strategy="longest_first")

    def encode(self, text: Text) -> Encoding:
        """Ids of one text or pair. A lone surrogate counts as U+FFFD, as in any decoder.

        Raises:
            ManifestError: if the tokenizer has no token for it, not even an unknown one.
        """
        first, second = text if isinstance(text, tuple) else (text, None)
        with library_errors(partial(_cannot_be, "used")):
            encoding = self._tokenizer.encode(
                well_formed(first), None if second is None else well_formed(second)
            )
        return Encoding(encoding.ids, encoding.type_ids, bool(encoding.overflowing))


def well_formed(text: str) -> str:
    """The text as the library takes it: U+FFFD in place of each lone surrogate."""
    return _SURROGATE.sub("\ufffd", text)


@contextlib.contextmanager
def library_errors(explain: Callable[[str], EdgeBertError]) -> Iterator[None]:
    """The library's exceptions as one line of ours; a panic in its Rust part is no Exception.

    `explain` makes the error of the library's reason.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise explain(" ".join(str(error).split())[:300]) from None


def _cannot_be(verb: str, reason: str) -> ManifestError:
    return ManifestError(
        f"the bundle's tokenizer cannot be {verb} ({reason}); copy the bundle anew or convert again"
    )


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
                f"{place}: got {_kind(text)}, expected a str, a (str, str) pair, or a list of these"
            )
    return checked, single


def _kind(value: object) -> str:
    """The type of what is not a text; of a short tuple the types in it too."""
    if isinstance(value, tuple) and len(value) <= 4:
        return f"({', '.join(type(part).__name__ for part in value)})"
    return type(value).__name__
