"""Who, when, where and how many, asked of held-out Chinese sentences: what was learnt is there.

The bounds are a few points below what the float model reaches on these sentences.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from task_models import chinese, chinese_questions
from task_models.chinese_questions import ASKED
from task_models.rows import Questions

import edgebert
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.tasks.question_answering import MOST_TOKENS

pytestmark = pytest.mark.slow

LEAST_EXACT = 0.55


@pytest.fixture(scope="module")
def rows() -> Questions:
    return Questions(chinese_questions.questions(chinese.held_out_lines())[:300])


@pytest.fixture(scope="module")
def float_answers(rows: Questions, taught: Path) -> Any:
    return rows.float_answers(taught / "chinese-answers")


def test_the_float_model_has_learnt(rows: Questions, float_answers: Any) -> None:
    assert rows.figures(float_answers, rows.expected)["exact"] > LEAST_EXACT
    answered = [row.answer is not None for row in rows.rows]
    assert 0.5 < sum(answered) / len(answered) < 0.8
    said = [answer is not None for answer in float_answers]
    # Neither always an answer nor never one.
    assert sum(map(bool.__eq__, said, answered)) / len(said) > LEAST_EXACT


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("recipe", "agreement"), [("float32", 0.99), ("int8_dynamic", 0.9)])
def test_artifacts_answer_as_the_float_model_does(
    rows: Questions, float_answers: Any, reader: Path, backend: str, recipe: str, agreement: float
) -> None:
    with edgebert.load(reader, backend=backend, recipe=recipe, threads=1) as model:
        found = rows.artifact_answers(model)
    assert rows.figures(found, rows.expected)["exact"] > LEAST_EXACT
    assert rows.figures(found, float_answers)["exact"] > agreement


def test_answers_are_cut_out_of_the_context(rows: Questions, reader: Path) -> None:
    asked = [(row.question, row.context) for row in rows.rows]
    with edgebert.load(reader, backend="onnx", threads=1) as model:
        answers = model.predict(asked, top_k=3)
    for row, answer in zip(rows.rows, answers, strict=True):
        assert answer.text == row.context[answer.start : answer.end] != ""
        assert answer.top[0].text == answer.text
        for each in answer.top:
            assert each.text == row.context[each.start : each.end] != ""


def test_long_contexts_are_read_in_windows(reader: Path, taught: Path) -> None:
    paragraphs = [text for text, _ in chinese.held_out_paragraphs() if len(text) > 200][:30]
    asked = [(question, text) for text in paragraphs for question in ASKED.values()]
    with edgebert.load(reader, backend="onnx", recipe="float32", threads=1) as model:
        answers = model.predict(asked)
    assert all(answer.windows > 1 and not answer.truncated for answer in answers)
    assert all(
        answer.text == text[answer.start : answer.end]
        for (_, text), answer in zip(asked, answers, strict=True)
    )
    found = [(answer.start, answer.end) for answer in answers]
    expected = _windowed(taught / "chinese-answers", asked)
    assert found == expected
    # Some are far behind where the model's reading ends without windows.
    assert sum(start > 128 for start, _ in found) > len(found) / 5


def _windowed(folder: Path, asked: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Likeliest places by PyTorch, in the windows of the tokenizer library itself."""
    model = transformers.BertForQuestionAnswering.from_pretrained(folder).eval()
    backend = transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    found = []
    for question, context in asked:
        room = 128 - len(backend.encode(question, "").ids)
        backend.enable_truncation(128, stride=room // 4, strategy="only_second")
        first = backend.encode(question, context)
        backend.no_truncation()
        scored = []
        for window in [first, *first.overflowing]:
            places = [0] + [i for i, part in enumerate(window.sequence_ids) if part == 1]
            with torch.inference_mode():
                logits = model(
                    torch.tensor([window.ids]), token_type_ids=torch.tensor([window.type_ids])
                )
            start = logits.start_logits[0, places].softmax(0)[1:]
            end = logits.end_logits[0, places].softmax(0)[1:]
            scores = (start[:, None] * end[None, :]).triu().tril(MOST_TOKENS - 1)
            begin, last = divmod(int(scores.argmax()), len(start))
            words = [window.word_ids[places[1 + each]] for each in (begin, last)]
            span = (window.word_to_chars(words[0], 1)[0], window.word_to_chars(words[1], 1)[1])
            scored.append((float(scores.max()), span))
        found.append(max(scored)[1])
    return found
