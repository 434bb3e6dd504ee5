"""Fewer tokens, positions and more token types than anybody's example inputs (optimum 1777).

And a padding token with another number than RoBERTa's own (japanese-pretrained-models 3).
"""

from __future__ import annotations

import json
from pathlib import Path

import students
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert
from edgebert_runtime.manifest import BACKENDS


def test_an_export_takes_its_sizes_from_the_configuration(tmp_path: Path) -> None:
    sizes = {"vocab_size": 40, "max_position_embeddings": 12, "type_vocab_size": 4}
    folder = students.checkpoint(tmp_path / "student", **sizes)
    path = folder / "tokenizer.json"
    model = json.loads(path.read_text(encoding="utf-8"))["model"]
    model["vocab"] = {piece: place for piece, place in model["vocab"].items() if place < 40}
    change_json(path, model=model)
    options = edgebert.ConvertOptions(recipes=("float32", "int8_dynamic"))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert manifest.max_length == 12
    for each in manifest.artifacts:
        assert each.recipe != "float32" or each.parity.max_difference < 1e-4
    for backend in BACKENDS:
        with edgebert.load(tmp_path / "bundle", backend=backend) as model_:
            result = model_.predict(("a b c d e f g h", "i j k l m n"))
        assert isinstance(result, edgebert.Classification)
        assert result.truncated


def test_positions_begin_behind_the_padding_token(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student", "roberta", pad_token_id=3)
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    # 66 rows, of which 0 to 3 are no token's.
    assert manifest.max_length == 62
    assert manifest.artifacts[0].parity.max_difference < 1e-5
    with edgebert.load(tmp_path / "bundle") as model:
        assert isinstance(model.predict("a " * 100), edgebert.Classification)
