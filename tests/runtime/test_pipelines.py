"""predict() against transformers' own pipelines on the float model: labels, spans and scores.

transformers 5 has no question answering pipeline any more; the last 4 has one, and runs in an
environment of its own with the torch of this one.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environments
import pytest
import students
import torch
import transformers

import edgebert

pytestmark = pytest.mark.slow

SCORES = {"float32": 1e-4, "int8_weights": 0.15}
"""Furthest that a probability may be from the pipeline's."""
ODD = [
    "🍕",
    "Café Ünïcode, naïve e\u0301cole",
    "a\u200bb \t c\n\nd",
    "汉字 and kana カナ",
    "(((…)))  !!",
    "x" * 300,
]
TEXTS = [*students.SENTENCES[:20], *ODD]
PAIRS = [("Is it open?", "The museum is closed on Mondays."), ("No.", "ok"), ("🍕", "a\u0301")]


def converted(folder: Path, recipe: str) -> edgebert.Model:
    output = folder.parent / f"{folder.name}-{recipe}"
    if not output.exists():
        options = edgebert.ConvertOptions(formats=("torchscript",), recipes=(recipe,))
        edgebert.convert(folder, output, options)
    return edgebert.load(output)


def labelled(answer: Any) -> list[dict[str, Any]]:
    """The labels of one text, which a pipeline puts into another list where it was no dict."""
    return list(answer[0] if isinstance(answer[0], list) else answer)


