"""The figures of a comparison, worked by hand, and the gate they pass through."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgebert_converters import parity
from edgebert_converters.recipes import RECIPES
from edgebert_runtime.errors import AccuracyError
from edgebert_runtime.manifest import Parity


def rows(*values: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_classification_by_hand() -> None:
    # softmax of (0, ln 3) is (1/4, 3/4); of (ln 3, 0) is (3/4, 1/4).
    expected = rows([0.0, math.log(3)], [0.0, math.log(3)])
    given = rows([0.0, math.log(3)], [math.log(3), 0.0])
    compared = parity.compare("classification", expected, given)
    assert compared.sentences == 2
    assert compared.agreement == 0.5
    assert compared.max_difference == pytest.approx(0.5)
    assert compared.mean_difference == pytest.approx(0.25)


def test_several_labels_by_hand() -> None:
    # A logit of ln 3 is a probability of 3/4, and of 0 one of 1/2, which applies.
    compared = parity.compare(
        "multi-label-classification", rows([math.log(3), -1.0]), rows([0.0, 1.0])
    )
    assert compared.agreement == 0.5
    sigmoid = 1 / (1 + math.e)
    assert compared.max_difference == pytest.approx(1 - 2 * sigmoid)
    assert compared.mean_difference == pytest.approx((0.25 + 1 - 2 * sigmoid) / 2)


def test_embeddings_by_hand() -> None:
    compared = parity.compare("embedding", rows([3.0, 4.0], [1.0, 0.0]), rows([3.0, 4.0], [1, 1]))
    assert compared.agreement == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert compared.max_difference == 1.0
    assert compared.mean_difference == 0.25


def test_regression_by_hand() -> None:
    # Squares about the mean of 2: 1 + 0 + 1; squares of the errors: 0 + 0.25 + 0.25.
    compared = parity.compare("regression", rows([1.0], [2.0], [3.0]), rows([1.0], [2.5], [3.5]))
    assert compared.agreement == pytest.approx(0.75)


@pytest.mark.parametrize(("given", "agreement"), [(1.0, 1.0), (1.1, 0.0)])
def test_regression_of_a_constant(given: float, agreement: float) -> None:
    compared = parity.compare("regression", rows([1.0], [1.0]), rows([given], [given]))
    assert compared.agreement == agreement


def test_labels_of_tokens_by_hand() -> None:
    # Two texts of two tokens and one; softmax of (0, ln 3) is (1/4, 3/4).
    expected = rows([0.0, math.log(3)], [0.0, math.log(3)], [math.log(3), 0.0])
    given = rows([0.0, math.log(3)], [0.0, 0.0], [0.0, math.log(3)])
    compared = parity.compare("token-classification", expected, given, [2, 1])
    assert compared.sentences == 2
    assert compared.agreement == pytest.approx(1 / 3)  # of (0, 0) the first column is taken
    assert compared.max_difference == pytest.approx(0.5)
    assert compared.mean_difference == pytest.approx((0 + 0.25 + 0.5) / 3)


def test_answers_by_hand() -> None:
    # Over the tokens of a text: the first has the same start and end, the second another end.
    expected = rows([0.0, math.log(3)], [math.log(3), 0.0], [1.0, 0.0], [0.0, math.log(3)])
    given = rows([0.0, math.log(3)], [math.log(3), 0.0], [1.0, math.log(3)], [0.0, 0.0])
    compared = parity.compare("question-answering", expected, given, [2, 2])
    assert (compared.sentences, compared.agreement) == (2, 0.5)
    assert compared.max_difference == pytest.approx(0.5)
    assert compared.mean_difference == pytest.approx(0.5 / 4)


def test_tokens_of_a_masked_lm_by_hand() -> None:
    expected = rows([math.log(2), 0.0, 0.0], [0.0, 0.0, math.log(2)])
    given = rows([math.log(2), 0.0, 0.0], [0.0, math.log(2), 0.0])
    compared = parity.compare("masked-lm", expected, given, [1, 1])
    assert (compared.sentences, compared.agreement) == (2, 0.5)
    assert compared.max_difference == pytest.approx(0.25)
    assert compared.mean_difference == pytest.approx((0 + 0.25) / 2)  # not (0 + 0.5 / 3) / 2


@pytest.mark.parametrize("place", [0, 2])
def test_numbers_that_are_none_do_not_pass_unseen(place: int) -> None:
    expected = rows([1.0, 0.0], [0.0, 1.0], [1.0, 0.0])
    given = expected.copy()
    given[place] = math.nan
    compared = parity.compare("token-classification", expected, given, [1, 2])
    assert math.isnan(compared.max_difference)
    assert math.isnan(compared.mean_difference)


def test_zero_vectors_do_not_divide_by_zero() -> None:
    assert parity.compare("embedding", rows([0.0, 0.0]), rows([0.0, 0.0])).agreement == 0.0


@pytest.mark.parametrize(
    ("task", "figures", "message"),
    [
        ("classification", Parity(10, 0.2, 0.06, 1.0), "mean difference 0.06, at most 0.05"),
        ("classification", Parity(10, 0.2, 0.01, 0.9), "equal labels 0.9000, at least 0.95"),
        ("embedding", Parity(10, 0.2, 0.01, 0.98), "mean cosine 0.9800, at least 0.99"),
        ("embedding", Parity(10, 0.2, 0.01, math.nan), "mean cosine nan"),
        ("regression", Parity(10, 9.0, 9.0, 0.9), "coefficient of determination 0.9000"),
        ("token-classification", Parity(10, 0.2, 0.01, 0.9), "equal labels 0.9000"),
        ("question-answering", Parity(10, 0.2, 0.01, 0.9), "equal answers 0.9000, at least 0.9025"),
        ("masked-lm", Parity(10, 0.2, 0.06, 0.9), "equal best tokens 0.9000.*mean difference 0.06"),
    ],
)
def test_a_stray_artifact_is_refused_with_its_figures(
    task: str, figures: Parity, message: str
) -> None:
    with pytest.raises(AccuracyError, match=message):
        parity.check(task, RECIPES["int8_dynamic"], figures, "onnx")


@pytest.mark.parametrize("task", ["classification", "embedding", "regression"])
def test_a_near_artifact_passes(task: str) -> None:
    parity.check(task, RECIPES["int8_dynamic"], Parity(10, 0.2, 0.01, 0.999), "onnx")
    with pytest.raises(AccuracyError):
        parity.check(task, RECIPES["float32"], Parity(10, 0.2, 0.01, 0.99), "onnx")
