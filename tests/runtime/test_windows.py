"""Long texts in windows: which tokens, how many, and how they are pooled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import students

from edgebert_runtime import InputError
from edgebert_runtime.tasks.reading import Reader, Reading, places, pooled
from edgebert_runtime.tokenization import MAX_WINDOWS, Encoding, Text, Tokenizer

CLS, SEP = 2, 3


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """WordPiece with room for ten tokens of a text, nine of a pair."""
    content = students.tokenizer("bert")._tokenizer.to_str().encode()
    return Tokenizer(content, 12)


def letters(count: int) -> str:
    """A text of so many one-letter words, each a token, no two neighbours alike."""
    return " ".join("abcdefghij"[index % 10] for index in range(count))


@pytest.mark.parametrize("count", [0, 1, 9, 10])
def test_what_fits_is_one_window(tokenizer: Tokenizer, count: int) -> None:
    text = letters(count)
    (window,) = tokenizer.windows(text)
    assert window == tokenizer.encode(text)
    assert not window.truncated


@pytest.mark.parametrize(
    ("count", "starts"), [(11, [0, 8]), (18, [0, 8]), (19, [0, 8, 16]), (26, [0, 8, 16])]
)
def test_windows_overlap_by_a_quarter(tokenizer: Tokenizer, count: int, starts: list[int]) -> None:
    text = letters(count)
    whole = tokenizer._tokenizer.encode(text, add_special_tokens=False).ids
    windows = tokenizer.windows(text)
    # A room of 10 shares a quarter, 2 tokens, with the next.
    assert [window.parts[0].start for window in windows] == starts
    for window in windows:
        (part,) = window.parts
        assert window.ids == [CLS, *whole[part.start : part.start + 10], SEP]
        assert [window.ids[position] for position in part.tokens] == window.ids[1:-1]
        assert not window.truncated
    assert windows[-1].parts[0].start + len(windows[-1].parts[0].tokens) == count


def test_no_more_windows_than_the_bound(tokenizer: Tokenizer) -> None:
    fitting = 8 * (MAX_WINDOWS - 1) + 10
    assert [window.truncated for window in tokenizer.windows(letters(fitting))] == [
        False
    ] * MAX_WINDOWS
    beyond = tokenizer.windows(letters(fitting + 1))
    assert [window.truncated for window in beyond] == [False] * (MAX_WINDOWS - 1) + [True]


def test_of_a_pair_the_longer_text_moves(tokenizer: Tokenizer) -> None:
    question, context = letters(3), letters(20)
    for text in ((question, context), (context, question)):
        windows = tokenizer.windows(text)
        assert len(windows) > 1
        moving = text.index(context)
        for window in windows:
            assert len(window.ids) <= 12
            assert len(window.parts[1 - moving].tokens) == 3
            assert window.parts[1 - moving].start == 0
            assert not window.truncated
        assert windows[1].parts[moving].start == 5


def test_a_long_question_is_cut_to_half_and_said_to_be(tokenizer: Tokenizer) -> None:
    windows = tokenizer.windows((letters(30), letters(8)), moving=1)
    assert all(window.truncated for window in windows)
    assert {len(window.parts[0].tokens) for window in windows} == {4}
    # Where the context leaves more than half, the question takes it.
    (window,) = tokenizer.windows((letters(30), letters(2)), moving=1)
    assert (len(window.parts[0].tokens), len(window.parts[1].tokens)) == (7, 2)


def test_offsets_are_of_the_text_that_was_given(tokenizer: Tokenizer) -> None:
    text = "The \ud800 screen,\tÉt\u0301é 😀 is bright"
    encoding = tokenizer.encode(text, offsets=True)
    held = [text[start:end] for start, end in encoding.offsets]
    assert held[0] == held[-1] == ""
    assert held[1] == "The"
    assert "screen" in "".join(held)
    assert encoding.words[0] is encoding.words[-1] is None


def test_each_token_is_taken_from_the_window_that_shows_most_around_it(
    tokenizer: Tokenizer,
) -> None:
    text = letters(20)
    reading = Reading(text, tokenizer.windows(text, offsets=True))
    found = places(reading)
    assert [each.span for each in found] == [(2 * index, 2 * index + 1) for index in range(20)]
    # Windows hold tokens 0-9, 8-17, 16-19. Token 8 is next to the edge of the first and at the
    # edge of the second; token 9 at the edge of the first. Token 16 is one from the edge of the
    # second; the third ends with the text, so its left edge counts.
    assert [each.window for each in found] == [0] * 9 + [1] * 8 + [2] * 3


def test_windows_are_pooled_by_their_tokens() -> None:
    encodings = [Encoding([1] * count, [0] * count, truncated=False) for count in (12, 4)]
    rows = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    assert pooled(Reading("", encodings), rows).tolist() == [0.75, 0.5]


def test_unit_vectors_are_pooled_to_a_unit_vector() -> None:
    encodings = [Encoding([1] * count, [0] * count, truncated=False) for count in (12, 4)]
    rows = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    vector = pooled(Reading("", encodings), rows)
    assert vector == pytest.approx(np.array([3.0, 1.0]) / 10**0.5)


def test_opposite_unit_vectors_pool_to_nothing() -> None:
    encodings = [Encoding([1], [0], truncated=False)] * 2
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
    assert pooled(Reading("", encodings), rows).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("task", ["classification", "embedding", "token-classification"])
def test_long_text_as_asked(tokenizer: Tokenizer, task: str) -> None:
    text = letters(11)
    cut = Reader(tokenizer, task, None).read(text, "text")
    assert (cut.truncated, cut.windows) == (True, 1)
    assert Reader(tokenizer, task, "truncate").read(text, "text") == cut
    whole = Reader(tokenizer, task, "windows").read(text, "text")
    assert (whole.truncated, whole.windows) == (False, 2)
    refusing = Reader(tokenizer, task, "error")
    with pytest.raises(InputError, match=r"^texts\[3\]: got 13 tokens, expected at most 12; "):
        refusing.read(text, "texts[3]")
    assert refusing.read(letters(10), "text").windows == 1


def test_a_question_is_read_in_windows_unless_asked_otherwise(tokenizer: Tokenizer) -> None:
    text = (letters(3), letters(20))
    task = "question-answering"
    assert Reader(tokenizer, task, None).read(text, "text").windows == 4
    cut = Reader(tokenizer, task, "truncate").read(text, "text")
    assert (cut.truncated, cut.windows) == (True, 1)
    with pytest.raises(InputError, match="got 26 tokens, expected at most 12"):
        Reader(tokenizer, task, "error").read(text, "text")


@pytest.mark.parametrize(
    ("task", "text", "wanted"),
    [
        ("question-answering", "why?", r"a \(question, context\) pair"),
        ("token-classification", ("a", "b"), "one text, not a pair,"),
        ("masked-lm", ("a", "b"), "one text, not a pair,"),
    ],
)
def test_a_pair_where_one_text_belongs(
    tokenizer: Tokenizer, task: str, text: Text, wanted: str
) -> None:
    with pytest.raises(InputError, match=f"expected {wanted} for {task}"):
        Reader(tokenizer, task, None).read(text, "text")


def positions(tokenizer: Tokenizer, text: Text) -> Iterator[int]:
    for window in tokenizer.windows(text):
        for part in window.parts:
            yield from range(part.start, part.start + len(part.tokens))


@pytest.mark.parametrize("count", range(9, 60, 7))
def test_windows_leave_no_token_out(tokenizer: Tokenizer, count: int) -> None:
    assert set(positions(tokenizer, letters(count))) == set(range(count))
    assert set(positions(tokenizer, ("a", letters(count)))) == set(range(count))
