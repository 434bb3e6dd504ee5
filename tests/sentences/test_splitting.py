"""Text into sentences: English, Chinese, and anything else a string can hold."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgebert
from edgebert_runtime.sentences import LONGEST, Sentence, split_sentences

ENGLISH = [
    ["Dr. Smith went to Washington.", "He paid $3.50 for it."],
    ["Mr. and Mrs. Jones live at 5 St. James St. in London.", "They like it."],
    ['He said "I am leaving."', "Then he left."],
    ['"Is it open?" she asked.', "Nobody answered."],
    ["Version 2.0.1 came out at 5 p.m. on Jan. 5.", "It was late."],
    ["The U.S. Army came.", "It left again."],
    ["I waited...", "Nothing happened."],
    ["Well... maybe."],
    ["It works!", "Does it?", "Yes."],
    ["J. K. Rowling wrote it.", "So did J.R.R. Tolkien."],
    ["Visit www.example.com.", "It is free."],
    ["The price is 1.5 million.", "That is a lot."],
    ["He works at Acme Inc. in Ohio.", "She works there too."],
    ["What?!", "No way!!!", "Really."],
    ["It happened at 9 a.m.", "Nobody saw it."],
]
CHINESE = [
    ["今天天气很好。", "我们去公园吧！", "你想去吗？"],
    ["他说：“我走了。”", "然后他离开了。"],
    ["「你好吗？」", "她问道。"],
    ["价格是3.5元。", "很便宜。"],
    ["他说：“下雨了。很大。”", "然后走了。"],
    ["真的吗？！", "当然。"],
    ["只有一句话，没有句号"],
]


def texts(found: list[Sentence]) -> list[str]:
    return [sentence.text for sentence in found]


def check(text: str, found: list[Sentence]) -> None:
    """Every sentence stands where it says, and between them is white space alone."""
    before = 0
    for sentence in found:
        assert sentence.text == text[sentence.start : sentence.end]
        assert sentence.text == sentence.text.strip()
        assert 0 < len(sentence.text) <= LONGEST
        assert text[before : sentence.start].strip() == ""
        before = sentence.end
    assert text[before:].strip() == ""


@pytest.mark.parametrize("expected", ENGLISH)
def test_english(expected: list[str]) -> None:
    assert texts(split_sentences(" ".join(expected))) == expected


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("expected", CHINESE)
def test_chinese(expected: list[str], language: str) -> None:
    assert texts(split_sentences("".join(expected), language=language)) == expected


def test_both_in_one_text() -> None:
    text = "这个模型叫BERT。It is small. 它很快。\n\nThe end"
    assert texts(split_sentences(text)) == [
        *("这个模型叫BERT。", "It is small.", "它很快。", "The end"),
    ]


def test_places_count_characters() -> None:
    found = split_sentences("  😀 Yes. 👨‍👩‍👧 はい。 \r\n Né. ")
    assert [(each.start, each.end) for each in found] == [(2, 8), (9, 18), (22, 25)]


def test_paragraphs_end_sentences() -> None:
    text = "A title\n\nA line that\ngoes on. Another"
    assert texts(split_sentences(text)) == ["A title", "A line that\ngoes on.", "Another"]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t\u3000 \x1c"])
def test_nothing_but_white_space(text: str) -> None:
    assert split_sentences(text) == []


@pytest.mark.parametrize("text", ["a", ".", "。", "😀", "\0", "\ud800", "\u200b", "…", '"'])
def test_one_character(text: str) -> None:
    assert split_sentences(text) == [Sentence(text, 0, 1)]


PIECES = st.sampled_from(
    [
        *(". ", "。", "！", "？", "…", "……", "? ", "!", '"', "“", "”", "「", "」", "（", "）", "("),
        *("\n", "\r\n", "\n\n", "\u2028", "\u3000", "\0", "\ud800", "\udfff", "😀", "e\u0301"),
        *("Dr. ", "e.g. ", "3.5", "U.S. ", "word ", "Word", "你好", "1. ", "[1]", "\u200d"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)), st.sampled_from(["en", "zh"])
)
def test_any_text(text: str, language: str) -> None:
    check(text, split_sentences(text, language=language))


@settings(max_examples=30, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=20).map("".join), st.integers(2000, 5000))
def test_any_long_text(piece: str, length: int) -> None:
    text = (piece * length)[:length]
    check(text, split_sentences(text))


@pytest.mark.parametrize(
    "piece", ["a", "word ", "“", "\ud800", "😀", "Dr. ", "\n", "a" * 1999 + " b. "]
)
def test_a_million_characters(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    found = split_sentences(text)
    check(text, found)
    assert len(found) <= 2 * (1_000_000 // LONGEST) + 2


@pytest.mark.parametrize("sentences", [ENGLISH, CHINESE])
def test_a_long_text_is_split_as_a_short_one(sentences: list[list[str]]) -> None:
    separator = " " if sentences is ENGLISH else ""
    one = [sentence for group in sentences[:-1] for sentence in group]
    if sentences is ENGLISH:
        one.remove("Well... maybe.")
    assert texts(split_sentences(separator.join(one * 60))) == one * 60


def test_a_sentence_over_the_limit_is_cut() -> None:
    found = split_sentences("First. " + "a" * 5000 + ". Last one.")
    assert [len(each.text) for each in found] == [6, 2000, 2000, 1001, 9]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((b"bytes",), "text: got bytes, expected a str"),
        ((None,), "text: got NoneType"),
        ((["a", "b"],), "text: got list"),
    ],
)
def test_what_is_no_text(arguments: tuple[Any], message: str) -> None:
    with pytest.raises(edgebert.InputError, match=message):
        split_sentences(*arguments)


@pytest.mark.parametrize("language", ["", "e", "english", "en_US", "\ud800", None, 3, "en\n"])
def test_what_is_no_language(language: Any) -> None:
    with pytest.raises(edgebert.InputError, match=r"language: got .*, expected a code such as en"):
        split_sentences("a", language=language)


def test_a_language_without_rules_is_split_by_punctuation() -> None:
    assert texts(split_sentences("One. Two.", language="xx-Latn")) == ["One.", "Two."]


def test_without_the_library() -> None:
    program = """
import sys
sys.modules["sentencex"] = None
from edgebert_runtime.errors import MissingBackendError
from edgebert_runtime.sentences import split_sentences
try:
    split_sentences("a")
except MissingBackendError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.endswith("run: pip install 'edgebert[summaries]'\n"), done.stderr
    assert done.stdout.startswith("splitting text needs sentencex, which cannot be imported (")
    assert done.stdout.count("\n") == 1
