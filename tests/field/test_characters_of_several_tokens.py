"""Bytes of one character that are tokens of their own, and count as characters (tokenizers 156)."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import students

import edgebert
from edgebert_runtime.tasks import TOKEN_INTERPRETERS
from edgebert_runtime.tasks.reading import Reader, Request
from edgebert_runtime.tasks.token_classification import AGGREGATIONS
from edgebert_runtime.tokenization import Tokenizer

TEXT = "i ⭢ 😀 naïve café"


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tagger")
    students.checkpoint(folder / "student", "roberta", task="token-classification")
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))
    edgebert.convert(folder / "student", folder / "bundle", options)
    return folder / "bundle"


def test_offsets_count_characters_of_the_text(tagger: Path) -> None:
    with edgebert.load(tagger) as model:
        offsets = model.tokenizer.encode(TEXT, offsets=True).offsets
        for aggregation in ("none", "simple", "first", "average", "max"):
            result = model.predict(TEXT, aggregation=aggregation)
            assert isinstance(result, edgebert.TokenClassification)
            for entity in result.entities:
                assert entity.text == TEXT[entity.start : entity.end]
    assert (len(TEXT), max(end for _, end in offsets)) == (16, 16)
    shown = {TEXT[start:end] for start, end in offsets}
    assert {"⭢", "😀", "ï", "é"} <= shown


def test_words_are_whole_and_apart(tagger: Path) -> None:
    words = set(TEXT.split())
    with edgebert.load(tagger) as model:
        result = model.predict(TEXT, aggregation="first")
    assert isinstance(result, edgebert.TokenClassification)
    for entity in result.entities:
        assert set(entity.text.split()) <= words
    spans = [(entity.start, entity.end) for entity in result.entities]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def labelled(text: str, given: list[str], how: str) -> list[tuple[str, str, int]]:
    """What is found where the tokens surely have these labels, by a tokenizer of bytes."""
    tokenizer = Tokenizer(students.tokenizer("roberta")._tokenizer.to_str().encode(), 64)
    reading = Reader(tokenizer, "token-classification", None).read(text, "text")
    labels = students.TOKEN_LABELS
    rows = [[9.0 * (label == each) for label in labels] for each in ["O", *given, "O"]]
    assert len(rows) == len(reading.encodings[0].ids)
    request = Request(labels, tokenizer, aggregation=how)
    result = TOKEN_INTERPRETERS["token-classification"](reading, [np.array(rows)], request)
    assert isinstance(result, edgebert.TokenClassification)
    return [(each.label, each.text, each.start) for each in result.entities]


FIRST_BYTES = ["B-TIME", "O", "I-TIME", "O", "B-PLACE", "O"]


@pytest.mark.parametrize(
    ("how", "given", "expected"),
    [
        # A character has the label of its first byte; é is two tokens, the emoji four.
        ("simple", FIRST_BYTES, [("TIME", "é😀", 0)]),
        ("none", FIRST_BYTES, [("B-TIME", "é", 0), ("I-TIME", "😀", 1)]),
        ("simple", ["O", "B-TIME", "O", "B-PLACE", "B-TIME", "O"], []),
        ("simple", ["B-TIME"] * 6, [("TIME", "é", 0), ("TIME", "😀", 1)]),
        ("first", FIRST_BYTES, [("TIME", "é😀", 0)]),
        # Of two words here, the second is outside in the mean.
        ("average", ["B-TIME", "B-TIME", "I-TIME", "O", "O", "O"], [("TIME", "é", 0)]),
    ],
)
def test_a_character_has_one_label(
    how: str, given: list[str], expected: list[tuple[str, str, int]]
) -> None:
    assert labelled("é😀", given, how) == expected


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert"])
@pytest.mark.parametrize("how", AGGREGATIONS)
def test_no_two_entities_share_a_character(family: str, how: str) -> None:
    """Bytes; a space that is counted to the next word; characters that a normalizer takes apart."""
    tokenizer = Tokenizer(students.tokenizer(family)._tokenizer.to_str().encode(), 64)
    chance = np.random.default_rng(0)
    reader = Reader(tokenizer, "token-classification", None)
    request = Request(students.TOKEN_LABELS, tokenizer, aggregation=how)
    for _ in range(50):
        text = "".join(chance.choice(list("ab é ï😀⭢你好㈱½…ﬁİ가e\u0301ﾊﾞ "), 20))
        reading = reader.read(text, "text")
        rows = chance.normal(0.0, 5.0, (len(reading.encodings[0].ids), 5))
        result = TOKEN_INTERPRETERS["token-classification"](reading, [rows], request)
        assert isinstance(result, edgebert.TokenClassification)
        for before, after in itertools.pairwise(result.entities):
            assert before.end <= after.start, text
