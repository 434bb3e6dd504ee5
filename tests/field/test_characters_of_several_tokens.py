"""Bytes of one character that are tokens of their own, and count as characters (tokenizers 156)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import students

import edgebert

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
