"""Heads that answer for every token: each family through the runtime, against transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
import transformers

import edgebert
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_runtime.manifest import TOKEN_TASKS, Artifact

CLASSES: dict[str, Any] = {
    "token-classification": transformers.AutoModelForTokenClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
    "masked-lm": transformers.AutoModelForMaskedLM,
}
RECIPES_OF = {
    "onnx": ("float32", "float16", "int8_static"),
    "tflite": ("float32", "float16", "int8_static", "int8_dynamic"),
    "torchscript": ("float32", "float16", "int8_static", "int8_dynamic"),
}

TEXTS = {
    "token-classification": ["Good.", "The soup was cold and the waiter was colder.", "", "🍕"],
    "question-answering": [
        ("Is it open?", "The museum is closed on Mondays."),
        ("", "ok"),
        ("Who?", "🍕"),
    ],
    "masked-lm": ["The soup was {} and the waiter was {}.", "{}", "No mask."],
}


def texts_of(task: str, folder: Path) -> list[Any]:
    mask = transformers.AutoTokenizer.from_pretrained(folder).mask_token
    return [
        text.replace("{}", mask or "") if isinstance(text, str) else text for text in TEXTS[task]
    ]


def logits(folder: Path, task: str, texts: list[Any]) -> np.ndarray[Any, Any]:
    """What transformers' model and tokenizer give, one text at a time: [sum of tokens, width]."""
    model = CLASSES[task].from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in texts:
        first, second = text if isinstance(text, tuple) else (text, None)
        with torch.inference_mode():
            given = model(**tokenizer(first, second, return_tensors="pt"))
        if task == "question-answering":
            rows.append(torch.stack([given.start_logits[0], given.end_logits[0]], dim=1).numpy())
        else:
            rows.append(given.logits[0].numpy())
    return np.concatenate(rows)


@pytest.mark.parametrize("family", students.CONFIGURATIONS)
@pytest.mark.parametrize("task", TOKEN_TASKS)
def test_every_family_agrees_with_transformers(task: str, family: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", family, task)
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)

    assert manifest.task == task
    assert manifest.labels == (students.TOKEN_LABELS if task == "token-classification" else ())
    texts = texts_of(task, folder)
    expected = logits(folder, task, texts)
    assert list(manifest.artifacts[0].outputs.values()) == [expected.shape[1]]
    with edgebert.load(tmp_path / "bundle") as model:
        given = model.run([model.tokenizer.encode(text) for text in texts])
    np.testing.assert_allclose(given, expected, atol=1e-4 * np.abs(expected).max())
    assert manifest.artifacts[0].parity.sentences == len(students.SENTENCES)


@pytest.mark.parametrize(
    ("task", "family"), [*((task, "bert") for task in TOKEN_TASKS), ("masked-lm", "roberta")]
)
def test_three_backends_in_float_and_int8(task: str, family: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", family, task)
    options = edgebert.ConvertOptions(recipes=("float32", "int8_weights"), lengths=(16, 64))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    texts = texts_of(task, folder)
    expected = logits(folder, task, texts)
    for artifact in manifest.artifacts:
        with edgebert.load(
            tmp_path / "bundle", backend=artifact.backend, recipe=artifact.recipe
        ) as model:
            given = model.run([model.tokenizer.encode(text) for text in texts])
        difference = np.abs(given - expected).max() / np.abs(expected).max()
        assert difference < (1e-4 if artifact.recipe == "float32" else 0.1), artifact.file


@pytest.mark.parametrize("form", ["onnx", "tflite", "torchscript"])
def test_a_tied_decoder_in_every_recipe(form: str, tmp_path: Path) -> None:
    """The token table and the decoder are one in the checkpoint, and rounded in two ways here."""
    folder = students.checkpoint(tmp_path / "student", task="masked-lm", intermediate_size=128)
    student = load_checkpoint(folder).student
    assert student.head.output.weight is student.encoder.embeddings.tokens.weight
    found: dict[str, Artifact] = {}
    for recipe in RECIPES_OF[form]:
        options = edgebert.ConvertOptions(formats=(form,), recipes=(recipe,), lengths=(64,))
        bundle = edgebert.convert(folder, tmp_path / recipe, options)
        found[recipe] = bundle.artifacts[0]
    assert found["float32"].components["head"] < 4 * 2000  # dense layer, normalisation, biases
    table, biases = 400 * 32, 4 * (32 * 3 + 400)
    int8 = found["int8_static"].components["head"] - biases - (32 * 32 + 4 * 32)
    assert int8 == (0 if form == "tflite" else table + 4 * 400)


def test_pooling_makes_an_encoder_of_a_masked_lm(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", task="masked-lm")
    options = edgebert.ConvertOptions(formats=("torchscript",), pooling="mean")
    assert edgebert.convert(folder, tmp_path / "bundle", options).task == "embedding"
