"""Text → sentences, by the library sentencex (Wikimedia), with their places in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edgebert_runtime.errors import BackendError, InputError, MissingBackendError, shortened
from edgebert_runtime.tokenization import library_errors, well_formed

LONGEST = 2_000
"""Characters of the longest sentence there can be; a longer one is cut.

Text is read this much at a time too: the library's time for a paragraph of Chinese grows with the
square of its length.
"""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Sentence:
    """A sentence, without the white space around it: `text` is the whole text's [start:end]."""

    text: str
    start: int
    end: int


def split_sentences(text: str, *, language: str = "en") -> list[Sentence]:
    """Sentences in the order of the text; between them is white space and nothing else.

    Args:
        text: any text, lone surrogates included; a sentence ends after 2,000 characters at most.
        language: its ISO 639 code, for abbreviations. Chinese punctuation is known to all.

    Raises:
        InputError: for a wrong type, or what is not a code.
        MissingBackendError: if sentencex is not installed.
        BackendError: if sentencex fails.
    """
    if not isinstance(text, str):
        raise InputError(f"text: got {type(text).__name__}, expected a str")
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise InputError(f"language: got {shortened(language)}, expected a code such as en or zh")
    sentences = []
    for start, end in _spans(text, language):
        untrimmed = text[start:end]
        start += len(untrimmed) - len(untrimmed.lstrip())
        if found := untrimmed.strip():
            sentences.append(Sentence(found, start, start + len(found)))
    return sentences


def _spans(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Spans that cover the whole text."""
    boundaries = _library()
    readable = well_formed(text)
    start = 0
    while start < len(text):
        stop = min(start + LONGEST, len(text))
        with library_errors(_failed):
            found = boundaries(language, readable[start:stop])
        ends = [start + boundary["end_index"] for boundary in found[:-1]]
        if stop == len(text) or not ends:
            ends.append(stop)
        else:
            # A quotation that is cut short at `stop` spoils what is near it: read that again.
            ends = [end for end in ends if end <= start + LONGEST // 2] or ends[:1]
        for end in ends:
            yield start, end
            start = end


def _library() -> Callable[[str, str], list[dict[str, Any]]]:
    try:
        from sentencex import get_sentence_boundaries
    except ImportError as error:
        raise MissingBackendError(
            f"splitting text needs sentencex, which cannot be imported ({error}); "
            "run: pip install 'edgebert[summaries]'"
        ) from None
    boundaries: Callable[[str, str], list[dict[str, Any]]] = get_sentence_boundaries
    return boundaries


def _failed(reason: str) -> BackendError:
    return BackendError(f"sentencex cannot split the text ({reason}); try another language")
