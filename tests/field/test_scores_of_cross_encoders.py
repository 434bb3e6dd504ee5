"""Scores of a cross-encoder: between 0 and 1, or any number (sentence-transformers 1004, 1058)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import students
import torch
import transformers
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert
from edgebert.distillation import models

PAIRS = [("Is it open?", "The museum is closed on Mondays."), ("No.", "ok")]
ACTIVATION = "torch.nn.modules.activation.Sigmoid"


def converted(folder: Path, **config: Any) -> tuple[list[Any], list[float]]:
    """Results for the pairs, and the logits that transformers' model gives."""
    checkpoint = students.checkpoint(folder / "student", labels=("LABEL_0",))
    change_json(checkpoint / "config.json", **config)
    edgebert.convert(checkpoint, folder / "bundle", FLOAT_ONNX)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    with torch.inference_mode():
        logits = [float(model(**tokenizer(*pair, return_tensors="pt")).logits) for pair in PAIRS]
    with edgebert.load(folder / "bundle") as opened:
        return list(opened.predict(PAIRS)), logits


@pytest.mark.parametrize(
    "config",
    [
        {"sentence_transformers": {"activation_fn": ACTIVATION, "version": "5.1.0"}},
        {"sbert_ce_default_activation_function": ACTIVATION},
    ],
    ids=["today", "before version 4"],
)
def test_a_sigmoid_gives_a_probability(config: dict[str, Any], tmp_path: Path) -> None:
    results, logits = converted(tmp_path, **config)
    for result, logit in zip(results, logits, strict=True):
        assert isinstance(result, edgebert.MultiLabel)
        expected = float(torch.sigmoid(torch.tensor(logit)))
        assert result.scores == {"LABEL_0": pytest.approx(expected, abs=1e-4)}


def test_what_version_5_7_writes(tmp_path: Path) -> None:
    """The activation stands in a file of its own, the length with the tokenizer."""
    checkpoint = students.checkpoint(tmp_path / "student", labels=("LABEL_0",))
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    (checkpoint / "modules.json").write_text(json.dumps([module]))
    own = {"model_type": "CrossEncoder", "activation_fn": ACTIVATION, "prompts": {}}
    (checkpoint / "config_sentence_transformers.json").write_text(json.dumps(own))
    change_json(checkpoint / "tokenizer_config.json", model_max_length=30)
    manifest = edgebert.convert(checkpoint, tmp_path / "bundle", FLOAT_ONNX)
    assert (manifest.task, manifest.max_length) == ("multi-label-classification", 30)
    teacher = models.load(checkpoint)
    assert teacher.labels is not None
    assert teacher.labels.task == manifest.task


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}},
        {"sentence_transformers": {"version": "5.1.0"}},
    ],
    ids=["nothing", "identity", "unsaid"],
)
def test_otherwise_the_number_is_given_as_it_is(config: dict[str, Any], tmp_path: Path) -> None:
    results, logits = converted(tmp_path, **config)
    for result, logit in zip(results, logits, strict=True):
        assert isinstance(result, edgebert.Regression)
        assert result.value == pytest.approx(logit, abs=1e-3)