def pipeline(task: str, folder: Path, **options: Any) -> Any:
    # A pipeline would take whatever accelerator it finds.
    return transformers.pipeline(task, model=str(folder), device="cpu", **options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipelines")


@pytest.fixture(params=SCORES)
def recipe(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def checkpoint(folder: Path, name: str, **settings: Any) -> Path:
    path = folder / name
    return path if path.exists() else students.checkpoint(path, **settings)


def test_text_classification(folders: Path, recipe: str) -> None:
    labels = ("bad", "so-so", "good")
    folder = checkpoint(folders, "classification", labels=labels)
    pipe = pipeline("text-classification", folder, top_k=None)
    given = [*TEXTS, "", *({"text": first, "text_pair": second} for first, second in PAIRS)]
    with converted(folder, recipe) as model:
        results = model.predict([*TEXTS, "", *PAIRS], top_k=3)
    for result, text in zip(results, given, strict=True):
        assert isinstance(result, edgebert.Classification)
        answer = labelled(pipe(text))
        expected = {each["label"]: each["score"] for each in answer}
        assert result.scores == pytest.approx(expected, abs=SCORES[recipe])
        if recipe == "float32":
            assert [label for label, _ in result.top] == [each["label"] for each in answer]


def test_several_labels(folders: Path, recipe: str) -> None:
    settings = {"labels": ("a", "b", "c"), "problem_type": "multi_label_classification"}
    folder = checkpoint(folders, "multi-label", **settings)
    pipe = pipeline("text-classification", folder, top_k=None)
    with converted(folder, recipe) as model:
        results = model.predict(TEXTS)
    for result, text in zip(results, TEXTS, strict=True):
        assert isinstance(result, edgebert.MultiLabel)
        expected = {each["label"]: each["score"] for each in labelled(pipe(text))}
        assert result.scores == pytest.approx(expected, abs=SCORES[recipe])


def test_regression(folders: Path, recipe: str) -> None:
    folder = checkpoint(folders, "regression", labels=("stars",))
    # Without a problem_type, the pipeline would squeeze a lone value through a sigmoid.
    pipe = pipeline("text-classification", folder, function_to_apply="none")
    with converted(folder, recipe) as model:
        results = model.predict(TEXTS)
    for result, text in zip(results, TEXTS, strict=True):
        assert isinstance(result, edgebert.Regression)
        # A value may be anything from -10 to 10 here, a probability from 0 to 1.
        assert result.value == pytest.approx(pipe(text)[0]["score"], abs=5 * SCORES[recipe])


@pytest.mark.parametrize("aggregation", ["simple", "first", "average", "max", "none"])
def test_token_classification(aggregation: str, folders: Path, recipe: str) -> None:
    folder = checkpoint(folders, "tokens", task="token-classification")
    pipe = pipeline("token-classification", folder, aggregation_strategy=aggregation)
    key = "entity" if aggregation == "none" else "entity_group"
    spans = same = 0
    with converted(folder, recipe) as model:
        results = model.predict(TEXTS, aggregation=aggregation)
    for result, text in zip(results, TEXTS, strict=True):
        assert isinstance(result, edgebert.TokenClassification)
        expected = {(each["start"], each["end"], each[key]): each["score"] for each in pipe(text)}
        given = {(each.start, each.end, each.label): each.score for each in result.entities}
        assert all(text[each.start : each.end] == each.text for each in result.entities)
        if recipe == "float32":
            assert given == pytest.approx(expected, abs=SCORES[recipe]), text
        spans += len(expected)
        same += len(given.keys() & expected.keys())
    assert spans > 50
    assert same >= 0.85 * spans


def test_fill_mask(folders: Path, recipe: str) -> None:
    folder = checkpoint(folders, "masked", task="masked-lm")
    pipe = pipeline("fill-mask", folder, top_k=3)
    texts = [text.replace(text.split(" ")[-1], "[MASK]", 1) for text in TEXTS]
    texts += ["[MASK]", "[MASK] [MASK]", "a [MASK], 🍕 the [MASK]!"]
    best = 0
    with converted(folder, recipe) as model:
        results = model.predict(texts, top_k=3)
    for result, text in zip(results, texts, strict=True):
        assert isinstance(result, edgebert.FilledMask)
        answers = pipe(text)
        answers = answers if isinstance(answers[0], list) else [answers]
        assert len(result.masks) == len(answers)
        for mask, answer in zip(result.masks, answers, strict=True):
            assert text[mask.start : mask.end] == "[MASK]"
            best += mask.top[0][0] == answer[0]["token_str"]
            if recipe == "float32":
                assert [token for token, _ in mask.top] == [each["token_str"] for each in answer]
                scores = [score for _, score in mask.top]
                assert scores == pytest.approx([each["score"] for each in answer], abs=1e-4)
    assert best >= 0.85 * len(texts)


ANSWER = """
import json, sys
sys.path.append(sys.argv[2])
from transformers import AutoModelForQuestionAnswering, PreTrainedTokenizerFast, pipeline
folder, asked = sys.argv[1], json.load(sys.stdin)
# The file that says the tokenizer's class is of a version that this one does not know.
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=f"{folder}/tokenizer.json", cls_token="[CLS]", sep_token="[SEP]",
    pad_token="[PAD]", unk_token="[UNK]", padding_side="right",
    model_input_names=["input_ids", "token_type_ids", "attention_mask"],
)
model = AutoModelForQuestionAnswering.from_pretrained(folder)
answer = pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")
# It adds up the scores of the first few candidates that have one text, which are then no
# probabilities of a stretch; that is left out.
answer.get_answer = lambda answers, text: None
options = {"max_answer_len": 30, "max_seq_len": 512, "doc_stride": 16}
for question, context in asked:
    found = {}
    for no_answer in (False, True):
        found[no_answer] = answer(
            question=question, context=context, handle_impossible_answer=no_answer, **options
        )
    print(json.dumps([found[False], found[True]]))
"""


@pytest.fixture(scope="module")
def question_answering() -> Path:
    """The interpreter of an environment that has the pipeline, but no torch."""
    return environments.environment("question-answering", ["transformers==4.57.6"])


def questions() -> Iterator[tuple[str, str]]:
    for index in range(20):
        yield students.SENTENCES[index], " ".join(students.SENTENCES[index + 1 : index + 3])
    # Of scripts without spaces, the pipeline answers with whole sentences for words.
    spaced = (text for text in ODD if max(text) < "\u0e00")
    yield from (("What?", text) for text in spaced)


def test_question_answering(folders: Path, recipe: str, question_answering: Path) -> None:
    # Long enough that no context is read in windows, which the two cut in other places.
    settings: dict[str, Any] = {"task": "question-answering", "max_position_embeddings": 512}
    settings["num_hidden_layers"] = 1
    folder = checkpoint(folders, "answers", **settings)
    asked = list(questions())
    site = str(Path(torch.__file__).parent.parent)
    done = subprocess.run(
        [str(question_answering), "-W", "ignore", "-c", ANSWER, str(folder), site],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected = [json.loads(line) for line in done.stdout.splitlines()]
    same = 0
    with converted(folder, recipe) as model:
        results = model.predict(asked)
        careful = model.predict(asked, no_answer=True)
    for (_, context), result, wary, (sure, unsure) in zip(
        asked, results, careful, expected, strict=True
    ):
        assert isinstance(result, edgebert.Answer)
        assert isinstance(wary, edgebert.Answer)
        assert result.windows == 1
        assert result.text == context[result.start : result.end]
        spans = [(result.start, result.end), (wary.start, wary.end)]
        same += spans == [(sure["start"], sure["end"]), (unsure["start"], unsure["end"])]
        if recipe == "float32":
            assert spans == [(sure["start"], sure["end"]), (unsure["start"], unsure["end"])]
            assert result.score == pytest.approx(sure["score"], abs=1e-4)
            assert wary.score == pytest.approx(unsure["score"], abs=1e-4)
    assert same >= 0.8 * len(asked)
