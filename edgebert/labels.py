"""Label names ↔ the numbers that a loss takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.examples import Example

TASKS = ("classification", "multi-label-classification", "regression")
_PROBLEMS = {
    "classification": "single_label_classification",
    "multi-label-classification": "multi_label_classification",
    "regression": "regression",
}
_LARGEST_NUMBER = 3.4e38
_MOST_LABELS = 10000
_LONGEST_NUMBER = 40


Expected = frozenset[str] | float
"""The labels of an example, or its number."""


@dataclass(frozen=True)
class LabelSpace:
    """A task, and the names of its outputs in their order."""

    task: str
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """Numbers that a row's labels take: one, or one for each of several labels."""
        return 1 if self.task == "classification" else len(self.names)

    def numbers(self, example: Example, data: str) -> list[float]:
        """A row's labels as `width` numbers, NaN if it has none.

        Raises:
            InputError: with the line, for a label that is none of the model's.
        """
        if not example.labels:
            return [math.nan] * self.width
        if self.task == "regression":
            if len(example.labels) != len(self.names):
                raise self._wrong(example, data, self._finite())
            return [self._number(label, example, data) for label in example.labels]
        if self.task == "classification" and len(example.labels) != 1:
            raise self._wrong(example, data, "one label")
        positions = {self._position(label, example, data) for label in example.labels}
        if self.task == "classification":
            return [float(positions.pop())]
        return [float(position in positions) for position in range(len(self.names))]

    def expected(self, numbers: list[float]) -> Expected:
        """What a row's numbers say is right: names, or the first value."""
        if self.task == "regression":
            return numbers[0]
        if self.task == "classification":
            return frozenset([self.names[int(numbers[0])]])
        return frozenset(name for name, number in zip(self.names, numbers, strict=True) if number)

    def configure(self, config: Any) -> None:
        """Write the labels and the kind of problem into a transformers configuration."""
        config.id2label = dict(enumerate(self.names))
        config.label2id = {name: index for index, name in enumerate(self.names)}
        config.problem_type = _PROBLEMS[self.task]

    def _position(self, label: str, example: Example, data: str) -> int:
        if label in self.names:
            return self.names.index(label)
        names = ", ".join(shortened(name).strip("'") for name in self.names[:20])
        # Where names are numbers, a number that is none of them is a mistake and no position.
        if any(map(_is_whole, self.names)):
            raise self._wrong(example, data, f"one of {names}")
        if re.fullmatch("[0-9]{1,6}", label) and int(label) < len(self.names):
            return int(label)
        wanted = f"one of {names}, or a position from 0 to {len(self.names) - 1}"
        raise self._wrong(example, data, wanted)

    def _number(self, label: str, example: Example, data: str) -> float:
        try:
            number = float(label)
        except ValueError:
            number = math.nan
        if not abs(number) <= _LARGEST_NUMBER:
            raise self._wrong(example, data, self._finite())
        return number

    def _finite(self) -> str:
        count = len(self.names)
        return f"{'one' if count == 1 else count} finite number{'s' * (count > 1)} of 32 bits"

    def _wrong(self, example: Example, data: str, wanted: str) -> InputError:
        given = shortened(", ".join(example.labels))
        return InputError(f"{data}, line {example.line}: got the label {given}, expected {wanted}")


def of_examples(examples: Iterable[Example], task: str | None, data: str) -> LabelSpace:
    """The labels of a file: names in alphabetical order, whole numbers in theirs.

    Without a task: rows with a list of labels make several labels, numbers with a fraction a
    regression, anything else one label.

    Raises:
        InputError: if there is no label, only one, or an unlikely number of them.
    """
    names: set[str] = set()
    lists, count, width, line = False, 0, 1, 0
    for example in examples:
        if not example.labels:
            raise InputError(f"{data}, line {example.line}: no label; give every row one")
        # A list has more labels than one in at least one row of a file that is not a mistake.
        lists = lists or len(example.labels) > 1
        width, line = max(width, len(example.labels)), example.line
        count += 1
        if len(names) <= _MOST_LABELS:
            names.update(example.labels)
    if not count:
        raise InputError(f"{data} has no rows to train on")
    if task is None:
        # One infinity among numbers is a bad number, not a name.
        finite = any(math.isfinite(float(name)) for name in names if _is_number(name))
        fractions = finite and all(map(_is_number, names)) and not all(map(_is_whole, names))
        task = "regression" if fractions else TASKS[lists]
    if task not in TASKS:
        raise InputError(f"task: got {task!r}, expected one of {', '.join(TASKS)}")
    if task == "regression":
        return LabelSpace(task, tuple(f"LABEL_{index}" for index in range(width)))
    numbers = all(map(_is_number, names))
    if len(names) < 2 or len(names) > _MOST_LABELS:
        raise InputError(
            f"{data} has {len(names)} labels in {count} rows up to line {line}, expected 2 to "
            f"{_MOST_LABELS}" + ("; for numbers, add --task regression" if numbers else "")
        )
    if all(map(_is_whole, names)):
        # By name too: 1 and 01 are two labels.
        return LabelSpace(task, tuple(sorted(names, key=lambda name: (int(name), name))))
    return LabelSpace(task, tuple(sorted(names)))


def _is_whole(text: str) -> bool:
    return re.fullmatch("-?[0-9]{1,18}", text) is not None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and len(text) <= _LONGEST_NUMBER
