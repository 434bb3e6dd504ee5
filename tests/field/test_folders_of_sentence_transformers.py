"""What folders of sentence-transformers and SetFit say beside their weights.

Reports: optimum 1519, sentence-transformers 2964, text-embeddings-inference 867, setfit 418.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import students
import transformers
from field_checkpoints import FLOAT_ONNX, change_json
from safetensors.torch import save_file
from torch import nn

import edgebert


def encoder(folder: Path, *kinds: str) -> Path:
    """An encoder with these modules behind its Transformer."""
    students.checkpoint(folder)
    transformers.AutoModel.from_pretrained(folder).save_pretrained(folder)
    paths = ["", *(f"{index}_{kind}" for index, kind in enumerate(kinds, start=1))]
    modules = [
        {"path": path, "type": f"sentence_transformers.base.{kind}"}
        for path, kind in zip(paths, ("Transformer", *kinds), strict=True)
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    for path, kind in zip(paths[1:], kinds, strict=True):
        (folder / path).mkdir()
        if kind == "Pooling":
            change_json(folder / path / "config.json", pooling_mode="mean", include_prompt=True)
        if kind == "Dense":
            name = "torch.nn.modules.linear.Identity"
            change_json(folder / path / "config.json", activation_function=name)
            weights = nn.Linear(32, 32).state_dict(prefix="linear.")
            save_file(weights, folder / path / "model.safetensors")
    return folder


@pytest.mark.parametrize("told", [24, 10**30])
def test_the_length_stands_with_the_tokenizer(told: int, tmp_path: Path) -> None:
    """As today's sentence-transformers writes it, if it says anything at all."""
    folder = encoder(tmp_path / "encoder", "Pooling", "Normalize")
    change_json(folder / "sentence_bert_config.json", transformer_task="feature-extraction")
    change_json(folder / "tokenizer_config.json", model_max_length=told)
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    assert (manifest.max_length, manifest.source.position_limit) == (min(told, 64), 64)


@pytest.mark.parametrize(
    "kinds",
    [
        ("Pooling", "Normalize", "Dense"),
        ("Dense", "Pooling"),
        ("Pooling", "Pooling"),
        ("Normalize",),
    ],
    ids=",".join,
)
def test_modules_in_an_order_that_is_not_computed(kinds: tuple[str, ...], tmp_path: Path) -> None:
    folder = encoder(tmp_path / "encoder", *kinds)
    match = f"the modules Transformer, {', '.join(kinds)}; supported: Transformer, Pooling"
    with pytest.raises(edgebert.ConversionError, match=match):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)


def test_a_dense_layer_that_makes_scores(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "encoder", "Pooling", "Dense")
    change_json(folder / "2_Dense" / "config.json", module_output_name="scores")
    with pytest.raises(edgebert.ConversionError, match="makes 'scores' of 'sentence_embedding'"):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)


def test_prompts_that_the_pooling_leaves_out(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "encoder", "Pooling")
    change_json(folder / "1_Pooling" / "config.json", include_prompt=False)
    with pytest.raises(edgebert.ConversionError, match="leaves the tokens of prompts out"):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)


def test_the_classifier_of_setfit_is_not_lost_silently(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "encoder", "Pooling")
    (folder / "model_head.pkl").write_bytes(b"")
    with pytest.raises(edgebert.ConversionError, match="SetFit's classifier, a pickle"):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    (folder / "model_head.pkl").unlink()
    manifest = edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
    assert manifest.task == "embedding"
