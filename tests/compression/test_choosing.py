"""What importance says, what is chosen by it, and what the rest costs."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import students
import torch
from torch.utils.flop_counter import FlopCounterMode

from edgebert.compression import importance, selection
from edgebert.compression.cost import CostModel
from edgebert.compression.importance import Scores
from edgebert.compression.options import Target
from edgebert.compression.search import Figures, search
from edgebert.compression.selection import Amounts
from edgebert.distillation import models
from edgebert_converters import pruning
from edgebert_converters.checkpoint import classifier_student
from edgebert_converters.pruning import Kept, Widths
from edgebert_runtime.errors import ConversionError, InputError

every_family = pytest.mark.parametrize("family", pruning.families.PRUNABLE)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def model_of(folder: Path, family: str = "bert", **config: Any) -> Any:
    return models.load(students.checkpoint(folder, family, **config)).model


def batch(rows: int = 3) -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 300, (rows, 7), generator=torch.Generator().manual_seed(2))
    labels = torch.tensor([[float(row % 2)] for row in range(rows)])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def loss_of(model: Any, given: dict[str, torch.Tensor]) -> float:
    inputs = {name: each for name, each in given.items() if name != "labels"}
    with torch.no_grad():
        logits = model.double().eval()(**inputs).logits
        return float(torch.nn.functional.cross_entropy(logits, given["labels"][:, 0].long()))


@every_family
def test_taylor_is_the_slope_of_the_loss(family: str, tmp_path: Path) -> None:
    """Against finite differences: a head's, or a neuron's, outgoing weights scaled a little."""
    model = model_of(tmp_path, family)
    given = batch()
    scores = importance.taylor(model, [given], "classification")
    step = 1e-4
    for layer in (0, 1):
        for name, unit, found in (
            ("output", slice(8, 16), scores.heads[layer][1]),
            ("contract", slice(5, 6), scores.neurons[layer][5]),
        ):
            slopes = []
            for row in range(3):
                example = {key: each[row : row + 1] for key, each in given.items()}
                sides = []
                for factor in (1 + step, 1 - step):
                    scaled = copy.deepcopy(model).double()
                    with torch.no_grad():
                        list(pruning.linears(scaled))[layer][name].weight[:, unit] *= factor
                    sides.append(loss_of(scaled, example))
                slopes.append(abs(sides[0] - sides[1]) / (2 * step))
            assert float(found) == pytest.approx(sum(slopes) / 3, rel=1e-2, abs=1e-6)
    assert not any(each.grad is not None for each in model.parameters())
    assert not any(each._forward_pre_hooks for each in model.modules())


def test_rows_without_a_label_do_not_count(tmp_path: Path) -> None:
    model, given = model_of(tmp_path), batch()
    known = {name: each[:2] for name, each in given.items()}
    given["labels"][2] = math.nan
    first = importance.taylor(model, [known], "classification")
    second = importance.taylor(model, [given], "classification")
    torch.testing.assert_close(first.heads, second.heads)
    given["labels"][:] = math.nan
    with pytest.raises(InputError, match="no row has a label"):
        importance.taylor(model, [given], "classification")


def test_norms_are_of_all_weights_of_a_head_or_neuron(tmp_path: Path) -> None:
    model = model_of(tmp_path)
    layer = next(pruning.linears(model))
    rows = [layer[name].weight.detach()[8:16] for name in ("query", "key", "value")]
    head = torch.cat([*rows, layer["output"].weight.detach()[:, 8:16].t()])
    neuron = torch.cat(
        [layer["expand"].weight.detach()[3], layer["contract"].weight.detach()[:, 3]]
    )
    l1, l2 = importance.norms(model, "l1"), importance.norms(model, "l2")
    assert float(l1.heads[0][1]) == pytest.approx(float(head.abs().sum()), rel=1e-5)
    assert float(l2.heads[0][1]) == pytest.approx(float(head.square().sum().sqrt()), rel=1e-5)
    assert float(l1.neurons[0][3]) == pytest.approx(float(neuron.abs().sum()), rel=1e-5)
    assert float(l2.neurons[0][3]) == pytest.approx(float(neuron.square().sum().sqrt()), rel=1e-5)


def test_damaged_weights(tmp_path: Path) -> None:
    model = model_of(tmp_path)
    with torch.no_grad():
        next(pruning.linears(model))["expand"].weight[0, 0] = math.nan
    with pytest.raises(ConversionError, match="no finite number"):
        importance.norms(model, "l2")
    with pytest.raises(ConversionError, match="no finite number"):
        importance.taylor(model, [batch()], "classification")


SCORES = Scores(
    (torch.tensor([4.0, 1.0, 3.0, 2.0]), torch.tensor([9.0, 8.0, 7.0, 6.0])),
    (torch.arange(10.0), torch.arange(10.0) + 100),
)


def test_the_best_of_all_layers() -> None:
    first, second = selection.choose(SCORES, (0, 1), Amounts(5, 8), 4)
    assert first.heads == (0,)
    assert second.heads == (0, 1, 2, 3)
    # Each layer keeps its best group, whatever the others have; groups are whole.
    assert first.neurons == (6, 7, 8, 9)
    assert second.neurons == (6, 7, 8, 9)


@pytest.mark.parametrize("amount", [1, 7, 8, 9, 13, 20])
@pytest.mark.parametrize("multiple", [1, 3, 4, 10, 16])
def test_counts_suit_the_kernels(amount: int, multiple: int) -> None:
    for keep in selection.choose(SCORES, (0, 1), Amounts(1, amount), multiple):
        count = len(keep.neurons)
        assert count % multiple == 0 or count == 10
        # The most important, and none left out for a lesser.
        assert keep.neurons == tuple(range(10 - count, 10))


def test_counts_for_each_layer() -> None:
    first, second = selection.choose(SCORES, (0, 1), Amounts((1, 2), (5, 10)), 4)
    assert (first.heads, second.heads) == ((0,), (0, 1))
    assert (len(first.neurons), len(second.neurons)) == (8, 10)


def test_shared_layers_count_once() -> None:
    first, second = selection.choose(SCORES, (0, 0), Amounts(2, 4), 2)
    assert first == second == Kept((0, 2), (6, 7, 8, 9))


def test_the_layers_that_matter_most() -> None:
    assert selection.layers(SCORES, 1) == (1,)
    assert selection.layers(SCORES, 2) == (0, 1)


@every_family
def test_costs_are_those_of_the_model_itself(family: str, tmp_path: Path) -> None:
    model = model_of(tmp_path, family)
    shared = family == "albert"
    keep = [Kept((0, 2), tuple(range(24)))] * 2
    if not shared:
        keep[1] = Kept((0, 1, 3), tuple(range(40)))
    wanted = [Widths(len(each.heads), len(each.neurons)) for each in keep]
    expected = CostModel(model, 11).cost(wanted)
    pruning.prune(model, keep)
    assert CostModel(model, 11).cost(wanted) == expected
    assert expected.parameters == pruning.parameters(model)
    student = classifier_student(model, token_types=False)
    ids = torch.full((1, 11), 7)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        student(ids, torch.ones_like(ids))
    assert expected.macs == counter.get_total_flops() // 2


def test_the_last_layer_counts_less_where_time_does(tmp_path: Path) -> None:
    model = model_of(tmp_path)
    equal = Scores((torch.ones(4),) * 2, (torch.ones(64),) * 2)
    found = CostModel(model, 50).efficiency(equal)
    assert float(found.neurons[1][0] / found.neurons[0][0]) == pytest.approx(50)
    # Keys and values of every token stay, queries and outputs of one.
    whole, last = 4 * 50 * 8 * 32 + 2 * 50 * 50 * 8, (2 + 2 * 50) * 8 * 32 + 2 * 50 * 8
    assert float(found.heads[1][0] / found.heads[0][0]) == pytest.approx(whole / last)


def figures(share: float) -> Figures:
    return Figures(1000 + round(1000 * share), round(500 * share))


def test_a_search_finds_the_most_that_meets_the_target() -> None:
    share, tries = search(Target("parameters", 0.75), figures(1.0), figures)
    assert 0.49 < share <= 0.5
    assert all(each.met == (each.figures.parameters <= 1500) for each in tries)
    assert len(tries) == 12
    share, tries = search(Target("macs", 100), figures(1.0), figures)
    assert 0.19 < share <= 0.2005
    share, tries = search(Target("macs", 500), figures(1.0), figures)
    assert (share, len(tries)) == (1.0, 1)


def test_a_target_out_of_reach() -> None:
    with pytest.raises(InputError, match=r"cannot be met.* it is 1,000, the limit is 800"):
        search(Target("parameters", 0.4), figures(1.0), figures)
