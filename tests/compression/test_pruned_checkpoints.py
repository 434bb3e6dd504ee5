"""Narrower models: the same answers as with zeros in place, and back from a folder."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
import transformers

import edgebert
from edgebert.distillation import models
from edgebert.distillation.objectives import attention_loss
from edgebert.distillation.shapes import student_from_layers
from edgebert_converters import pruning
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.pruning import Kept, Pruning, Widths
from edgebert_converters.weights import pretrained
from edgebert_runtime.errors import ConversionError, InputError

FIRST = Kept((1, 3), tuple(range(0, 64, 2)))
SECOND = Kept((0, 1, 2), tuple(range(16, 32)))
every_family = pytest.mark.parametrize("family", pruning.families.PRUNABLE)


def kept(family: str) -> list[Kept]:
    return [FIRST, FIRST if family == "albert" else SECOND]


def inputs() -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 300, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model.eval()(**inputs()).logits
    return found


def silenced(model: Any, keep: list[Kept]) -> Any:
    """The whole model, with what would be pruned contributing nothing."""
    whole = copy.deepcopy(model)
    with torch.no_grad():
        for layer, each in zip(pruning.linears(whole), keep, strict=True):
            for head in set(range(4)) - {*each.heads}:
                layer["output"].weight[:, head * 8 : head * 8 + 8] = 0
            layer["contract"].weight[:, sorted(set(range(64)) - {*each.neurons})] = 0
    return whole


def pruned_folder(tmp_path: Path, family: str = "bert", **config: Any) -> Path:
    folder = students.checkpoint(tmp_path / "whole", family, **config)
    model = models.load(folder).model
    pruning.prune(model, kept(family))
    models.save(model, folder, tmp_path / "pruned")
    return tmp_path / "pruned"


@every_family
def test_a_pruned_model_answers_as_one_with_zeros(family: str, tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path, family)).model
    whole, expected = logits(model), logits(silenced(model, kept(family)))
    pruning.prune(model, kept(family))
    torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=1e-5)
    # Otherwise nothing was pruned that mattered.
    assert (whole - expected).abs().max() > 0.01
    second = Widths(2, 32) if family == "albert" else Widths(3, 16)
    assert pruning.widths(model) == (Widths(2, 32), second)


@every_family
def test_a_pruned_checkpoint_reloads_everywhere(family: str, tmp_path: Path) -> None:
    folder = pruned_folder(tmp_path, family)
    whole = models.load(tmp_path / "whole").model
    model = copy.deepcopy(whole)
    pruning.prune(model, kept(family))
    loaded = models.load(folder).model
    assert type(loaded) is type(whole)
    torch.testing.assert_close(logits(loaded), logits(model))
    checkpoint = load_checkpoint(folder)
    assert checkpoint.pruning == Pruning(pruning.widths(model), pruning.parameters(whole), 0.0)
    assert sum(checkpoint.source.parameters.values()) < pruning.parameters(whole)
    # A body alone, as candidates and sentence encoders read it.
    body = pretrained(transformers.AutoModel, folder, ("pooler",))
    assert pruning.widths(body) == pruning.widths(model)
    # Saved again, it is pruned still; so is a copy.
    models.save(copy.deepcopy(loaded), folder, tmp_path / "again")
    torch.testing.assert_close(logits(models.load(tmp_path / "again").model), logits(model))


@pytest.mark.parametrize(
    "family", ["bert", pytest.param("distilbert", marks=pytest.mark.slow), "albert"]
)
def test_three_backends_agree_on_a_pruned_checkpoint(family: str, tmp_path: Path) -> None:
    folder = pruned_folder(tmp_path, family)
    recipes = ("float32", "int8_dynamic") if family == "bert" else ("float32",)
    options = edgebert.ConvertOptions(recipes=recipes, lengths=(64,))
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    assert len(manifest.artifacts) == 3 * len(recipes)
    for artifact in manifest.artifacts:
        if artifact.recipe == "float32":
            assert artifact.parity.max_difference < 1e-5
        else:
            assert artifact.parity.agreement >= 0.95


def test_whole_layers(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "whole", num_hidden_layers=4)
    model = models.load(folder).model
    before = [id(each) for each in pruning.families.layers(model.base_model)]
    pruning.keep_layers(model, [1, 3])
    after = [id(each) for each in pruning.families.layers(model.base_model)]
    assert after == [before[1], before[3]]
    models.save(model, folder, tmp_path / "pruned")
    loaded = models.load(tmp_path / "pruned").model
    torch.testing.assert_close(logits(loaded), logits(model))
    assert loaded.config.num_hidden_layers == 2
    # Twice pruned, it still says what it was made of.
    pruning.prune(loaded, [FIRST, SECOND])
    found = pruning.read(loaded.config)
    assert found is not None
    assert found.parameters_before == pruning.parameters(models.load(folder).model)


@pytest.mark.parametrize("layers", [[], [2], [0, 0], [1, 0], [-1]])
def test_layers_that_do_not_exist(layers: list[int], tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path)).model
    with pytest.raises(InputError, match="expected some of 1 to 2"):
        pruning.keep_layers(model, layers)


@pytest.mark.parametrize(
    "keep",
    [Kept((), (0,)), Kept((0,), ()), Kept((4,), (0,)), Kept((0,), (64,)), Kept((1, 0), (0,)), None],
)
def test_what_cannot_be_kept(keep: Kept | None, tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path)).model
    with pytest.raises(InputError):
        pruning.prune(model, [FIRST] if keep is None else [FIRST, keep])
    assert pruning.widths(model) == (Widths(4, 64), Widths(4, 64))


def test_layers_that_share_weights_stay_equal(tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path, "albert")).model
    with pytest.raises(InputError, match="share"):
        pruning.prune(model, [FIRST, SECOND])


def test_a_mobilebert_is_refused(tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path, "mobilebert")).model
    for attempt in (
        lambda: pruning.prune(model, [FIRST, FIRST]),
        lambda: pruning.keep_layers(model, [0]),
        lambda: pruning.widths(model),
    ):
        with pytest.raises(InputError, match="mobilebert cannot be pruned"):
            attempt()


def altered(folder: Path, change: Any) -> Path:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    return folder


def _set(*keys: Any) -> Any:
    *path, last, value = keys

    def change(config: Any) -> None:
        for key in path:
            config = config[key]
        config[last] = value

    return change


KEY = pruning.KEY


@pytest.mark.parametrize(
    "change",
    [
        _set(KEY, 3),
        _set(KEY, {}),
        _set(KEY, []),
        _set(KEY, "layers", "two"),
        _set(KEY, "layers", []),
        _set(KEY, "layers", [3, 3]),
        _set(KEY, "layers", [{"heads": 2, "feed_forward": 32}]),
        _set(KEY, "layers", 0, "heads", 0),
        _set(KEY, "layers", 0, "heads", 5),
        _set(KEY, "layers", 0, "heads", True),
        _set(KEY, "layers", 0, "heads", 2.0),
        _set(KEY, "layers", 0, "heads", "2"),
        _set(KEY, "layers", 0, "more", 1),
        _set(KEY, "layers", 1, "feed_forward", 65),
        _set(KEY, "layers", 1, "feed_forward", -1),
        _set(KEY, "sparsity", 1.5),
        _set(KEY, "sparsity", float("nan")),
        _set(KEY, "sparsity", True),
        _set(KEY, "parameters_before", 0),
        _set(KEY, "parameters_before", None),
        # Numbers that a model could have, and these tensors have not.
        _set(KEY, "layers", 0, "heads", 3),
        _set(KEY, "layers", 1, "feed_forward", 17),
        lambda config: config.pop(KEY),
        _set("num_attention_heads", 2),
        _set("num_hidden_layers", 3),
    ],
)
def test_an_altered_configuration(change: Any, tmp_path: Path) -> None:
    folder = altered(pruned_folder(tmp_path), change)
    for read in (models.load, load_checkpoint):
        with pytest.raises(ConversionError) as error:
            read(folder)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 600


def test_attention_losses_count_the_heads_of_each_layer(tmp_path: Path) -> None:
    whole = models.load(students.checkpoint(tmp_path / "whole")).model
    pruned = models.load(pruned_folder(tmp_path)).model
    assert attention_loss("auto", whole, whole) == "scores"
    assert attention_loss("auto", pruned, whole) == "relations"
    with pytest.raises(InputError, match="2 or 3 heads, the teacher 4"):
        attention_loss("scores", pruned, whole)


def test_a_student_of_the_layers_of_a_pruned_teacher(tmp_path: Path) -> None:
    teacher = models.load(pruned_folder(tmp_path)).model
    student = student_from_layers(teacher, (2,))
    assert pruning.widths(student) == (Widths(3, 16),)
    layer = next(pruning.linears(student))
    assert torch.equal(layer["query"].weight, list(pruning.linears(teacher))[1]["query"].weight)


def test_an_encoder_without_a_head(tmp_path: Path) -> None:
    folder = pruned_folder(tmp_path)
    body = pretrained(transformers.AutoModel, folder, ())
    models.save(body, folder, tmp_path / "body")
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",), pooling="mean")
    manifest = edgebert.convert(tmp_path / "body", tmp_path / "bundle", options)
    assert manifest.artifacts[0].parity.agreement > 0.99999
    model = edgebert.load(tmp_path / "bundle")
    assert np.isfinite(model.embed("a quiet film")).all()
