"""Checkpoints and options that cannot be used: one line each, and nothing written."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import students
import torch
import transformers
from safetensors.torch import load_file, save_file

import edgebert
from edgebert_converters.checkpoint import load_checkpoint

ONNX = edgebert.ConvertOptions(formats=("onnx",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return students.checkpoint(tmp_path / "student")


def change(folder: Path, **settings: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))


def refused(folder: Path, message: str, options: edgebert.ConvertOptions = ONNX) -> None:
    target = folder.parent / "target"
    target.mkdir()
    with pytest.raises((edgebert.ConversionError, edgebert.InputError), match=message) as caught:
        edgebert.convert(folder, target / "bundle", options)
    assert "\n" not in str(caught.value)
    assert list(target.iterdir()) == []


def test_no_checkpoint(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "no checkpoint at .*expected a folder with config.json")


def test_another_family(folder: Path) -> None:
    change(folder, model_type="gpt2")
    refused(folder, "model_type 'gpt2' is not supported; supported: bert, roberta")


def test_another_task(folder: Path) -> None:
    change(folder, architectures=["BertForMultipleChoice"])
    refused(
        folder,
        "'BertForMultipleChoice'.*supported: ...ForSequenceClassification, "
        "...ForTokenClassification, ...ForQuestionAnswering, ...ForMaskedLM",
    )


def test_question_answering_with_another_number_of_outputs(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", task="question-answering", labels="abc")
    refused(folder, "question answering head has 3 outputs, expected 2, start and end")


def test_labels_of_tokens(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", task="token-classification")
    change(folder, id2label={str(index): "O" for index in range(5)})
    refused(folder, "id2label has the names .*expected each once")


def test_masked_lm_without_a_mask_token(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", "roberta", "masked-lm")
    students.tokenizer("roberta").save_pretrained(folder)
    refused(folder, r"the tokenizer has no mask token, expected \[MASK\] or <mask>")


@pytest.mark.parametrize("task", ["token-classification", "question-answering"])
def test_pooling_of_a_model_with_a_head(task: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", task=task)
    refused(folder, "leave --pooling out", dataclasses.replace(ONNX, pooling="mean"))


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "[" * 100_000])
def test_broken_configuration(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    refused(folder, "cannot be read as JSON|model_type None is not supported")


def test_activation(folder: Path) -> None:
    change(folder, hidden_act="silu")
    refused(folder, "activation 'silu' is not supported; supported: gelu")


def test_decoder(folder: Path) -> None:
    change(folder, is_decoder=True)
    refused(folder, "is a decoder")


@pytest.mark.parametrize("kept", [0, 8, 1000])
def test_truncated_weights(folder: Path, kept: int) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:kept])
    refused(folder, "the weights in .* cannot be loaded")


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    refused(folder, "the weights in .* cannot be loaded")


def test_missing_tensors_are_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    refused(folder, "lack 1 tensors, 'classifier.weight' first")


class Payload:
    """Runs code when it is unpickled, if anything lets it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('unpickled')",))


def test_pickled_code_does_not_run(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with (folder / "pytorch_model.bin").open("wb") as stream:
        pickle.dump({"weight": Payload()}, stream)
    refused(folder, "the weights in .* cannot be loaded")


def test_weights_in_a_bin_file_give_the_same_student(folder: Path) -> None:
    expected = load_checkpoint(folder).student.state_dict()
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    given = load_checkpoint(folder).student.state_dict()
    assert all(torch.equal(given[name], tensor) for name, tensor in expected.items())


def test_no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    refused(folder, "no tokenizer in")


def test_tokenizer_of_another_model(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"extra{index}" for index in range(100)])
    tokenizer.save_pretrained(folder)
    refused(folder, "the tokenizer gives ids up to .*, the embedding table has 400 rows")


@pytest.mark.parametrize("names", [{"0": "a", "1": "a"}, {"0": "", "1": "b"}, {"3": "a", "7": "b"}])
def test_labels(folder: Path, names: dict[str, str]) -> None:
    change(folder, id2label=names)
    refused(folder, "id2label has")


def test_sentence_transformers_module(folder: Path) -> None:
    module = {"idx": 0, "path": "", "type": "sentence_transformers.models.LSTM"}
    (folder / "modules.json").write_text(json.dumps([module]))
    refused(folder, "module 'LSTM' .* is not supported; supported: Transformer, Pooling")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ("onnx", "coreml")}, "format: got 'coreml', expected one of onnx"),
        ({"formats": ()}, "formats: got ''"),
        ({"formats": "onnx"}, "formats: got 'onnx', expected a tuple of names"),
        ({"formats": ("onnx", "onnx")}, "expected each once"),
        (
            {"recipes": ("int3",)},
            "recipe: got 'int3', expected one of float32, float16, int8_dynamic",
        ),
        ({"recipes": ()}, "recipes: got ''"),
        (
            {"formats": ("onnx", "torchscript"), "recipes": ("float32", "int4_weights")},
            "recipe int4_weights: torchscript does not have it, tflite and onnx do; leave one",
        ),
        ({"lengths": (8, 65)}, "limit of 64"),
        ({"lengths": (16, 8)}, "expected ascending numbers"),
        ({"lengths": ()}, "expected ascending numbers"),
        ({"lengths": (0, 8)}, "expected ascending numbers"),
        ({"lengths": (2,)}, "lengths: .*special tokens"),
        ({"pooling": "cls"}, "got pooling 'cls', but .* leave --pooling out"),
        ({"pooling": "max"}, "pooling: got 'max', expected mean or cls"),
        ({"calibration": Path("/nowhere.txt")}, "cannot be read"),
    ],
)
def test_options(folder: Path, options: dict[str, Any], message: str) -> None:
    refused(folder, message, dataclasses.replace(ONNX, **options))


def test_paths_of_a_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(edgebert.InputError, match="checkpoint: got 3, expected a path"):
        edgebert.convert(3, tmp_path / "bundle")  # type: ignore[arg-type]
    with pytest.raises(edgebert.InputError, match="output: got None, expected a path"):
        edgebert.convert(tmp_path, None)  # type: ignore[arg-type]


def test_calibration_without_text(folder: Path) -> None:
    (folder / "empty.txt").write_text("\n\n")
    refused(folder, "has no text", dataclasses.replace(ONNX, calibration=folder / "empty.txt"))
