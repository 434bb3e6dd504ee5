"""`edgebert predict` and `edgebert embed`: where texts come from, and how answers are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import terminal

from edgebert.commands import arguments
from edgebert_runtime import Classification, Model

ONNX = ("--backend", "onnx", "--threads", "1")


def labels(*given: terminal.Argument, stdin: bytes = b"", **environment: str) -> list[str]:
    """The label of each answer, in JSON."""
    answers = json.loads(terminal.output("predict", "--json", *given, stdin=stdin, **environment))
    return [f"{answer['label']} {answer['score']:.4f}" for answer in answers]


@pytest.fixture(scope="module")
def expected(bundle: Path) -> list[str]:
    """Answers to "a fine day", nothing, and "no 😀"."""
    found = labels(bundle, *ONNX, "--", "a fine day", "", "no 😀")
    assert len(set(found)) == 3
    return found


@pytest.mark.parametrize(
    "stdin",
    [
        "a fine day\n\nno 😀\n",
        "a fine day\n\nno 😀",
        "a fine day\r\n\r\nno 😀\r\n",
        "\ufeffa fine day\n\nno 😀\n",
    ],
    ids=["lines", "no final newline", "CRLF", "BOM"],
)
def test_lines_of_standard_input(bundle: Path, expected: list[str], stdin: str) -> None:
    assert labels(bundle, *ONNX, stdin=stdin.encode()) == expected


FILES = {
    "x.txt": "a fine day\n\nno 😀\n",
    "no_suffix": "a fine day\r\n\r\nno 😀",
    "x.tsv": "id\ttext\n1\ta fine day\n2\t\n3\tno 😀\n",
    "x.csv": 'Sentence,label\r\na fine day,1\r\n"",2\r\n"no 😀",3\r\n',
    "x.jsonl": '{"text": "a fine day"}\n\n{"text": ""}\n{"text": "no \\ud83d\\ude00"}\n',
}


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_texts_of_a_file(
    bundle: Path, expected: list[str], tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert labels(bundle, *ONNX, "--input", tmp_path / name) == expected


def test_texts_before_between_and_behind_options(bundle: Path) -> None:
    texts = ("a fine day", "no", "- no", "-x", "--json")
    straight = labels(bundle, *ONNX, "--", *texts)
    mixed = labels(bundle, "a fine day", *ONNX, "no", "- no", "--json", "--", "-x", "--json")
    assert mixed == straight
    assert len(straight) == 5


def test_a_second_text_for_each(bundle: Path, model: Model) -> None:
    given = (
        bundle,
        "--backend",
        model.artifact.backend,
        "--threads",
        "1",
        "--pair",
        "b c",
        "a",
        "",
    )
    result = model.predict([("a", "b c"), ("", "b c")])
    assert isinstance(result, list)
    assert labels(*given) == [
        f"{each.label} {each.score:.4f}" for each in result if isinstance(each, Classification)
    ]


def test_no_texts(bundle: Path) -> None:
    assert terminal.output("predict", bundle, *ONNX).split() == ["text", "answer", "----", "------"]
    assert labels(bundle, *ONNX) == []


MISTAKES: dict[str, tuple[list[str], bytes, str]] = {
    "stdin": ([*ONNX], b"a\nb\xffc\n", "standard input, line 2: got invalid start byte at byte 2"),
    "two ways": (["--input", "x.txt", "a"], b"", "got texts and --input, expected one"),
    "no file": (["--input", "nowhere.txt"], b"", "'nowhere.txt' cannot be read"),
    "a folder": (["--input", "."], b"", "'.' cannot be read"),
    "no UTF-8": (["--input", "latin.csv"], b"", "latin.csv, line 2: got invalid"),
    "no column": (["--input", "columns.tsv"], b"", "columns.tsv, line 1: got the columns 'a, b'"),
    "JSON": (["--input", "broken.jsonl"], b"", "broken.jsonl, line 3: not valid JSON"),
    "pairs twice": (["--input", "pairs.tsv", "--pair", "x"], b"", "holds pairs already"),
}


@pytest.mark.parametrize(("given", "stdin", "line"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_texts(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    stdin: bytes,
    line: str,
) -> None:
    (tmp_path / "latin.csv").write_bytes(b"text\ncaf\xe9\n")
    (tmp_path / "columns.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n\n{"text": "b"\n')
    (tmp_path / "pairs.tsv").write_text("sentence1\tsentence2\na\tb\n")
    monkeypatch.chdir(tmp_path)
    assert line in terminal.mistake("predict", bundle, *given, stdin=stdin)


Forge = Callable[[Callable[[Path, dict[str, Any]], None]], Path]


def _hostile_labels(_: Path, manifest: dict[str, Any]) -> None:
    manifest["labels"] = ["grün 😀", "\x1b[31mred\n\x9b\u202e"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "utf-16"])
def test_labels_and_texts_that_a_terminal_cannot_show(forge: Forge, encoding: str) -> None:
    path = forge(_hostile_labels)
    table = terminal.run(
        *("predict", path, *ONNX, "--top-k", "2", "a\x1b[31m 😀"), PYTHONIOENCODING=encoding
    )
    assert (table.returncode, table.stderr) == (0, b"")
    text = table.stdout.decode(encoding)
    assert text.count("\n") == 3
    assert r"a\x1b[31m" in text
    assert r"\x1b[31mred\n\x9b\u202e" in text
    assert ("😀" in text) == encoding.startswith("utf")
    found = terminal.run("predict", path, *ONNX, "a", "--json", PYTHONIOENCODING=encoding)
    document = found.stdout.decode(encoding)
    assert [*json.loads(document)[0]["scores"]] == ["grün 😀", "\x1b[31mred\n\x9b\u202e"]
    assert all(each.isprintable() for each in document.replace("\n", ""))


def test_truncation_is_shown(bundle: Path) -> None:
    lines = terminal.output("predict", bundle, *ONNX, "a", "b " * 100).splitlines()
    assert [line.endswith("truncated") for line in lines] == [False, False, False, True]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("a b", "a b"),
        (("a", "b"), "a | b"),
        ("a\tb\x7f\u2028\ud800", r"a\tb\x7f\u2028\ud800"),
        ("x" * 41, "x" * 39 + "…"),
        ("x" * 40, "x" * 40),
    ],
)
def test_a_text_in_a_table(given: str | tuple[str, str], line: str) -> None:
    assert arguments.shown(given) == line


def test_embed_of_a_classifier(bundle: Path, tmp_path: Path) -> None:
    line = terminal.mistake("embed", bundle, "a", "-o", tmp_path / "x.npy")
    assert "task is classification: use predict(), or 'edgebert predict'" in line
    assert list(tmp_path.iterdir()) == []


def test_values_are_plain_numbers(bundle: Path) -> None:
    answer = json.loads(terminal.output("predict", bundle, *ONNX, "a", "--json"))[0]
    assert np.isclose(sum(answer["scores"].values()), 1.0)
    assert answer["truncated"] is False
