"""Penalties on heads and neurons against sums worked by hand, and which weights they reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import students
import torch
import transformers
from torch import Tensor

from edgebert.distillation import regularization
from edgebert.distillation.objectives import FineTuning, Penalties
from edgebert.distillation.regularization import group_lasso, l1, layers_of
from edgebert_converters.encoder import Layer
from edgebert_runtime import InputError

PENALTIES = {"l1": l1, "group lasso": group_lasso}
by_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES.keys())


def tiny() -> Any:
    """One layer, two heads of width 2, three neurons: heads of 32 weights, neurons of 8."""
    config = transformers.BertConfig(
        vocab_size=5,
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=3,
        max_position_embeddings=8,
    )
    return transformers.BertForSequenceClassification(config)


def filled() -> Any:
    """The first head is 2 everywhere, the second -3; the neurons are 1, 0 and 5 in and -1, 0, 7."""
    model = tiny()
    layer = model.bert.encoder.layer[0]
    attention = layer.attention.self
    with torch.no_grad():
        for linear in (attention.query, attention.key, attention.value):
            linear.weight[:2] = 2.0
            linear.weight[2:] = -3.0
        layer.attention.output.dense.weight[:, :2] = 2.0
        layer.attention.output.dense.weight[:, 2:] = -3.0
        for neuron, (first, second) in enumerate([(1.0, -1.0), (0.0, 0.0), (5.0, 7.0)]):
            layer.intermediate.dense.weight[neuron] = first
            layer.output.dense.weight[:, neuron] = second
    return model


def test_l1_by_hand() -> None:
    total = 32 * 2 + 32 * 3 + 4 * (1 + 1) + 4 * (5 + 7)
    assert l1(layers_of(filled())).item() == pytest.approx(total / (64 + 24))


def test_group_lasso_by_hand() -> None:
    # Norms: roots of 32 * 4 and 32 * 9 of the heads; of 8, 0 and 4 * (25 + 49) of the neurons.
    heads = math.sqrt(32) * (math.sqrt(32 * 4) + math.sqrt(32 * 9))
    neurons = math.sqrt(8) * (math.sqrt(8) + 0 + math.sqrt(4 * (25 + 49)))
    expected = (heads + neurons) / (64 + 24)
    assert group_lasso(layers_of(filled())).item() == pytest.approx(expected)


def test_a_head_is_its_rows_and_its_columns() -> None:
    model = tiny()
    attention = model.bert.encoder.layer[0].attention
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        attention.self.key.weight[2:] = 4.0
        attention.output.dense.weight[:, 2:] = 2.0
    # Only the second head is not zero: 8 of its weights are 4, and 8 are 2, of 32.
    expected = math.sqrt(32) * math.sqrt(8 * 16 + 8 * 4) / (64 + 24)
    assert group_lasso(layers_of(model)).item() == pytest.approx(expected)


@by_penalty
def test_layers_weigh_the_same(penalty: Callable[[list[Layer]], Tensor]) -> None:
    layers = layers_of(filled())
    assert penalty([*layers, *layers]).item() == pytest.approx(penalty(layers).item())


REACHED = {
    "attention.self.query.weight",
    "attention.self.key.weight",
    "attention.self.value.weight",
    "attention.output.dense.weight",
    "intermediate.dense.weight",
    "output.dense.weight",
}


@by_penalty
def test_gradient_reaches_these_weights_and_nothing_else(
    penalty: Callable[[list[Layer]], Tensor],
) -> None:
    model = tiny()
    penalty(layers_of(model)).backward()
    reached = {name for name, each in model.named_parameters() if each.grad is not None}
    assert reached == {f"bert.encoder.layer.0.{name}" for name in REACHED}
    for name in reached:
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert int((gradient != 0).sum()) == gradient.numel()


@by_penalty
def test_gradient_against_differences(penalty: Callable[[list[Layer]], Tensor]) -> None:
    torch.manual_seed(0)
    model = tiny().double()
    with torch.no_grad():
        for parameter in model.parameters():
            # Away from zero, where the absolute value has no slope.
            parameter.copy_(parameter.sign() * (0.1 + torch.rand_like(parameter)))
    layers = layers_of(model)
    penalty(layers).backward()
    step = 1e-6
    for name in REACHED:
        weight = model.get_parameter(f"bert.encoder.layer.0.{name}")
        assert weight.grad is not None
        flat = weight.data.view(-1)
        for index in range(0, len(flat), 5):
            value = flat[index].item()
            flat[index] = value + step
            above = penalty(layers).item()
            flat[index] = value - step
            below = penalty(layers).item()
            flat[index] = value
            slope = (above - below) / (2 * step)
            assert float(weight.grad.view(-1)[index]) == pytest.approx(slope, rel=1e-5, abs=1e-9)


@by_penalty
def test_what_is_zero_stays_there(penalty: Callable[[list[Layer]], Tensor]) -> None:
    model = filled()
    layer = model.bert.encoder.layer[0]
    attention = layer.attention.self
    with torch.no_grad():
        for linear in (attention.query, attention.key, attention.value):
            linear.weight[:2] = 0.0
        layer.attention.output.dense.weight[:, :2] = 0.0
    value = penalty(layers_of(model))
    value.backward()
    assert math.isfinite(value.item())
    for name in REACHED:
        gradient = model.get_parameter(f"bert.encoder.layer.0.{name}").grad
        assert gradient is not None
        assert torch.isfinite(gradient).all()
    assert attention.query.weight.grad[:2].abs().max() == 0
    assert attention.query.weight.grad[2:].abs().min() > 0


def test_descent_drives_weak_groups_to_zero_before_strong_ones() -> None:
    model = filled()
    with torch.no_grad():
        model.bert.encoder.layer[0].intermediate.dense.weight[0] = 0.01
        model.bert.encoder.layer[0].output.dense.weight[:, 0] = 0.01
    layers = layers_of(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        group_lasso(layers).backward()
        optimizer.step()
    layer = model.bert.encoder.layer[0]
    assert float(layer.intermediate.dense.weight[0].detach().abs().max()) < 0.01
    assert float(layer.intermediate.dense.weight[2].detach().min()) > 4.9


HEADS_AND_NEURONS = [each for each in students.CONFIGURATIONS if each != "mobilebert"]


@pytest.mark.parametrize("family", HEADS_AND_NEURONS)
def test_every_family_with_heads_and_neurons(family: str) -> None:
    model = family_model(family)
    layers = layers_of(model)
    assert len(layers) == 2
    for penalty in PENALTIES.values():
        model.zero_grad()
        value = penalty(layers)
        value.backward()
        assert value.item() > 0
        reached = [each for each in model.parameters() if each.grad is not None]
        # ALBERT's two layers are one.
        assert len(reached) == (6 if family == "albert" else 12)


def family_model(family: str) -> Any:
    kind, sizes = students.CONFIGURATIONS[family]
    torch.manual_seed(0)
    settings = {
        "vocab_size": 40,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        **sizes,
    }
    if family == "distilbert":
        settings = {"vocab_size": 40, **sizes}
    return transformers.AutoModelForSequenceClassification.from_config(kind(**settings))


@pytest.mark.parametrize("penalties", [Penalties(l1=1.0), Penalties(group_lasso=1.0)])
def test_a_mobilebert_is_refused_in_one_line(penalties: Penalties) -> None:
    model = family_model("mobilebert")
    with pytest.raises(InputError, match="do not know the layers of a mobilebert") as caught:
        FineTuning(model, "classification", penalties)
    assert "\n" not in str(caught.value)
    FineTuning(model, "classification", Penalties())


def test_penalties_are_added_by_their_strengths_and_own_no_parameters() -> None:
    model = filled()
    plain = FineTuning(model, "classification", Penalties())
    penalized = FineTuning(model, "classification", Penalties(l1=0.5, group_lasso=0.25))
    model.eval()
    batch = {
        "input_ids": torch.tensor([[1, 2]]),
        "attention_mask": torch.tensor([[1, 1]]),
        "labels": torch.tensor([[1.0]]),
    }
    losses = penalized(batch)
    layers = regularization.layers_of(model)
    assert losses["l1"].item() == pytest.approx(0.5 * l1(layers).item())
    assert losses["group_lasso"].item() == pytest.approx(0.25 * group_lasso(layers).item())
    assert losses["loss"].item() == pytest.approx(
        (plain(batch)["loss"] + losses["l1"] + losses["group_lasso"]).item()
    )
    assert penalized.state_dict().keys() == plain.state_dict().keys()
    assert len(list(penalized.parameters())) == len(list(plain.parameters()))
