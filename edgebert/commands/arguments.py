"""Arguments and habits that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from edgebert.escaping import UNSAFE, escaped, printable
from edgebert_runtime import Model, load
from edgebert_runtime.arguments import whole_number
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import (
    LABEL_COLUMNS,
    PAIR_COLUMNS,
    TEXT_COLUMNS,
    Columns,
    lines,
    stream_texts,
)
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.tasks.reading import LONG_TEXT
from edgebert_runtime.tokenization import Text

_SURROGATE = re.compile("[\udc80-\udcff]")
"""What Python makes of a byte of an argument that it cannot read (PEP 383)."""


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """The bundle to read."""
    parser.add_argument("bundle", metavar="BUNDLE", help="bundle folder or .edgebert file")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The bundle, and which of its artifacts to open."""
    add_bundle(parser)
    parser.add_argument(
        "--backend",
        default="auto",
        help=f"auto (the fastest installed), {', '.join(BACKENDS)}; default: auto",
    )
    parser.add_argument("--recipe", help="recipe of the artifact; default: the smallest file")
    parser.add_argument("--threads", type=whole_number, help="default: all this process may use")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Print JSON in place of the table."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_texts(parser: argparse.ArgumentParser) -> None:
    """Texts as arguments, in a file, or a line each on standard input."""
    parser.add_argument("texts", metavar="TEXT", nargs="*", help="texts; none: lines of stdin")
    parser.add_argument("--pair", metavar="TEXT", help="second text, to go with each first one")
    parser.add_argument("--input", type=Path, metavar="FILE", help=".txt lines, .tsv, .csv, .jsonl")
    for name, found in (("text", TEXT_COLUMNS), ("pair", PAIR_COLUMNS)):
        parser.add_argument(
            f"--{name}-column",
            metavar="NAME",
            help=f"of a table; default: the first of {', '.join(found)}",
        )


def add_long_text(parser: argparse.ArgumentParser) -> None:
    """What becomes of a text that is longer than the model's limit."""
    parser.add_argument(
        "--long-text",
        choices=LONG_TEXT,
        help="cut it, read it in windows that overlap, or refuse it; default: windows for question "
        "answering, else truncate",
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Names of columns."""
    usual = {"text": TEXT_COLUMNS, "pair": PAIR_COLUMNS, "label": LABEL_COLUMNS}
    for name, found in usual.items():
        parser.add_argument(
            f"--{name}-column", metavar="NAME", help=f"default: the first of {', '.join(found)}"
        )


def columns(arguments: argparse.Namespace) -> Columns:
    """The columns that the arguments of `add_columns` name."""
    return Columns(arguments.text_column, arguments.pair_column, arguments.label_column)


def refuse_columns(arguments: argparse.Namespace, wanted: str) -> None:
    """Refuse names of columns where no file is read by them.

    Raises:
        InputError: that says `wanted`.
    """
    for name in ("text", "pair", "label"):
        if getattr(arguments, f"{name}_column") is not None:
            raise InputError(f"--{name}-column names a column of labelled rows: {wanted}")


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas, for argparse."""
    return tuple(part.strip() for part in text.split(","))


def open_model(arguments: argparse.Namespace) -> Model:
    """The model that the arguments of `add_model` name."""
    return load(
        arguments.bundle,
        backend=arguments.backend,
        recipe=arguments.recipe,
        threads=arguments.threads,
    )


def given_texts(arguments: argparse.Namespace) -> list[Text]:
    """The texts that the arguments of `add_texts` name.

    Raises:
        InputError: if they are given in two ways, or standard input is not UTF-8 text.
    """
    return list(streamed_texts(arguments)[1])


def streamed_texts(arguments: argparse.Namespace) -> tuple[int | None, Iterator[Text]]:
    """The same one at a time, and how many there are; None for standard input.

    A file is read through once beforehand, so that a row that cannot be used is found before any
    text is answered.

    Raises:
        InputError: as `given_texts`.
    """
    texts: Iterator[Text]
    total: int | None
    if arguments.input is not None and str(arguments.input) != "-":
        if arguments.texts:
            raise InputError("got texts and --input, expected one of the two")
        columns = Columns(arguments.text_column, arguments.pair_column)

        def read() -> Iterator[Text]:
            for text in stream_texts(arguments.input, columns):
                if isinstance(text, tuple) and arguments.pair is not None:
                    raise InputError(
                        f"{str(arguments.input)!r} holds pairs already; leave --pair out"
                    )
                yield text

        total, texts = counted(arguments.input, read)
    elif arguments.texts:
        total, texts = len(arguments.texts), map(as_utf8, arguments.texts)
    else:
        if sys.stdin is None:
            raise InputError("standard input is closed; give texts as arguments, or --input FILE")
        total = None
        texts = (line for _, line in lines(sys.stdin.buffer, "standard input"))
    if arguments.pair is None:
        return total, texts
    pair = as_utf8(arguments.pair)
    return total, ((text, pair) for text in texts if isinstance(text, str))


def counted(path: Path, read: Callable[[], Iterator[Text]]) -> tuple[int | None, Iterator[Text]]:
    """How many texts `read` gives of a file, which it reads through once beforehand, and the texts.

    None for what gives its content only once, as a pipe does.
    """
    try:
        once = path.exists() and not path.is_file()
    except ValueError:
        once = False
    return None if once else sum(1 for _ in read()), read()


def as_utf8(text: str) -> str:
    """An argument as it was meant where the locale is not of UTF-8 and Python could not read it."""
    try:
        return os.fsencode(text).decode("utf-8") if _SURROGATE.search(text) else text
    except UnicodeError:
        return text


def print_json(data: Any) -> None:
    """One JSON document on standard output; what a terminal cannot show is escaped as in JSON."""
    _print(json.dumps(data, ensure_ascii=False, indent=2), _json_escaped)


def print_json_list(items: Iterable[Any]) -> None:
    """The same for a list of which no more than one item is held at a time."""
    before = "["
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        _print(f"{before}\n  {text}", _json_escaped, end="")
        before = ","
    _print("[]" if before == "[" else "\n]", _json_escaped)


def write(text: str) -> None:
    """Lines on standard output; what a terminal cannot show, or would obey, is escaped."""
    _print(text, escaped)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """A disk that is full is an error of ours; a reader that is gone is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(
            f"standard output cannot be written ({error.strerror}); redirect it elsewhere"
        ) from None


def shown(text: Text, width: int = 40) -> str:
    """A text or pair on one line of a table, control characters escaped."""
    joined = " | ".join(text) if isinstance(text, tuple) else text
    line = printable(joined[: width + 1])
    return line if len(line) <= width else line[: width - 1] + "…"


def _print(text: str, escape: Callable[[str], str], end: str = "\n") -> None:
    encoding = sys.stdout.encoding or "utf-8"

    def replaced(found: re.Match[str]) -> str:
        character = found[0]
        if character != "\n" and not character.isprintable():
            return escape(character)
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            return escape(character)
        return character

    with writing():
        print(UNSAFE.sub(replaced, text), end=end, flush=True)


def _json_escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
