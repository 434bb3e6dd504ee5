"""Every loss against numbers worked by hand, its gradient against finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from edgebert.distillation import losses

MASK = torch.tensor([[1, 1, 1], [1, 0, 0]])
"""Two texts of three tokens and one: four real tokens, and 3 * 3 + 1 real pairs of them."""


def softmax(values: list[float]) -> list[float]:
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]


def divergence(wanted: list[float], given: list[float]) -> float:
    pairs = zip(softmax(wanted), softmax(given), strict=True)
    return sum(p * (math.log(p) - math.log(q)) for p, q in pairs)


def check_gradient(loss: Callable[[Tensor], Tensor], point: Tensor) -> None:
    """Central differences in float32, whose rounding a step of 1e-2 keeps below a thousandth."""
    point = point.clone().requires_grad_()
    loss(point).backward()
    assert point.grad is not None
    step = 1e-2
    with torch.no_grad():
        for index in range(point.numel()):
            offset = torch.zeros(point.numel()).index_fill(0, torch.tensor(index), step)
            offset = offset.view_as(point)
            slope = float(loss(point + offset) - loss(point - offset)) / (2 * step)
            assert float(point.grad.flatten()[index]) == pytest.approx(slope, abs=2e-3, rel=1e-2)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_hidden_loss_by_hand() -> None:
    student = torch.tensor([[[1.0, 2.0], [0.0, 0.0], [3.0, 1.0]], [[5.0, 5.0], [9.0, 9.0], [9, 9]]])
    teacher = torch.tensor([[[1.0, 0.0], [2.0, 2.0], [3.0, 1.0]], [[5.0, 2.0], [0.0, 0.0], [0, 0]]])
    # Rows: (0 + 4) / 2, (4 + 4) / 2, 0 and (0 + 9) / 2, over four real tokens.
    loss = losses.hidden_loss(student, teacher, MASK)
    assert loss.item() == pytest.approx((2.0 + 4.0 + 0.0 + 4.5) / 4)


def test_score_loss_by_hand() -> None:
    teacher = torch.zeros(2, 2, 3, 3)
    student = torch.zeros(2, 2, 3, 3)
    student[0, 0] = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    student[0, 1, 0, 0] = 3.0
    student[1, 0] = torch.tensor([[4.0, 7.0, 7.0], [7.0, 7.0, 7.0], [7.0, 7.0, 7.0]])
    # Squares of real pairs, halved by the mean over two heads, over 3 * 3 + 1 pairs.
    expected = ((1 + 4 + 9) / 2 + 9 / 2 + 16 / 2) / 10
    assert float(losses.score_loss(student, teacher, MASK)) == pytest.approx(expected)


def test_attention_scores_by_hand() -> None:
    # Two heads of width 4, so that products are divided by 2.
    query = torch.tensor([[[1.0, 0, 0, 2, 0, 3, 0, 0], [0.0, 1, 0, 0, 1, 0, 0, 0]]])
    key = torch.tensor([[[2.0, 0, 0, 1, 0, 2, 5, 0], [0.0, 6, 0, 0, 8, 0, 0, 0]]])
    assert losses.attention_scores(query, key, 2).tolist() == [
        [[[(2 + 2) / 2, 0.0], [0.0, 6 / 2]], [[6 / 2, 0.0], [0.0, 8 / 2]]]
    ]


def test_relation_loss_by_hand() -> None:
    # One relation head of width 1: products are not scaled.
    student = torch.tensor([[[1.0], [0.0], [2.0]], [[3.0], [0.0], [0.0]]])
    teacher = torch.tensor([[[1.0], [-1.0], [1.0]], [[1.0], [0.0], [0.0]]])
    # The lone token of the second text is related to itself alone, with certainty.
    rows = [
        divergence([1.0, -1.0, 1.0], [1.0, 0.0, 2.0]),
        divergence([-1.0, 1.0, -1.0], [0.0, 0.0, 0.0]),
        divergence([1.0, -1.0, 1.0], [2.0, 0.0, 4.0]),
        0.0,
    ]
    loss = losses.relation_loss(student, teacher, MASK, 1)
    assert loss.item() == pytest.approx(sum(rows) / 4, rel=1e-5)


def test_relations_of_other_widths_by_hand() -> None:
    # Two heads: of width 1 in the student, of width 4 in the teacher, whose products are halved.
    student = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]])
    teacher = torch.tensor([[[1.0, 1, 1, 1, 0, 0, 2, 0], [2.0, 0, 0, 0, 0, 0, 0, 1]]])
    first = [
        divergence([4 / 2, 2 / 2], [1.0, 3.0]),
        divergence([2 / 2, 4 / 2], [3.0, 9.0]),
    ]
    second = [
        divergence([4 / 2, 0.0], [4.0, 0.0]),
        divergence([0.0, 1 / 2], [0.0, 0.0]),
    ]
    expected = (sum(first) + sum(second)) / 2 / 2
    loss = losses.relation_loss(student, teacher, torch.tensor([[1, 1]]), 2)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("student", "teacher", "heads"),
    [(312, 768, 24), (384, 768, 48), (320, 768, 32), (768, 768, 48), (7, 9, 1), (32, 32, 32)],
)
def test_relation_heads_divide_both_widths(student: int, teacher: int, heads: int) -> None:
    assert losses.relation_heads(student, teacher) == heads


ROWS: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], Tensor], tuple[int, ...]]] = {
    "hidden": (losses.hidden_loss, (2, 3, 4)),
    "scores": (losses.score_loss, (2, 2, 3, 3)),
    "relations": (lambda *each: losses.relation_loss(*each, 2), (2, 3, 4)),
    "queries and keys": (
        lambda student, teacher, mask: losses.score_loss(
            losses.attention_scores(student, student, 2),
            losses.attention_scores(teacher, teacher, 2),
            mask,
        ),
        (2, 3, 4),
    ),
}
by_rows = pytest.mark.parametrize(("loss", "shape"), ROWS.values(), ids=ROWS.keys())


@by_rows
def test_gradient_of_rows(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    check_gradient(lambda point: loss(point, random(*shape, seed=1), MASK), random(*shape))


@by_rows
def test_equal_rows_lose_nothing(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    point = random(*shape).requires_grad_()
    value = loss(point, point.detach().clone(), MASK)
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    assert point.grad is not None
    assert float(point.grad.abs().max()) < 1e-6


def padded(shape: tuple[int, ...]) -> Tensor:
    """Where a tensor of rows, or of scores, belongs to padding by MASK."""
    real = MASK.bool()
    if len(shape) == 4:
        return ~(real[:, None, :, None] & real[:, None, None, :]).expand(shape)
    return ~real[:, :, None].expand(shape)


@pytest.mark.parametrize("filling", [0.0, 1e9, 1e30, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("side", ["student", "teacher", "both"])
@pytest.mark.parametrize("name", ["hidden", "scores", "relations"])
def test_padding_counts_in_nothing(name: str, side: str, filling: float) -> None:
    padding_counts_in_nothing(name, side, filling)


@pytest.mark.parametrize("side", ["student", "teacher", "both"])
def test_padded_queries_and_keys_count_in_nothing(side: str) -> None:
    padding_counts_in_nothing("queries and keys", side, 1e9)


def padding_counts_in_nothing(name: str, side: str, filling: float) -> None:
    loss, shape = ROWS[name]
    plain = random(*shape).requires_grad_()
    teacher = random(*shape, seed=1)
    expected = loss(plain, teacher, MASK)
    expected.backward()
    hidden = padded(shape)
    point = plain.detach().clone()
    if side != "teacher":
        point = point.masked_fill(hidden, filling)
    if side != "student":
        teacher = teacher.masked_fill(hidden, filling)
    point.requires_grad_()
    value = loss(point, teacher, MASK)
    value.backward()
    assert plain.grad is not None
    assert point.grad is not None
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(point.grad, plain.grad)
    assert point.grad[hidden].abs().max().item() == 0.0


@pytest.mark.parametrize("name", ["hidden", "relations"])
def test_every_real_token_weighs_the_same(name: str) -> None:
    loss, _ = ROWS[name]
    student, teacher = random(2, 3, 4), random(2, 3, 4, seed=1)
    long = loss(student[:1], teacher[:1], MASK[:1])
    short = loss(student[1:, :1], teacher[1:, :1], MASK[1:, :1])
    both = loss(student, teacher, MASK)
    assert float(both) == pytest.approx((3 * float(long) + float(short)) / 4, rel=1e-5)
    if name == "hidden":
        assert float(both) != pytest.approx((float(long) + float(short)) / 2, rel=1e-2)


@by_rows
def test_more_padding_changes_nothing(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    student, teacher = random(*shape), random(*shape, seed=1)
    more = (0, 5, 0, 5) if len(shape) == 4 else (0, 0, 0, 5)
    longer = [torch.nn.functional.pad(each, more, value=7.0) for each in (student, teacher)]
    mask = torch.nn.functional.pad(MASK, (0, 5))
    assert float(loss(*longer, mask)) == pytest.approx(
        float(loss(student, teacher, MASK)), rel=1e-5
    )


@by_rows
def test_padding_alone_is_zero(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    point = random(*shape).requires_grad_()
    value = loss(point, random(*shape, seed=1), torch.zeros_like(MASK))
    value.backward()
    assert value.item() == 0.0
    assert point.grad is not None
    assert float(point.grad.abs().max()) == 0.0


@by_rows
def test_a_boolean_mask_serves_as_numbers_do(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    student, teacher = random(*shape), random(*shape, seed=1)
    assert float(loss(student, teacher, MASK.bool())) == float(loss(student, teacher, MASK))


@by_rows
def test_half_precision_is_summed_in_float32(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    student, teacher = random(*shape).bfloat16(), random(*shape, seed=1).bfloat16()
    value = loss(student, teacher, MASK)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(
        float(loss(student.float(), teacher.float(), MASK)), rel=2e-2
    )


# Logits


def test_soft_cross_entropy_by_hand() -> None:
    student, teacher = [[0.0, 2.0], [1.0, -1.0]], [[2.0, 0.0], [4.0, 0.0]]
    rows = []
    for given, wanted in zip(student, teacher, strict=True):
        halves = [value / 2 for value in given], [value / 2 for value in wanted]
        pairs = zip(softmax(halves[0]), softmax(halves[1]), strict=True)
        rows.append(-sum(p * math.log(q) for q, p in pairs))
    loss = losses.soft_cross_entropy(torch.tensor(student), torch.tensor(teacher), 2.0)
    assert loss.item() == pytest.approx(sum(rows) / 2 * 4)


def test_soft_binary_cross_entropy_by_hand() -> None:
    # At temperature 2: the student says 1/2 and 3/4, the teacher wants 3/4 and 1/2.
    student = torch.tensor([[0.0, 2 * math.log(3)]])
    teacher = torch.tensor([[2 * math.log(3), 0.0]])
    first = -(0.75 * math.log(0.5) + 0.25 * math.log(0.5))
    second = -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))
    loss = losses.soft_binary_cross_entropy(student, teacher, 2.0)
    assert loss.item() == pytest.approx((first + second) / 2 * 4)


SOFT = {
    "one label": losses.soft_cross_entropy,
    "several labels": losses.soft_binary_cross_entropy,
}
by_soft = pytest.mark.parametrize("loss", SOFT.values(), ids=SOFT.keys())


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@by_soft
def test_gradient_of_soft_labels(
    loss: Callable[[Tensor, Tensor, float], Tensor], temperature: float
) -> None:
    teacher = random(2, 3, seed=1)
    check_gradient(lambda point: loss(point, teacher, temperature), random(2, 3))


def test_a_high_temperature_keeps_the_size_of_gradients() -> None:
    student, teacher = torch.tensor([[0.3, -0.2, 0.5]]), torch.tensor([[0.1, 0.4, -0.8]])
    point = student.clone().requires_grad_()
    losses.soft_cross_entropy(point, teacher, 1000.0).backward()
    # Hinton's limit (arXiv 1503.02531, eq. 4) times T²: differences of centred logits, over three.
    differences = [0.3 - 0.1, -0.2 - 0.4, 0.5 + 0.8]
    centre = sum(differences) / 3
    assert point.grad is not None
    assert point.grad[0].tolist() == pytest.approx(
        [(each - centre) / 3 for each in differences], abs=1e-3
    )


def test_a_high_temperature_keeps_the_size_for_several_labels() -> None:
    point = torch.tensor([[0.3, -0.2]], requires_grad=True)
    losses.soft_binary_cross_entropy(point, torch.tensor([[0.1, 0.4]]), 1000.0).backward()
    # The sigmoid's slope at zero is 1/4; the mean is over two labels.
    assert point.grad is not None
    assert point.grad[0].tolist() == pytest.approx([0.2 / 4 / 2, -0.6 / 4 / 2], abs=1e-3)


@pytest.mark.parametrize("temperature", [1e-3, 1.0, 1e3])
@by_soft
def test_large_logits_stay_finite(
    loss: Callable[[Tensor, Tensor, float], Tensor], temperature: float
) -> None:
    point = torch.tensor([[1e4, -1e4]], requires_grad=True)
    value = loss(point, torch.tensor([[-1e4, 1e4]]), temperature)
    value.backward()
    assert point.grad is not None
    assert math.isfinite(value.item())
    assert torch.isfinite(point.grad).all()


# True labels

NAN = math.nan
HARD = {
    # -log softmax of (ln 3, 0) at 0 is -log 3/4, of (0, 0) at 1 is log 2.
    "classification": (
        [[math.log(3), 0.0], [0.0, 0.0]],
        [[0.0], [1.0]],
        (math.log(4 / 3) + math.log(2)) / 2,
    ),
    "regression": ([[1.0], [5.0]], [[3.0], [4.0]], (4 + 1) / 2),
    "multi-label-classification": (
        [[math.log(3), 0.0], [0.0, -math.log(3)]],
        [[1.0, 1.0], [0.0, 1.0]],
        (math.log(4 / 3) + math.log(2) + math.log(2) + math.log(4)) / 4,
    ),
}
by_task = pytest.mark.parametrize("task", HARD)


@by_task
def test_hard_loss_by_hand(task: str) -> None:
    logits, labels, expected = HARD[task]
    loss = losses.hard_loss(task, torch.tensor(logits), torch.tensor(labels))
    assert loss.item() == pytest.approx(expected)


@by_task
def test_gradient_of_hard_labels(task: str) -> None:
    logits, labels, _ = HARD[task]
    check_gradient(
        lambda point: losses.hard_loss(task, point, torch.tensor(labels)), torch.tensor(logits)
    )


@by_task
def test_rows_without_a_label_do_not_count(task: str) -> None:
    logits, labels, expected = HARD[task]
    width, outputs = len(labels[0]), len(logits[0])
    mixed = torch.tensor([logits[0], [100.0] * outputs, logits[1]], requires_grad=True)
    loss = losses.hard_loss(task, mixed, torch.tensor([labels[0], [NAN] * width, labels[1]]))
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert mixed.grad is not None
    assert mixed.grad[1].tolist() == [0.0] * outputs
    assert float(mixed.grad[0].abs().max()) > 0


@by_task
def test_no_labels_at_all_give_zero_and_no_gradient(task: str) -> None:
    logits, labels, _ = HARD[task]
    point = torch.tensor(logits, requires_grad=True)
    loss = losses.hard_loss(task, point, torch.full((2, len(labels[0])), NAN))
    loss.backward()
    assert loss.item() == 0.0
    assert point.grad is not None
    assert point.grad.tolist() == [[0.0] * len(logits[0])] * 2


@pytest.mark.parametrize(
    ("task", "label"),
    [("regression", [NAN, 1.0]), ("multi-label-classification", [1.0, NAN])],
)
def test_a_row_with_one_missing_number_does_not_count(task: str, label: list[float]) -> None:
    loss = losses.hard_loss(task, torch.tensor([[9.0, 9.0]]), torch.tensor([label]))
    assert loss.item() == 0.0
