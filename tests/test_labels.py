"""Labels as written ↔ numbers: what a file is guessed to hold, and what is refused."""

from __future__ import annotations

import math

import pytest
import transformers

from edgebert import labels
from edgebert.labels import LabelSpace, of_examples
from edgebert_converters.checkpoint import task_of
from edgebert_runtime import InputError
from edgebert_runtime.examples import Example

Rows = list[str | list[str]]


def examples(rows: Rows) -> list[Example]:
    """Rows of a table with a header: the first is line 2."""
    return [
        Example("text", tuple([row] if isinstance(row, str) else row), line)
        for line, row in enumerate(rows, start=2)
    ]


def guessed(rows: Rows, task: str | None = None) -> LabelSpace:
    return of_examples(examples(rows), task, "x.tsv")


GUESSED: dict[str, tuple[Rows, str, tuple[str, ...]]] = {
    "names in alphabetical order": (["pos", "neg", "pos"], "classification", ("neg", "pos")),
    "whole numbers in theirs": (["10", "9", "1"], "classification", ("1", "9", "10")),
    "numbers among names": (["10", "9", "x"], "classification", ("10", "9", "x")),
    "negative whole numbers": (["1", "-1", "0"], "classification", ("-1", "0", "1")),
    "fractions": (["0.5", "1", "3"], "regression", ("LABEL_0",)),
    "exponents": (["1e-3", "2"], "regression", ("LABEL_0",)),
    "equal fractions": (["0.5", "0.5"], "regression", ("LABEL_0",)),
    "fractions and a name": (["0.5", "x"], "classification", ("0.5", "x")),
    "words that float() reads": (["nan", "inf"], "classification", ("inf", "nan")),
    "lists": ([["b", "a"], ["c"], "a"], "multi-label-classification", ("a", "b", "c")),
    "lists of one": ([["b"], ["a"]], "classification", ("a", "b")),
    "lists of whole numbers": (
        [["2", "10"], ["1"]],
        "multi-label-classification",
        ("1", "2", "10"),
    ),
    "lists of fractions": ([["0.5", "1"], ["2", "3"]], "regression", ("LABEL_0", "LABEL_1")),
    "upper case": (["b", "A", "B"], "classification", ("A", "B", "b")),
    "commas and quotation marks": (['a, "b"', "it's"], "classification", ('a, "b"', "it's")),
    "emoji and Chinese": (["🙂", "好", "坏"], "classification", ("坏", "好", "🙂")),
    "spaces": ([" a", "a", "a "], "classification", (" a", "a", "a ")),
    "superscripts": (["²", "1"], "classification", ("1", "²")),
    "digits of other scripts": (["٣", "٢"], "classification", ("٢", "٣")),
}


@pytest.mark.parametrize(("rows", "task", "names"), GUESSED.values(), ids=GUESSED.keys())
def test_what_is_guessed(rows: Rows, task: str, names: tuple[str, ...]) -> None:
    assert guessed(rows) == LabelSpace(task, names)


def test_thousands_of_digits_are_a_name() -> None:
    assert set(guessed(["9" * 5000, "1"]).names) == {"9" * 5000, "1"}


def test_a_task_that_is_named_is_not_guessed() -> None:
    assert guessed(["1", "2", "3"], "regression") == LabelSpace("regression", ("LABEL_0",))
    assert guessed(["a", "b"], "multi-label-classification").names == ("a", "b")
    assert guessed(["0.5", "1.5"], "classification").names == ("0.5", "1.5")


def test_equal_numbers_have_one_order_whatever_the_hashes_of_a_process() -> None:
    rows: Rows = ["1", "01", "001", "0001", "00001", "2", "02", "002"]
    expected = ("00001", "0001", "001", "01", "1", "002", "02", "2")
    assert guessed(rows).names == expected


def test_the_order_of_rows_does_not_matter() -> None:
    rows: Rows = ["pos", "neg", "neutral", "10", "9"]
    assert guessed(rows) == guessed(rows[::-1])


REFUSED: dict[str, tuple[Rows, str | None, str]] = {
    "no rows": ([], None, "^x.tsv has no rows to train on$"),
    "a row without a label": (["a", [], "b"], None, "^x.tsv, line 3: no label; give every row one"),
    "one label": (["a", "a"], None, "^x.tsv has 1 labels in 2 rows up to line 3, expected 2 to"),
    "an unlikely number": (
        [f"text {number}" for number in range(10_500)],
        None,
        "has 10001 labels in 10500 rows up to line 10501, expected 2 to 10000",
    ),
    "another task": (["a", "b"], "embedding", "^task: got 'embedding', expected one of classific"),
}


