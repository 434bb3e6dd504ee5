"""Each task's answers on all three backends, against transformers' own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
import transformers

import edgebert
from edgebert_runtime.manifest import BACKENDS

FLOAT = edgebert.ConvertOptions(recipes=("float32",), lengths=(16, 64))
TEXTS = ["Good.", "The soup was cold and the waiter was colder.", "", "🍕"]
PAIRS = [("Is it open?", "The museum is closed on Mondays."), ("No.", "ok")]


def logits(folder: Path, texts: list[Any]) -> np.ndarray[Any, Any]:
    """What transformers' model and tokenizer give, one text at a time."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in texts:
        first, second = text if isinstance(text, tuple) else (text, None)
        with torch.inference_mode():
            given = tokenizer(first, second, return_tensors="pt", truncation=True, max_length=64)
            rows.append(model(**given).logits[0].numpy())
    return np.stack(rows)


def test_classification_of_texts_and_pairs(tmp_path: Path) -> None:
    labels = ("no, not", 'say "yes"', "也许", "🤷")
    folder = students.checkpoint(tmp_path / "student", labels=labels)
    edgebert.convert(folder, tmp_path / "bundle", FLOAT)
    expected = torch.softmax(torch.from_numpy(logits(folder, [*TEXTS, *PAIRS])), dim=1).numpy()
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model:
            results = model.predict([*TEXTS, *PAIRS], top_k=2)
            single = model.predict(PAIRS[0])
        assert isinstance(results, list)
        assert isinstance(single, edgebert.Classification)
        for result, row in zip(results, expected, strict=True):
            assert isinstance(result, edgebert.Classification)
            assert tuple(result.scores) == labels
            assert list(result.scores.values()) == pytest.approx(row, abs=1e-4)
            assert result.label == labels[row.argmax()]
            assert [label for label, _ in result.top] == [labels[i] for i in np.argsort(-row)[:2]]
        assert single.scores == pytest.approx(results[len(TEXTS)].scores, abs=1e-6)


def test_tokenizer_without_token_types_means_type_zero(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert set(manifest.artifacts[0].inputs) == {"input_ids", "attention_mask"}
    with edgebert.load(tmp_path / "bundle") as model:
        outputs = model.run([model.tokenizer.encode(pair) for pair in PAIRS])
    np.testing.assert_allclose(outputs, logits(folder, PAIRS), atol=1e-4)


def test_permuted_labels_keep_the_order_of_the_outputs(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", labels=("zebra", "apple", "mango"))
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"2": "mango", "0": "zebra", "1": "apple"}
    (folder / "config.json").write_text(json.dumps(config))
    options = edgebert.ConvertOptions(formats=("onnx",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert manifest.labels == ("zebra", "apple", "mango")


def test_several_labels(tmp_path: Path) -> None:
    folder = students.checkpoint(
        tmp_path / "student", labels=("a", "b", "c"), problem_type="multi_label_classification"
    )
    edgebert.convert(folder, tmp_path / "bundle", FLOAT)
    expected = torch.sigmoid(torch.from_numpy(logits(folder, TEXTS))).numpy()
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model:
            results = model.predict(TEXTS)
        assert isinstance(results, list)
        for result, row in zip(results, expected, strict=True):
            assert isinstance(result, edgebert.MultiLabel)
            assert list(result.scores.values()) == pytest.approx(row, abs=1e-4)
            assert result.labels == tuple(
                label for label, score in zip("abc", row, strict=True) if score >= 0.5
            )


def test_regression(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", labels=("rating",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT)
    assert manifest.task == "regression"
    expected = logits(folder, TEXTS)
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model:
            results = model.predict(TEXTS)
        assert isinstance(results, list)
        for result, row in zip(results, expected, strict=True):
            assert isinstance(result, edgebert.Regression)
            assert result.value == pytest.approx(row[0], abs=1e-3)
            assert result.values == {"rating": result.value}


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("normalize", [True, False])
def test_embeddings(pooling: str, normalize: bool, tmp_path: Path) -> None:
    folder = sentence_encoder(tmp_path / "encoder", pooling, normalize=normalize)
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT)
    assert (manifest.task, manifest.labels, manifest.max_length) == ("embedding", (), 64)
    encoder = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    dense = torch.load(folder / "2_Dense" / "pytorch_model.bin", weights_only=True)
    expected = []
    for text in TEXTS:
        with torch.inference_mode():
            hidden = encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            pooled = hidden.mean(dim=0) if pooling == "mean" else hidden[0]
            vector = torch.tanh(dense["linear.weight"] @ pooled + dense["linear.bias"])
            expected.append((vector / vector.norm() if normalize else vector).numpy())
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model:
            vectors = model.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), 20)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, np.stack(expected), atol=1e-5)


def test_bare_encoder_needs_to_be_told_its_pooling(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "classifier")
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(tmp_path / "encoder")
    students.tokenizer("bert").save_pretrained(tmp_path / "encoder")
    with pytest.raises(edgebert.ConversionError, match="--pooling mean or cls"):
        edgebert.convert(tmp_path / "encoder", tmp_path / "bundle")
    options = edgebert.ConvertOptions(formats=("onnx",), pooling="mean")
    edgebert.convert(tmp_path / "encoder", tmp_path / "bundle", options)
    with edgebert.load(tmp_path / "bundle") as embedder:
        assert np.linalg.norm(embedder.embed(TEXTS), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_length_of_sentence_transformers_is_the_limit(tmp_path: Path) -> None:
    folder = sentence_encoder(tmp_path / "encoder", "mean", normalize=True)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 24}')
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["truncation"] = {
        "max_length": 8,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    options = edgebert.ConvertOptions(formats=("tflite",))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert (manifest.max_length, manifest.source.position_limit) == (24, 64)
    with edgebert.load(tmp_path / "bundle") as model:
        assert len(model.tokenizer.encode("word " * 50).ids) == 24


def sentence_encoder(folder: Path, pooling: str, *, normalize: bool) -> Path:
    """A small encoder with sentence-transformers files: pooling, a dense layer of 20, length."""
    students.checkpoint(folder)
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(folder)
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    parts += [("3_Normalize", "Normalize")] if normalize else []
    modules = [
        {"idx": index, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(parts)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    settings = {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": pooling == "cls",
        "pooling_mode_mean_tokens": pooling == "mean",
        "pooling_mode_max_tokens": False,
    }
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    (folder / "2_Dense").mkdir()
    dense = {"in_features": 32, "out_features": 20, "bias": True}
    dense["activation_function"] = "torch.nn.modules.activation.Tanh"
    (folder / "2_Dense" / "config.json").write_text(json.dumps(dense))
    torch.manual_seed(1)
    layer = torch.nn.Linear(32, 20)
    weights = {f"linear.{name}": value.detach() for name, value in layer.named_parameters()}
    torch.save(weights, folder / "2_Dense" / "pytorch_model.bin")
    return folder
