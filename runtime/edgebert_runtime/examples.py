"""Texts and labelled examples from files: plain lines, TSV, CSV and JSONL."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.tokenization import Text

TEXT_COLUMNS = (
    "text",
    "sentence",
    "sentence1",
    "text_a",
    "question1",
    "premise",
    "review",
    "question",
)
PAIR_COLUMNS = ("text_pair", "pair", "sentence2", "text_b", "question2", "hypothesis", "context")
LABEL_COLUMNS = ("label", "labels", "class", "target", "sentiment", "score")

_FIELD_LIMIT = 64 * 1024 * 1024
_TABLES = (".tsv", ".csv", ".jsonl")
_NO_TEXT = (
    *(".json", ".xlsx", ".xls", ".ods", ".parquet", ".arrow", ".feather", ".pdf", ".docx"),
    *(".gz", ".zip", ".xz", ".bz2", ".zst", ".npy", ".pkl", ".html", ".xml"),
)
"""Read line by line these would be nonsense without a word."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read; None: found by the usual names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Example:
    """One row: a text or pair, its labels as written, and where it stands."""

    text: Text
    labels: tuple[str, ...]
    line: int


def read_texts(path: Path, most: int | None = None) -> list[Text]:
    """Texts of a file: each line of a text file, or the text columns of a table.

    Raises:
        InputError: if the file cannot be read, or a row has no text.
    """
    return list(itertools.islice(stream_texts(path), most))


def stream_texts(path: Path, columns: Columns | None = None) -> Iterator[Text]:
    """The same, one at a time."""
    return (example.text for example in stream_rows(path, columns))


def stream_rows(path: Path, columns: Columns | None = None) -> Iterator[Example]:
    """Rows of a table, or lines of a text file, which have no labels; one at a time.

    Raises:
        InputError: if the file cannot be read, or a row has no text.
    """
    if path.suffix.lower() in _TABLES:
        yield from stream_examples(path, columns)
    elif path.suffix.lower() in _NO_TEXT:
        raise InputError(
            f"{str(path)!r}: got {path.suffix!r}, expected {', '.join(_TABLES)}, or a text file of "
            "a text a line"
        )
    else:
        yield from (Example(text, (), line) for line, text in _file_lines(path))


def read_examples(path: Path, columns: Columns | None = None) -> list[Example]:
    """Labelled rows of a .tsv, .csv or .jsonl file.

    The first line of a .tsv or .csv names the columns; a .jsonl line is an object. Columns are
    found by name: see TEXT_COLUMNS, PAIR_COLUMNS and LABEL_COLUMNS. Several labels for one row
    are a list, which only .jsonl can hold.

    Raises:
        InputError: if the file cannot be read, has no rows, or a row lacks a text or label.
    """
    examples = []
    for example in stream_examples(path, columns):
        if not example.labels:
            raise InputError(
                f"{path}, line {example.line}: no label; expected a column or key named "
                f"{_wanted(_label_names(columns))}"
            )
        examples.append(example)
    if not examples:
        raise InputError(f"{str(path)!r} has no rows")
    return examples


def stream_examples(path: Path, columns: Columns | None = None) -> Iterator[Example]:
    """Rows of a .tsv, .csv or .jsonl file, one at a time, labelled or not.

    Raises:
        InputError: if the file cannot be read, or a row has no text.
    """
    if path.suffix.lower() not in _TABLES:
        if not path.is_file():
            raise InputError(f"{str(path)!r} cannot be read; expected {', '.join(_TABLES)}")
        raise InputError(f"{str(path)!r}: got {path.suffix!r}, expected {', '.join(_TABLES)}")
    columns = columns or Columns()
    texts, pairs, labels = _text_names(columns), _pair_names(columns), _label_names(columns)
    named = {name for name in (columns.text, columns.pair, columns.label) if name}
    rows = _json_rows(path) if path.suffix.lower() == ".jsonl" else _table_rows(path, texts, named)
    for line, row in rows:
        if missing := named - set(row):
            raise InputError(
                f"{path}, line {line}: no {sorted(missing)[0]!r}; got the keys "
                f"{shortened(', '.join(row))}"
            )
        text, second = _first(row, texts), _first(row, pairs)
        if not isinstance(text, str) or not isinstance(second, str | None):
            raise InputError(
                f"{path}, line {line}: no text; expected a column or key named {_wanted(texts)}"
            )
        label = _first(row, labels)
        # An empty cell of a table is no label.
        listed = label if isinstance(label, list) else [] if label in (None, "") else [label]
        if isinstance(label, list) and not label:
            raise InputError(f"{path}, line {line}: an empty list of labels; leave the row out")
        yield Example(
            text if second is None else (text, second),
            tuple(str(each).strip() for each in listed),
            line,
        )


def _text_names(columns: Columns) -> tuple[str, ...]:
    return (columns.text,) if columns.text else TEXT_COLUMNS


def _pair_names(columns: Columns) -> tuple[str, ...]:
    if columns.pair:
        return (columns.pair,)
    # A text column that was named stands alone unless its partner is named too.
    return () if columns.text else PAIR_COLUMNS


def _label_names(columns: Columns | None) -> tuple[str, ...]:
    return (columns.label,) if columns and columns.label else LABEL_COLUMNS


def _wanted(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _first(row: dict[str, object], names: tuple[str, ...]) -> object:
    """The first of the names that the row has, empty or not: another would be another column."""
    return next((row[name] for name in names if name in row), None)


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in _file_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not valid JSON: {error}") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: got {line[:40]!r}, expected a JSON object")
        yield number, row


def _table_rows(
    path: Path, texts: tuple[str, ...], named: set[str]
) -> Iterator[tuple[int, dict[str, object]]]:
    csv.field_size_limit(_FIELD_LIMIT)
    tabs = path.suffix.lower() == ".tsv"
    content = (f"{line}\n" for _, line in _file_lines(path))
    # Tab-separated corpora use quotation marks as ordinary characters.
    rows = (
        csv.reader(content, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tabs
        else csv.reader(content, strict=True)
    )
    try:
        written = [name.strip() for name in next(rows, [])]
        # Names that the caller gave are meant as they are written.
        names = [name if name in named else name.lower() for name in written]
        if not set(names) & set(texts) or named - set(names) or len(set(names)) != len(names):
            wanted = ", ".join(sorted(named)) or _wanted(texts)
            raise InputError(
                f"{path}, line 1: got the columns {', '.join(names)[:100]!r}, expected a header "
                f"with each name once, among them {wanted}"
            )
        for row in rows:
            if len(row) != len(names):
                if not row:
                    continue
                raise InputError(
                    f"{path}, line {rows.line_num}: got {len(row)} columns, expected "
                    f"{len(names)} as in the header"
                )
            yield rows.line_num, dict(zip(names, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: not a valid table: {error}") from None


def lines(stream: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Lines of UTF-8 text with their numbers, without their ends; `name` is for messages.

    Raises:
        InputError: with the line, if it is not UTF-8.
    """
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}, line {number}: got {error.reason} at byte {error.start + 1} of the line, "
                "expected UTF-8 text; save it as UTF-8"
            ) from None
        yield number, text.removesuffix("\n").removesuffix("\r")


def _file_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as stream:
            yield from lines(stream, str(path))
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({error}); expected a file of UTF-8 text"
        ) from None
