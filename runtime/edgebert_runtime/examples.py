"""Texts and labelled examples from files: plain lines, TSV, CSV and JSONL."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime.errors import InputError
from edgebert_runtime.tokenization import Text

TEXT_COLUMNS = ("text", "sentence", "sentence1", "text_a", "question1", "premise", "review")
PAIR_COLUMNS = ("text_pair", "sentence2", "text_b", "question2", "hypothesis")
LABEL_COLUMNS = ("label", "labels", "class", "target", "score")

_FIELD_LIMIT = 64 * 1024 * 1024
_TABLES = (".tsv", ".csv", ".jsonl")


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
    if path.suffix.lower() in _TABLES:
        rows: Iterator[Text] = (example.text for example in _examples(path))
    else:
        rows = (line for _, line in _file_lines(path))
    return list(itertools.islice(rows, most))


def read_examples(path: Path) -> list[Example]:
    """Labelled rows of a .tsv, .csv or .jsonl file.

    The first line of a .tsv or .csv names the columns; a .jsonl line is an object. Columns are
    found by name: see TEXT_COLUMNS, PAIR_COLUMNS and LABEL_COLUMNS. Several labels for one row
    are a list, which only .jsonl can hold.

    Raises:
        InputError: if the file cannot be read, has no rows, or a row lacks a text or label.
    """
    if path.suffix.lower() not in _TABLES:
        raise InputError(f"{str(path)!r}: got {path.suffix!r}, expected {', '.join(_TABLES)}")
    examples = []
    for example in _examples(path):
        if not example.labels:
            raise InputError(
                f"{path}, line {example.line}: no label; expected a column or key named one of "
                f"{', '.join(LABEL_COLUMNS)}"
            )
        examples.append(example)
    if not examples:
        raise InputError(f"{str(path)!r} has no rows")
    return examples


def _examples(path: Path) -> Iterator[Example]:
    rows = _json_rows(path) if path.suffix.lower() == ".jsonl" else _table_rows(path)
    for line, row in rows:
        text, second = _first(row, TEXT_COLUMNS), _first(row, PAIR_COLUMNS)
        if not isinstance(text, str) or not isinstance(second, str | None):
            raise InputError(
                f"{path}, line {line}: no text; expected a column or key named one of "
                f"{', '.join(TEXT_COLUMNS)}"
            )
        label = _first(row, LABEL_COLUMNS)
        labels = label if isinstance(label, list) else [] if label is None else [label]
        if isinstance(label, list) and not label:
            raise InputError(f"{path}, line {line}: an empty list of labels; leave the row out")
        yield Example(
            text if second is None else (text, second), tuple(str(each) for each in labels), line
        )


def _first(row: dict[str, object], names: tuple[str, ...]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


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


def _table_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
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
        names = [name.strip().lower() for name in next(rows, [])]
        if not set(names) & set(TEXT_COLUMNS) or len(set(names)) != len(names):
            raise InputError(
                f"{path}, line 1: got the columns {', '.join(names)[:100]!r}, expected a header "
                f"with each name once, one of them of {', '.join(TEXT_COLUMNS)}"
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
