"""Learning with rounded weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgebert
from edgebert.distillation.fake_quantization import fake_quantize
from edgebert_converters import sensitivity
from edgebert_converters.calibration import outputs
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.recipes import RECIPES
from edgebert_runtime.examples import read_texts
from edgebert_runtime.tokenization import Tokenizer


def test_rounded_forward_and_straight_gradient() -> None:
    layer = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -0.5, 0.003]]))
    fake_quantize(layer, "int8")
    rows = torch.tensor([[127.0, 1.4, -0.6]], requires_grad=True)
    output = layer(rows)
    # Weights in steps of 1/127: 127, -64 (from -63.5, half to even), 0; inputs in steps of 1.
    assert output.item() == pytest.approx(127 * 1 + 1 * (-64 / 127) + -1 * 0)
    output.backward()
    assert layer.weight.grad is not None
    assert rows.grad is not None
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[127.0, 1.0, -1.0]]))
    torch.testing.assert_close(rows.grad, torch.tensor([[1.0, -64 / 127, 0.0]]))


def test_fake_quantization_is_what_the_converter_does(checkpoint: Path) -> None:
    """The float model that learns rounds as the artifact's imitation does."""
    loaded = load_checkpoint(checkpoint)
    tokenizer = Tokenizer(loaded.tokenizer, 64)
    encodings = [tokenizer.encode(text) for text in ("A short text.", "Another, longer than that.")]
    expected = outputs(sensitivity.rounded(loaded.student, RECIPES["int8_dynamic"]), encodings)
    # The plain student folds token types into positions, so tables are compared rounded alike.
    student = loaded.student
    fake_quantize(student, "int8")
    np.testing.assert_allclose(outputs(student, encodings), expected, atol=2e-5)


def test_recovery_learns_to_bear_rounding(checkpoint: Path, answered: Path, tmp_path: Path) -> None:
    """Rounded answers come nearer to the float model's."""
    from edgebert.gate.recovery import recover
    from edgebert_runtime.examples import Columns

    recover(checkpoint, tmp_path / "recovered", answered, Columns(), 60)
    before, after = load_checkpoint(checkpoint), load_checkpoint(tmp_path / "recovered")
    tokenizer = Tokenizer(before.tokenizer, 64)
    encodings = [tokenizer.encode(text) for text in read_texts(answered)]
    wanted = outputs(before.student, encodings)
    recipe = RECIPES["int8_dynamic"]

    def distance(loaded: object) -> float:
        given = outputs(sensitivity.rounded(loaded.student, recipe), encodings)  # type: ignore[attr-defined]
        return float(np.abs(_softmax(given) - _softmax(wanted)).mean())

    assert distance(after) < 0.8 * distance(before)


def test_gate_recovers_when_rounding_loses_too_much(
    mildly_planted: Path, answered: Path, tmp_path: Path
) -> None:
    """What plain rounding loses is learnt back, and the manifest tells of it."""
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("int8_dynamic",))
    plain = edgebert.convert(
        mildly_planted, tmp_path / "plain", options, gate=edgebert.Gate(answered, max_drop=100)
    )
    assert plain.search is not None
    lost = 100 * (1.0 - plain.search.trials[0].value)
    assert lost > 0, "nothing to recover: choose other rows"
    gate = edgebert.Gate(answered, max_drop=lost / 2, recover=answered, recover_steps=150)
    manifest = edgebert.convert(mildly_planted, tmp_path / "bundle", options, gate=gate)
    search = manifest.search
    assert search is not None
    assert search.recovery_steps == 150
    assert [(each.recovered, each.kept) for each in search.trials] == [(False, False), (True, True)]
    assert search.trials[1].value >= 1 - lost / 200
    assert manifest.source.checkpoint == mildly_planted.name
    assert manifest.source.sha256 != load_checkpoint(mildly_planted).source.sha256


def test_recovery_in_vain_is_dropped(planted: Path, answered: Path, tmp_path: Path) -> None:
    """A few steps cannot mend planted outliers: the given checkpoint is converted after all."""
    gate = edgebert.Gate(answered, max_drop=3, recover=answered, recover_steps=3)
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("int8_static", "float32"))
    manifest = edgebert.convert(planted, tmp_path / "bundle", options, gate=gate)
    assert manifest.search is not None
    assert [each.recovered for each in manifest.search.trials] == [False, True, False]
    assert [each.recipe for each in manifest.artifacts] == ["float32"]
    assert manifest.source.sha256 == load_checkpoint(planted).source.sha256


def _softmax(logits: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
