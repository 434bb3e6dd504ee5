"""An answer does not depend on its batch, its neighbours or its padding: each backend and recipe.

Bounds are shares of the standard deviation of the answers. Sums of float32 in another order differ
by rounding. Where activations have 8 bits, such a difference can move one that stands between two
of 255 steps to the other, seldom: so the mean is held as tightly as ever, and the largest
difference to what a few steps make. An activation range taken over a whole batch would move all.
"""

from __future__ import annotations

import sys
from pathlib import Path

import environments
import pytest
import students

import edgebert
from edgebert_converters.recipes import RECIPES
from edgebert_runtime import Bundle

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import invariance

pytestmark = pytest.mark.slow

ROUNDING = 1e-5
STEPS = 0.03
ARTIFACTS = [(form, name) for name, recipe in RECIPES.items() for form in recipe.backends]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "student"
    return students.checkpoint(folder, hidden_size=64, intermediate_size=128)


@pytest.fixture(scope="module")
def bundles(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every recipe that a backend has; TFLite with two signatures, so that one is longer."""
    folder = tmp_path_factory.mktemp("bundles")
    for form in ("tflite", "onnx", "torchscript"):
        names = tuple(name for other, name in ARTIFACTS if other == form)
        options = edgebert.ConvertOptions(formats=(form,), recipes=names, lengths=(32, 64))
        edgebert.convert(checkpoint, folder / form, options)
    return {form: folder / form for form in ("tflite", "onnx", "torchscript")}


@pytest.mark.parametrize(("form", "name"), ARTIFACTS)
def test_answers_stay(form: str, name: str, bundles: dict[str, Path]) -> None:
    (artifact,) = (each for each in Bundle(bundles[form]).manifest.artifacts if each.recipe == name)
    found, spread = invariance.measure(bundles[form], students.SENTENCES, artifact)
    assert spread > 0.1
    if (form, name) == ("torchscript", "int8_dynamic"):
        # torch has one activation range for all that shares a call: this is what the bounds
        # are there to see, and why such a backend takes one text at a time and never pads.
        assert found.pop("padding").mean > 10 * ROUNDING * spread
    for case, difference in found.items():
        assert difference.mean <= ROUNDING * spread, case
        most = ROUNDING if RECIPES[name].activations == "float32" else STEPS
        assert difference.largest <= most * spread, case


def test_a_range_over_the_whole_batch_would_be_seen(
    bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file in batches of 32, as `max_rows` of that backend forbids."""
    from edgebert_runtime.backends import torchscript

    original = torchscript.TorchScriptBackend.__init__

    def many_rows(self: torchscript.TorchScriptBackend, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        self.max_rows = 32

    monkeypatch.setattr(torchscript.TorchScriptBackend, "__init__", many_rows)
    (artifact,) = (
        each
        for each in Bundle(bundles["torchscript"]).manifest.artifacts
        if each.recipe == "int8_dynamic"
    )
    found, spread = invariance.measure(bundles["torchscript"], students.SENTENCES, artifact)
    assert found["batch"].mean > 10 * ROUNDING * spread
