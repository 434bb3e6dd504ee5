"""Columns that the caller names, and files that are read no further than needed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from edgebert_runtime import InputError
from edgebert_runtime.examples import (
    Columns,
    Example,
    read_examples,
    stream_examples,
    stream_texts,
)

TABLES = {
    "x.tsv": "Id\tComment\tOther\tStars\ttext\tlabel\n7\tgood\tnice\t5\tno\tnever\n",
    "x.csv": "Id,Comment,Other,Stars,text,label\n7,good,nice,5,no,never\n",
    "x.jsonl": '{"Id": 7, "Comment": "good", "Other": "nice", "Stars": 5, "text": "no", '
    '"label": "never"}\n',
}
by_table = pytest.mark.parametrize("name", TABLES)


@pytest.fixture
def table(name: str, tmp_path: Path) -> Path:
    path = tmp_path / name
    path.write_text(TABLES[name], encoding="utf-8")
    return path


@by_table
def test_named_columns_are_read_in_place_of_the_usual(table: Path, name: str) -> None:
    line = 1 if name == "x.jsonl" else 2
    columns = Columns(text="Comment", pair="Other", label="Stars")
    assert list(stream_examples(table, columns)) == [Example(("good", "nice"), ("5",), line)]
    assert list(stream_examples(table)) == [Example("no", ("never",), line)]


@by_table
def test_a_name_replaces_one_column_only(table: Path) -> None:
    (example,) = stream_examples(table, Columns(text="Comment"))
    assert (example.text, example.labels) == ("good", ("never",))
    (example,) = stream_examples(table, Columns(label="Stars"))
    assert (example.text, example.labels) == ("no", ("5",))
    (example,) = stream_examples(table, Columns(pair="Comment"))
    assert (example.text, example.labels) == (("no", "good"), ("never",))


def test_a_named_text_stands_alone_beside_a_usual_second_column(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("a\tsentence2\tlabel\nfirst\tsecond\t1\n")
    assert list(stream_texts(path, Columns(text="a"))) == ["first"]
    assert list(stream_texts(path, Columns(text="a", pair="sentence2"))) == [("first", "second")]


@by_table
@pytest.mark.parametrize(
    "columns",
    [
        Columns(text="Remark"),
        Columns(pair="Remark"),
        Columns(label="Remark"),
        Columns("Comment", "Other", "Remark"),
    ],
)
def test_a_named_column_that_is_missing(table: Path, columns: Columns) -> None:
    with pytest.raises(InputError, match=r", line 1: .*\bRemark\b") as caught:
        list(stream_examples(table, columns))
    message = str(caught.value)
    assert "\n" not in message
    for column in ("id", "comment", "other", "stars", "text", "label"):
        assert column in message.lower()


def test_a_row_of_jsonl_that_lacks_a_named_key(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": "x", "b": "1"}\n{"a": "y"}\n')
    rows = stream_examples(path, Columns(text="a", label="b"))
    assert next(rows) == Example("x", ("1",), 1)
    with pytest.raises(InputError, match="line 2: no 'b'; got the keys 'a'"):
        next(rows)


def test_null_in_a_named_key(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": "x", "b": null}\n{"a": null, "b": 1}\n')
    rows = stream_examples(path, Columns(text="a", label="b"))
    assert next(rows) == Example("x", (), 1)
    with pytest.raises(InputError, match=r"line 2: no text; expected a column or key named a$"):
        next(rows)


def test_names_of_hostile_characters(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text('评论 🙂\t"b"\tlabel\tLABEL x\ngut\tu\tv\tw\n', encoding="utf-8")
    columns = Columns(text="评论 🙂", pair='"b"', label="LABEL x")
    assert list(stream_examples(path, columns)) == [Example(("gut", "u"), ("w",), 2)]


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_names_in_a_header_may_be_asked_for_in_lower_case(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TABLES[name])
    (example,) = stream_examples(path, Columns(text="comment", label="stars"))
    assert (example.text, example.labels) == ("good", ("5",))


def test_unlabelled_rows_are_streamed_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("text\na\nb\n")
    assert [(each.text, each.labels) for each in stream_examples(path)] == [("a", ()), ("b", ())]
    with pytest.raises(InputError, match="line 2: no label"):
        read_examples(path)


def late_faults() -> Iterator[tuple[str, bytes, str]]:
    yield "x.tsv", b"text\tlabel\na\t1\nb\t0\nc\n", "line 4: got 1 columns"
    yield "x.csv", b'text,label\na,1\nb,0\n"c"d,0\n', "line 4: not a valid table"
    yield "x.jsonl", b'{"text": "a"}\n\n{"text": "b"}\n{"text"\n', "line 4: not valid JSON"
    yield "x.jsonl", b'{"text": "a"}\n{"text": "b"}\n\xff\n', "line 3: got invalid start byte"
    yield "x.txt", b"a\nb\n\xff\n", "line 3: got invalid start byte"


@pytest.mark.parametrize(("name", "content", "match"), list(late_faults()))
def test_rows_before_a_fault_are_given(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    rows = stream_texts(path)
    assert list(islice(rows, 2)) == ["a", "b"]
    with pytest.raises(InputError, match=match):
        next(rows)


def test_nothing_is_opened_before_the_first_row_is_asked_for(tmp_path: Path) -> None:
    rows = stream_texts(tmp_path / "nowhere.tsv")
    with pytest.raises(InputError, match="cannot be read"):
        next(rows)


def test_a_stream_of_a_table_says_which_files_are_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read; expected .tsv, .csv, .jsonl"):
        next(stream_examples(tmp_path / "x.txt"))
