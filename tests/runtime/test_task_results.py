"""The arithmetic of each task, against examples worked by hand."""

from __future__ import annotations

import math

import pytest

from edgebert_runtime.tasks import INTERPRETERS, Classification, MultiLabel, Regression
from edgebert_runtime.tasks.classification import best

LABELS = ("a", "b", "c")


def test_softmax_by_hand() -> None:
    # e^0 : e^ln2 : e^ln5 = 1 : 2 : 5
    answer = INTERPRETERS["classification"]([0.0, math.log(2), math.log(5)], LABELS, 2, False)
    assert isinstance(answer, Classification)
    assert answer.label == "c"
    assert answer.score == pytest.approx(5 / 8)
    assert answer.scores == pytest.approx({"a": 1 / 8, "b": 2 / 8, "c": 5 / 8})
    assert [label for label, _ in answer.top] == ["c", "b"]
    assert answer.truncated is False


def test_softmax_of_one_label_is_certain() -> None:
    assert INTERPRETERS["classification"]([-3.0], ("a",), 1, True) == Classification(
        "a", 1.0, {"a": 1.0}, (("a", 1.0),), True
    )


@pytest.mark.parametrize(
    ("logits", "scores"),
    [
        ([1e4, -1e4], [1.0, 0.0]),
        ([-1e4, -1e4], [0.5, 0.5]),
        ([1e4, 1e4], [0.5, 0.5]),
        ([3.4e38, -3.4e38], [1.0, 0.0]),
    ],
)
def test_softmax_of_extreme_logits(logits: list[float], scores: list[float]) -> None:
    answer = INTERPRETERS["classification"](logits, ("a", "b"), 1, False)
    assert list(answer.scores.values()) == scores  # type: ignore[union-attr]


def test_sigmoid_by_hand() -> None:
    # 1 / (1 + e^-ln3) = 3/4, and the mirror image 1/4; exactly 0.5 applies.
    answer = INTERPRETERS["multi-label-classification"](
        [math.log(3), -math.log(3), 0.0], LABELS, 5, True
    )
    assert isinstance(answer, MultiLabel)
    assert answer.labels == ("a", "c")
    assert answer.scores == pytest.approx({"a": 0.75, "b": 0.25, "c": 0.5})
    assert [label for label, _ in answer.top] == ["a", "c", "b"]
    assert answer.truncated is True


def test_no_label_may_apply() -> None:
    answer = INTERPRETERS["multi-label-classification"]([-0.1, -5.0, -1e4], LABELS, 1, False)
    assert isinstance(answer, MultiLabel)
    assert answer.labels == ()
    assert answer.scores["c"] == 0.0
    assert answer.top == (("a", pytest.approx(0.47502081)),)


def test_sigmoid_of_extreme_logits() -> None:
    answer = INTERPRETERS["multi-label-classification"]([1e4, -1e4, 3.4e38], LABELS, 1, False)
    assert isinstance(answer, MultiLabel)
    assert list(answer.scores.values()) == [1.0, 0.0, 1.0]


def test_equal_scores_keep_the_order_of_the_labels() -> None:
    scores = {"z": 0.25, "a": 0.25, "m": 0.5, "b": 0.25}
    assert best(scores, 3) == (("m", 0.5), ("z", 0.25), ("a", 0.25))
    tied = INTERPRETERS["classification"]([1.0, 1.0, 1.0], ("z", "a", "m"), 3, False)
    assert isinstance(tied, Classification)
    assert tied.label == "z"
    assert [label for label, _ in tied.top] == ["z", "a", "m"]


def test_regression_gives_numbers_as_they_are() -> None:
    assert INTERPRETERS["regression"]([-1.5, 1e4], ("stars", "price"), 9, True) == Regression(
        -1.5, {"stars": -1.5, "price": 1e4}, True
    )


@pytest.mark.parametrize("task", INTERPRETERS)
def test_as_many_outputs_as_labels(task: str) -> None:
    with pytest.raises(ValueError, match="zip"):
        INTERPRETERS[task]([0.0, 1.0], LABELS, 1, False)
