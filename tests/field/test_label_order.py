"""Labels whose order or names get lost on the way (optimum 493)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import students
import torch
import transformers
from field_checkpoints import change_json

import edgebert
from edgebert.cli import main
from edgebert_runtime.manifest import BACKENDS

LABELS = ("zebra, striped", 'the "apple"', "也许", "🤷‍♀️", "a\ttab", "10", "9")
TEXT = "The soup was cold and the waiter was colder."


def test_names_stay_with_their_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = students.checkpoint(tmp_path / "student", labels=LABELS)
    # String keys, in the order in which "10" comes before "2"; label2id in yet another.
    keys = sorted(map(str, range(len(LABELS))), reverse=True)
    change_json(
        folder / "config.json",
        id2label={key: LABELS[int(key)] for key in keys},
        label2id={label: LABELS.index(label) for label in sorted(LABELS)},
    )
    reference = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    expected = {each["label"]: each["score"] for each in reference([TEXT])[0]}
    options = edgebert.ConvertOptions(recipes=("float32",), lengths=(16, 64))
    assert edgebert.convert(folder, tmp_path / "bundle", options).labels == LABELS
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model:
            result = model.predict(TEXT)
        assert isinstance(result, edgebert.Classification)
        assert tuple(result.scores) == LABELS
        assert result.scores == pytest.approx(expected, abs=1e-4)
        assert result.label == max(expected, key=lambda label: float(expected[label]))
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "bundle"), TEXT, "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert tuple(shown["scores"]) == LABELS


def test_labels_of_a_head_are_those_of_its_rows(tmp_path: Path) -> None:
    """Only one row of the head speaks for its label, so a swap could not go unseen."""
    folder = students.checkpoint(tmp_path / "student", labels=LABELS)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.arange(len(LABELS), dtype=torch.float32))
    model.save_pretrained(folder)
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("int8_dynamic",))
    edgebert.convert(folder, tmp_path / "bundle", options)
    with edgebert.load(tmp_path / "bundle") as opened:
        result = opened.predict(TEXT, top_k=len(LABELS))
    assert isinstance(result, edgebert.Classification)
    assert [label for label, _ in result.top] == list(reversed(LABELS))
