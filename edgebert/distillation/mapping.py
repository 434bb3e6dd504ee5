"""Which teacher layer each student layer learns from (TinyBERT, arXiv 1909.10351, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from edgebert_runtime.errors import InputError

STRATEGIES = ("uniform", "last")


def layer_mapping(
    strategy: str | Sequence[int], student_layers: int, teacher_layers: int
) -> tuple[int, ...]:
    """For student layers 1 … M, the teacher layer of each, counted from 1.

    "uniform" spreads them evenly and ends with the teacher's last: m · N / M, rounded up.
    "last" takes the teacher's last M. A list is taken as it is.

    Raises:
        InputError: for another strategy, or layers that the teacher does not have.
    """
    if student_layers > teacher_layers and isinstance(strategy, str):
        raise InputError(
            f"mapping {strategy!r}: the student has {student_layers} layers, the teacher "
            f"{teacher_layers}; list a teacher layer for each student layer instead"
        )
    if strategy == "uniform":
        # Rounded up in whole numbers: -(-a // b).
        layers = [-(-m * teacher_layers // student_layers) for m in range(1, student_layers + 1)]
    elif strategy == "last":
        layers = list(range(teacher_layers - student_layers + 1, teacher_layers + 1))
    elif isinstance(strategy, str):
        raise InputError(
            f"mapping: got {strategy!r}, expected {', '.join(STRATEGIES)} or teacher layers by "
            "comma, such as 2,4,6"
        )
    else:
        layers = list(strategy)
    if len(layers) != student_layers or not all(1 <= each <= teacher_layers for each in layers):
        raise InputError(
            f"mapping: got the layers {', '.join(map(str, layers))}, expected {student_layers} of "
            f"1 to {teacher_layers}, one for each student layer"
        )
    return tuple(layers)
