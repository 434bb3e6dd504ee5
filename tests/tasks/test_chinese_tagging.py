"""Chinese words and their parts of speech on held-out sentences: what was learnt is still there.

The bounds are a few points below what the float model reaches on these 300 sentences. A runtime
that shifts tokens is far below them; one that joins them wrongly agrees too little with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from task_models import chinese
from task_models.rows import Tokens

import edgebert
from edgebert_runtime.manifest import BACKENDS

pytestmark = pytest.mark.slow

LEAST_CHARACTERS = 0.64
LEAST_F1 = 0.43


@pytest.fixture(scope="module")
def rows() -> Tokens:
    return Tokens(*zip(*chinese.held_out_lines()[:300], strict=True), "bioes", "simple")


@pytest.fixture(scope="module")
def float_answers(rows: Tokens, taught: Path) -> Any:
    return rows.float_answers(taught / "chinese-words")


def test_the_float_model_has_learnt(rows: Tokens, float_answers: Any) -> None:
    figures = rows.figures(float_answers, rows.expected)
    assert figures["characters"] > LEAST_CHARACTERS
    assert figures["F1"] > LEAST_F1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("recipe", "agreement"), [("float32", 0.999), ("int8_dynamic", 0.95)])
def test_artifacts_answer_as_the_float_model_does(
    rows: Tokens, float_answers: Any, tagger: Path, backend: str, recipe: str, agreement: float
) -> None:
    with edgebert.load(tagger, backend=backend, recipe=recipe, threads=1) as model:
        found = rows.artifact_answers(model)
    right, same = rows.figures(found, rows.expected), rows.figures(found, float_answers)
    assert right["characters"] > LEAST_CHARACTERS
    assert right["F1"] > LEAST_F1
    assert same["characters"] > agreement
    assert same["F1"] > agreement


def test_entities_are_the_text_cut_in_words(rows: Tokens, tagger: Path) -> None:
    with edgebert.load(tagger, backend="onnx", threads=1) as model:
        answers = model.predict(list(rows.asked))
    for text, answer in zip(rows.asked, answers, strict=True):
        assert all(each.text == text[each.start : each.end] for each in answer.entities)
        # Every character belongs to a word: nothing is lost, nothing is said twice.
        assert "".join(each.text for each in answer.entities) == text


def test_long_paragraphs_are_read_in_windows(tagger: Path) -> None:
    lines = [line for line in chinese.held_out_paragraphs() if len(line[0]) > 200][:20]
    rows = Tokens(*zip(*lines, strict=True), "bioes", "simple", long_text="windows")
    with edgebert.load(tagger, backend="onnx", recipe="float32", threads=1) as model:
        cut = model.predict(list(rows.asked))
        whole = model.predict(list(rows.asked), long_text="windows")
        found = rows.artifact_answers(model)
    assert all(answer.truncated and answer.windows == 1 for answer in cut)
    assert all(not answer.truncated and answer.windows > 1 for answer in whole)
    for text, answer in zip(rows.asked, whole, strict=True):
        assert "".join(each.text for each in answer.entities) == text
    figures = rows.figures(found, rows.expected)
    assert figures["characters"] > LEAST_CHARACTERS
    assert figures["F1"] > LEAST_F1
