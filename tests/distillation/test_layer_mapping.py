"""Which teacher layer each student layer learns from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgebert.distillation.mapping import layer_mapping
from edgebert_runtime import InputError

MAPPED = {
    "every second": ("uniform", 3, 6, (2, 4, 6)),
    "TinyBERT's own": ("uniform", 4, 12, (3, 6, 9, 12)),
    # 1.5, 3, 4.5 and 6, rounded up.
    "no whole step": ("uniform", 4, 6, (2, 3, 5, 6)),
    "one for one": ("uniform", 6, 6, (1, 2, 3, 4, 5, 6)),
    "a lone student layer": ("uniform", 1, 12, (12,)),
    "almost all": ("uniform", 11, 12, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
    "last": ("last", 3, 6, (4, 5, 6)),
    "last of as many": ("last", 2, 2, (1, 2)),
    "a tuple": ((1, 6), 2, 6, (1, 6)),
    "a list, in any order and twice": ([6, 2, 2], 3, 6, (6, 2, 2)),
    "a deeper student with a list": ([1, 1, 2, 2], 4, 2, (1, 1, 2, 2)),
}


@pytest.mark.parametrize(
    ("strategy", "student", "teacher", "expected"), MAPPED.values(), ids=MAPPED.keys()
)
def test_mappings(
    strategy: str | Sequence[int], student: int, teacher: int, expected: tuple[int, ...]
) -> None:
    assert layer_mapping(strategy, student, teacher) == expected


def test_uniform_ends_with_the_last_layer_and_rises() -> None:
    for teacher in range(1, 25):
        for student in range(1, teacher + 1):
            layers = layer_mapping("uniform", student, teacher)
            assert layers[-1] == teacher
            assert len(set(layers)) == student
            assert list(layers) == sorted(layers)


REFUSED = {
    "another strategy": ("first", 3, 6, "mapping: got 'first', expected uniform, last or"),
    "an empty strategy": ("", 3, 6, "mapping: got '', expected uniform, last or"),
    "too deep a student": ("uniform", 7, 6, "student has 7 layers, the teacher 6; list"),
    "too deep for the last": ("last", 3, 2, "student has 3 layers, the teacher 2; list"),
    "too few layers": ([2, 4], 3, 6, "got the layers 2, 4, expected 3 of 1 to 6"),
    "too many layers": ([2, 4, 5, 6], 3, 6, "got the layers 2, 4, 5, 6, expected 3 of 1 to 6"),
    "no layers": ([], 3, 6, "expected 3 of 1 to 6"),
    "layer zero": ([0, 2, 4], 3, 6, "got the layers 0, 2, 4"),
    "a negative layer": ([-1, 2, 4], 3, 6, "got the layers -1, 2, 4"),
    "beyond the last layer": ([2, 4, 7], 3, 6, "got the layers 2, 4, 7"),
}


@pytest.mark.parametrize(
    ("strategy", "student", "teacher", "match"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_is_refused(
    strategy: str | Sequence[int], student: int, teacher: int, match: str
) -> None:
    with pytest.raises(InputError, match=match) as caught:
        layer_mapping(strategy, student, teacher)
    assert "\n" not in str(caught.value)
