"""Files of texts and labelled examples: what is read, and the line of what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebert_runtime import InputError
from edgebert_runtime.examples import Example, read_examples, read_texts

READ = {
    "quotation marks in TSV": ("x.tsv", 'text\tlabel\n"a\t1\nb"\t0\n', [('"a', "1"), ('b"', "0")]),
    "quotation marks in CSV": ("x.csv", 'text,label\n"a, ""b""",1\n', [('a, "b"', "1")]),
    "a line break in CSV": ("x.csv", 'text,label\r\n"a\r\nb",1\r\n', [("a\nb", "1")]),
    "columns in another order": ("x.CSV", "Label, Review\n1,a\n", [("a", "1")]),
    "empty lines": ("x.csv", "text,label\n\na,1\n\n", [("a", "1")]),
    "a pair": ("x.tsv", "question1\tquestion2\tlabel\na\tb\t1\n", [(("a", "b"), "1")]),
    "a byte order mark": ("x.tsv", "\ufefftext\tlabel\na\t1\n", [("a", "1")]),
    "a number": ("x.jsonl", '{"text": "a", "score": 1.5}\n', [("a", "1.5")]),
    "a surrogate in JSON": ("x.jsonl", '{"text": "\\ud800", "label": "x"}\n', [("\ud800", "x")]),
    "NUL": ("x.tsv", "text\tlabel\na\0b\t1\n", [("a\0b", "1")]),
}


@pytest.mark.parametrize(("name", "content", "expected"), READ.values(), ids=READ.keys())
def test_what_is_read(
    tmp_path: Path, name: str, content: str, expected: list[tuple[object, str]]
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    examples = read_examples(tmp_path / name)
    assert [(each.text, *each.labels) for each in examples] == expected


def test_several_labels_and_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('\n{"sentence": "a", "labels": ["x", 2]}\n\n{"text": "b", "label": "y"}')
    assert read_examples(path) == [Example("a", ("x", "2"), 2), Example("b", ("y",), 4)]


REFUSED = {
    "no rows": ("x.tsv", b"text\tlabel\n", "has no rows"),
    "nothing": ("x.csv", b"", "line 1: got the columns '', expected a header with each name"),
    "no text column": ("x.csv", b"a,label\nb,1\n", "line 1: got the columns 'a, label'"),
    "a column twice": ("x.csv", b"text,label,text\na,1,b\n", "line 1: .* each name once"),
    "no label column": ("x.csv", b"text\na\n", "line 2: no label; expected a column or key"),
    "too many columns": ("x.tsv", b"text\tlabel\na\t1\t2\n", "line 2: got 3 columns, expected 2"),
    "too few columns": ("x.tsv", b"text\tlabel\na\t1\nb\n", "line 3: got 1 columns, expected 2"),
    "an open quotation": ("x.csv", b'text,label\n"a,1\nb,2\n', "line 3: not a valid table"),
    "text after a quotation": ("x.csv", b'text,label\n"a"b,1\n', "line 2: not a valid table"),
    "no UTF-8 in CSV": ("x.csv", b"text,label\na,1\n\xff,1\n", "line 3: got invalid start byte"),
    "no UTF-8 in JSON": (
        "x.jsonl",
        b'{"text": "a", "label": 1}\n{"\xe9"}',
        "line 2: got invalid continuation",
    ),
    "UTF-16": (
        "x.tsv",
        "text\tlabel\n".encode("utf-16"),
        "line 1: got invalid start byte at byte 1",
    ),
    "encoded surrogate": ("x.tsv", b"text\tlabel\n\xed\xa0\x80\t1\n", "line 2: got invalid"),
    "broken JSON": ("x.jsonl", b'{"text": "a", "label": 1}\n{"text"', "line 2: not valid JSON"),
    "deep JSON": ("x.jsonl", b"[" * 100_000, "line 1: not valid JSON"),
    "digits in JSON": ("x.jsonl", b'{"label": ' + b"9" * 10_000 + b"}", "line 1: not valid JSON"),
    "no object": ("x.jsonl", b"[1]\n", r"line 1: got '\[1\]', expected a JSON object"),
    "no text": ("x.jsonl", b'{"text": 5, "label": 1}\n', "line 1: no text; expected a column"),
    "null": ("x.jsonl", b'{"text": null, "label": 1}\n', "line 1: no text; expected a column"),
    "number as second": ("x.jsonl", b'{"text": "a", "sentence2": 5}\n', "line 1: no text"),
    "no labels": ("x.jsonl", b'{"text": "a", "labels": []}\n', "line 1: an empty list of labels"),
    "no label": ("x.jsonl", b'{"text": "a"}\n', "line 1: no label; expected a column or key"),
    "plain text": ("x.txt", b"a\n", "got '.txt', expected .tsv, .csv, .jsonl"),
}


@pytest.mark.parametrize(("name", "content", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=match) as caught:
        read_examples(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.tsv", ".", "a\0b", "\ud800", "x" * 5000])
def test_a_path_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read .*; expected a file of UTF-8 text"):
        read_texts(tmp_path / name)


def test_no_more_texts_than_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\nb\n\xff\n")
    assert read_texts(tmp_path / "x.txt", 2) == ["a", "b"]
    with pytest.raises(InputError, match="line 3"):
        read_texts(tmp_path / "x.txt", 3)


def test_ends_of_lines(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes("a\r\nb\rc\u2028d\x0be\n\n f \n".encode())
    assert read_texts(tmp_path / "x.txt") == ["a", "b\rc\u2028d\x0be", "", " f "]
