"""Scores, against examples worked by hand; and `edgebert evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import terminal

from edgebert import evaluation
from edgebert_runtime import Bundle, Classification, InputError, Manifest, MultiLabel, Regression

Forge = Callable[[Callable[[Path, dict[str, Any]], None]], Path]


def single(label: str) -> Classification:
    return Classification(label, 1.0, {}, (), False)


def test_accuracy_and_macro_f1_by_hand() -> None:
    # a: 1 right of 2 given, 1 wanted: F1 2/3. b: 1 of 1 given, 2 wanted: 2/3. c is nowhere.
    scores = evaluation.score_labels(
        [single("a"), single("a"), single("b")],
        [frozenset("a"), frozenset("b"), frozenset("b")],
        ("a", "b", "c"),
    )
    assert scores == evaluation.LabelScores(pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_several_labels_are_right_together() -> None:
    answers = [MultiLabel(labels, {}, (), False) for labels in (("a", "b"), ("a",), ())]
    wanted = [frozenset("ab"), frozenset("ab"), frozenset()]
    # a: 2 of 2 and 2, F1 1. b: 1 of 1 and 2, F1 2/3.
    scores = evaluation.score_labels(answers, wanted, ("a", "b"))
    assert scores == evaluation.LabelScores(pytest.approx(2 / 3), pytest.approx(5 / 6))


@pytest.mark.parametrize(
    ("given", "wanted", "error", "correlation"),
    [
        ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 2.0, 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], 4 / 3, -1.0),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], 1.0, 0.0),
        ([5.0], [5.0], 0.0, 0.0),
        ([3e38, -3e38], [3e38, -3e38], 0.0, 1.0),
    ],
)
def test_numbers_by_hand(
    given: list[float], wanted: list[float], error: float, correlation: float
) -> None:
    answers = [Regression(value, {}, False) for value in given]
    scores = evaluation.score_numbers(answers, wanted, ("value",))
    assert scores.mean_absolute_error == pytest.approx(error)
    assert scores.correlation == pytest.approx(correlation)


def _one_number(_: Path, manifest: dict[str, Any]) -> None:
    manifest["task"] = "regression"


@pytest.fixture
def regression(forge: Forge) -> Path:
    """The same two outputs as plain numbers."""
    return forge(_one_number)


def test_regression_of_a_bundle(regression: Path, tmp_path: Path) -> None:
    answers = json.loads(
        terminal.output("predict", regression, "--backend", "onnx", "--json", "a", "b c d", "no")
    )
    wanted = [answer["value"] + offset for answer, offset in zip(answers, (1, -1, 1), strict=True)]
    data = tmp_path / "x.jsonl"
    rows = zip(("a", "b c d", "no"), wanted, strict=True)
    data.write_text("".join(json.dumps({"text": text, "score": n}) + "\n" for text, n in rows))
    found = json.loads(terminal.output("evaluate", regression, data, "--json"))
    assert (found["examples"], found["skipped"]) == (3, [])
    scores = {each["backend"]: each["mean_absolute_error"] for each in found["artifacts"]}
    assert scores["onnx"] == pytest.approx(1.0, abs=1e-5)
    assert scores == pytest.approx(dict.fromkeys(("onnx", "tflite", "torchscript"), 1.0), abs=0.5)


def test_accuracy_of_a_bundle(bundle: Path, tmp_path: Path) -> None:
    answers = json.loads(
        terminal.output("predict", bundle, "--backend", "onnx", "--json", "a", "b c d", "x" * 99)
    )
    names = [answer["label"] for answer in answers]
    wrong = {"negative": "positive", "positive": "negative"}[names[2]]
    data = tmp_path / "x.tsv"
    position = str(["negative", "positive"].index(names[1]))
    data.write_text(f"text\tlabel\na\t{names[0]}\nb c d\t{position}\n{'x' * 99}\t{wrong}\n")
    found = json.loads(terminal.output("evaluate", bundle, data, "--json"))
    scores = {each["backend"]: each["accuracy"] for each in found["artifacts"]}
    assert scores["onnx"] == pytest.approx(2 / 3)
    table = terminal.output("evaluate", bundle, data)
    assert table.splitlines()[0].split() == ["3", "examples", "accuracy", "macro", "f1"]
    assert "onnx int8_dynamic" in table


ROWS = {
    "unknown label": ("neutral", "got the label 'neutral', expected one of negative, positive, or"),
    "no label": ("", "no label; expected a column or key named one of"),
    "position beyond": ("2", "a position from 0 to 1"),
    "negative position": ("-1", "a position from 0 to 1"),
    "fraction": ("1.0", "got the label '1.0'"),
    "other digits": ("١", "got the label '١'"),
    "many digits": ("9" * 5000, "got the label '9999"),
    "control characters": ("\x1b[31m", r"got the label '\x1b[31m'"),
}


@pytest.mark.parametrize(("label", "line"), ROWS.values(), ids=ROWS.keys())
def test_a_row_with_a_wrong_label(bundle: Path, tmp_path: Path, label: str, line: str) -> None:
    (tmp_path / "x.tsv").write_text(f"text\tlabel\na\t0\nb\t{label}\n", encoding="utf-8")
    given = terminal.mistake("evaluate", bundle, tmp_path / "x.tsv")
    assert "x.tsv, line 3: " in given
    assert line in given
    assert len(given) < 500


@pytest.mark.parametrize("number", ["", "x", "nan", "inf", "-inf", "1e39", "9" * 5000])
def test_a_row_with_a_wrong_number(regression: Path, number: str) -> None:
    manifest = Bundle(regression).manifest
    example = evaluation.Example("a", (number,), 7)
    with pytest.raises(InputError, match=r"^x.tsv, line 7: got .*, expected one finite number"):
        evaluation.expected(manifest, example, "x.tsv")


def test_several_labels_where_there_is_one(bundle: Path, regression: Path) -> None:
    manifest: Manifest = Bundle(bundle).manifest
    with pytest.raises(InputError, match="line 2: got the label '0, 1', expected one label"):
        evaluation.expected(manifest, evaluation.Example("a", ("0", "1"), 2), "x")
    with pytest.raises(InputError, match=r"line 2: got .*'1, 2, 3', expected 2 finite"):
        evaluation.expected(
            Bundle(regression).manifest, evaluation.Example("a", ("1", "2", "3"), 2), "x"
        )


def test_embeddings_have_no_scores() -> None:
    with pytest.raises(InputError, match="embedding, which a label for each text cannot score"):
        evaluation.scorer("embedding")