@pytest.mark.parametrize(("rows", "task", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_learnt(rows: Rows, task: str | None, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        guessed(rows, task)
    assert "\n" not in str(caught.value)


# Rows → numbers


def numbers(space: LabelSpace, *given: str) -> list[float]:
    return space.numbers(Example("text", given, 7), "x.tsv")


ONE = LabelSpace("classification", ("neg", "neutral", "pos"))
SEVERAL = LabelSpace("multi-label-classification", ("a", "b", "c"))
VALUE = LabelSpace("regression", ("LABEL_0",))
VALUES = LabelSpace("regression", ("LABEL_0", "LABEL_1"))

NUMBERS: dict[str, tuple[LabelSpace, tuple[str, ...], list[float]]] = {
    "a name": (ONE, ("pos",), [2.0]),
    "a position": (ONE, ("1",), [1.0]),
    "a position with zeros": (ONE, ("002",), [2.0]),
    "a name that is another's position": (LabelSpace("classification", ("1", "0")), ("1",), [0.0]),
    "whole numbers from 1": (LabelSpace("classification", ("1", "2")), ("2",), [1.0]),
    "a comma and quotation marks": (LabelSpace("classification", ('"a", b', "c")), ("c",), [1.0]),
    "an emoji": (LabelSpace("classification", ("好", "🙂")), ("🙂",), [1.0]),
    "several": (SEVERAL, ("c", "a"), [1.0, 0.0, 1.0]),
    "one of several": (SEVERAL, ("b",), [0.0, 1.0, 0.0]),
    "one of several twice": (SEVERAL, ("b", "1", "b"), [0.0, 1.0, 0.0]),
    "a value": (VALUE, ("-2.5",), [-2.5]),
    "a large value": (VALUE, ("3.3e38",), [3.3e38]),
    "values": (VALUES, ("1", "2.5"), [1.0, 2.5]),
}


@pytest.mark.parametrize(("space", "given", "expected"), NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_of_labels(
    space: LabelSpace, given: tuple[str, ...], expected: list[float]
) -> None:
    result = numbers(space, *given)
    assert result == expected
    assert len(result) == space.width


@pytest.mark.parametrize("space", [ONE, SEVERAL, VALUE, VALUES])
def test_a_row_without_a_label_has_nan_for_each(space: LabelSpace) -> None:
    result = numbers(space)
    assert len(result) == space.width
    assert all(map(math.isnan, result))


WRONG: dict[str, tuple[LabelSpace, tuple[str, ...], str]] = {
    "another name": (ONE, ("good",), "got the label 'good', expected one of neg, neutral, pos"),
    "another case": (ONE, ("POS",), "got the label 'POS'"),
    "a space more": (ONE, ("pos ",), "got the label 'pos '"),
    "nothing": (ONE, ("",), "got the label ''"),
    "a position too far": (ONE, ("3",), "got the label '3'"),
    "a negative position": (ONE, ("-1",), "got the label '-1'"),
    "a position of other digits": (ONE, ("١",), "got the label '١'"),
    "a number that is no name": (
        LabelSpace("classification", ("1", "2", "3")),
        ("0",),
        "got the label '0', expected one of 1, 2, 3",
    ),
    "thousands of digits": (ONE, ("1" * 5000,), "got the label '1"),
    "two for one": (ONE, ("pos", "neg"), "got the label 'pos, neg', expected one label"),
    "an unknown one among several": (
        SEVERAL,
        ("a", "d"),
        "got the label 'a, d', expected one of a, b, c",
    ),
    "a word for a value": (VALUE, ("high",), "got the label 'high', expected one finite number"),
    "no number": (VALUE, ("nan",), "got the label 'nan', expected one finite number"),
    "infinity": (VALUE, ("-inf",), "got the label '-inf', expected one finite number"),
    "more than 32 bits hold": (
        VALUE,
        ("1e39",),
        "got the label '1e39', expected one finite number of 32 bits",
    ),
    "too few values": (VALUES, ("1",), "got the label '1', expected 2 finite numbers"),
    "too many values": (VALUE, ("1", "2"), "got the label '1, 2', expected one finite number"),
    "a line break": (ONE, ("a\nb",), r"got the label 'a\\nb'"),
    "a lone surrogate": (ONE, ("\ud800",), r"got the label '\\ud800'"),
    "a line break in the names": (
        LabelSpace("classification", ("a\nb", "c\ud800")),
        ("d",),
        "got the label 'd'",
    ),
}


@pytest.mark.parametrize(("space", "given", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_is_none_of_the_labels(space: LabelSpace, given: tuple[str, ...], match: str) -> None:
    with pytest.raises(InputError, match=f"^x.tsv, line 7: {match}") as caught:
        numbers(space, *given)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    str(caught.value).encode()


# Configurations


def test_labels_of_a_configuration_are_in_the_order_of_its_outputs() -> None:
    config = transformers.BertConfig(id2label={2: "a", 0: "c", 1: "b"})
    assert LabelSpace(*task_of(config)) == LabelSpace("classification", ("c", "b", "a"))


@pytest.mark.parametrize("space", [ONE, SEVERAL, VALUES], ids=lambda each: each.task)
def test_a_configuration_keeps_labels(space: LabelSpace) -> None:
    config = transformers.BertConfig()
    space.configure(config)
    again = transformers.BertConfig.from_dict(config.to_dict())
    assert again.num_labels == len(space.names)
    assert again.label2id == {name: index for index, name in enumerate(space.names)}
    assert again.problem_type == labels._PROBLEMS[space.task]
    assert LabelSpace(*task_of(again)) == space
