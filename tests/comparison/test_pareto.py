"""Which choices are on the front, against examples worked by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebert.comparison.pareto import Figures, dominates, front

KNOWN = st.builds(Figures, *(st.integers(0, 3) for _ in range(3)))


def test_a_front_by_hand() -> None:
    choices = [
        Figures(0.90, 1.0, 20),
        Figures(0.92, 2.0, 20),
        Figures(0.91, 3.0, 30),  # the second is better, faster and smaller
        Figures(0.91, 3.0, 10),  # slower than the second, and smaller
        Figures(0.89, 1.0, 20),  # as fast and as small as the first, and worse
    ]
    assert front(choices) == [True, True, False, True, False]


@pytest.mark.parametrize(
    "worse", [Figures(0.8, 1.0, 20), Figures(0.9, 1.1, 20), Figures(0.9, 1.0, 21)]
)
def test_better_in_one_and_equal_in_the_rest(worse: Figures) -> None:
    best = Figures(0.9, 1.0, 20)
    assert dominates(best, worse)
    assert not dominates(worse, best)
    assert front([worse, best]) == [False, True]


def test_equal_choices_stand_together() -> None:
    equal = Figures(0.9, 1.0, 20)
    assert front([equal, equal, Figures(0.8, 1.0, 20)]) == [True, True, False]


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_an_unknown_figure_neither_wins_nor_beats(unknown: float | None) -> None:
    known = Figures(0.5, 2.0, 30)
    for choice in (
        Figures(unknown, 1.0, 20),
        Figures(0.9, unknown, 20),
        Figures(0.9, 1.0, unknown),
    ):
        assert front([choice, known]) == [False, True]


def test_nothing_to_choose_from() -> None:
    assert front([]) == []


@given(st.lists(KNOWN, min_size=1, max_size=12))
def test_whoever_is_not_on_the_front_is_beaten_by_one_who_is(choices: list[Figures]) -> None:
    best = [choice for choice, on in zip(choices, front(choices), strict=True) if on]
    assert best
    for choice in choices:
        assert (choice in best) != any(dominates(other, choice) for other in best)
