from __future__ import annotations

import pytest
from peers import agreement


def test_cosines_are_those_computed_by_hand() -> None:
    found = agreement.of_outputs([[1.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [3.0, 4.0]])
    assert found["cosine"] == pytest.approx((0.5**0.5 + 1.0) / 2)
    assert found["least_cosine"] == pytest.approx(0.5**0.5)
    # Less the mean (2, 2.5): (-1, -2.5) against (-1, -1.5), and (1, 1.5) against itself.
    apart = (1 + 2.5 * 1.5) / ((1 + 2.5**2) ** 0.5 * (1 + 1.5**2) ** 0.5)
    assert found["centred_cosine"] == pytest.approx((apart + 1.0) / 2)
    assert found["largest_difference"] == 1.0


def test_an_artifact_that_answers_everything_alike_agrees_with_nothing() -> None:
    reference = [[5.0, 5.1], [5.1, 5.0]]
    mean = [[5.05, 5.05], [5.05, 5.05]]
    found = agreement.of_outputs(mean, reference)
    assert found["cosine"] > 0.9999
    assert found["centred_cosine"] == 0.0


def test_zeros_have_no_direction() -> None:
    assert agreement.of_outputs([[0.0, 0.0]], [[1.0, 2.0]])["cosine"] == 0.0


def test_labels_are_compared_text_by_text() -> None:
    assert agreement.of_labels(["a", "b", "a", "a"], ["a", "a", "a", "b"])["equal_labels"] == 0.5
