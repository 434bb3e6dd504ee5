"""`edgebert summarize` and `edgebert search`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import articles
import pytest

import edgebert
from edgebert.cli import main
from edgebert_runtime.summary import summarize

Printed = pytest.CaptureFixture[str]
LINES = [sentence for topic in articles.TOPICS for sentence in topic]


def printed(capsys: Printed, *arguments: str | Path) -> str:
    assert main([*map(str, arguments), "--backend", "onnx", "--threads", "1"]) == 0
    return capsys.readouterr().out


def mistake(capsys: Printed, *arguments: str | Path) -> str:
    assert main([*map(str, arguments)]) == 2
    return capsys.readouterr().err


def as_json(capsys: Printed, *arguments: str | Path) -> Any:
    return json.loads(printed(capsys, *arguments, "--json"))


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(articles.ENGLISH, encoding="utf-8")
    return path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def test_a_file_is_one_text(
    capsys: Printed, encoder: edgebert.Model, encoder_bundle: Path, article: Path
) -> None:
    answer = as_json(capsys, "summarize", encoder_bundle, "--input", article, "--sentences", "2")
    expected = summarize(encoder, articles.ENGLISH, sentences=2)
    assert answer["text"] == expected.text
    assert [each["start"] for each in answer["sentences"]] == [
        each.start for each in expected.sentences
    ]
    assert len(answer["left_out"]) == 10
    assert answer["truncated"] is False
    assert answer["not_compared"] == 0


def test_places_count_line_ends_as_they_are(
    capsys: Printed, encoder_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes("\ufeffOne line.\r\n\r\nAnother line.\r\n".encode())
    answer = as_json(capsys, "summarize", encoder_bundle, "--input", path)
    assert [(each["start"], each["end"]) for each in answer["sentences"]] == [(0, 9), (13, 26)]


def test_a_text_behind_options(capsys: Printed, encoder_bundle: Path) -> None:
    shown = printed(capsys, "summarize", encoder_bundle, "--characters", "9", "One line. Two.")
    assert "One line." in shown
    assert shown.endswith("\n1 of 2 sentences\n")


def test_chinese(capsys: Printed, encoder_bundle: Path) -> None:
    arguments = ("summarize", encoder_bundle, articles.CHINESE, "--language", "zh")
    answer = as_json(capsys, *arguments, "--sentences", "1")
    assert answer["text"] in [each for topic in articles.CHINESE_TOPICS for each in topic]


def test_what_was_not_looked_at_is_told(
    capsys: Printed, encoder_bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "long.txt"
    path.write_text("字" * 1900 + "。" + " Hm." * 1100, encoding="utf-8")
    shown = printed(capsys, "summarize", encoder_bundle, "--input", path, "--sentences", "1")
    assert shown.endswith(
        "1 of 1101 sentences, of which 1000 were compared; some are longer than the model can look "
        "at\n"
    )


def test_all_of_standard_input(encoder_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgebert", "summarize", encoder_bundle, "--backend", "onnx"],
        input=b"\xe4\xb8\x80\xe3\x80\x82\nTwo\x1b.",
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 sentences" in done.stdout.decode()
    assert "\x1b" not in done.stdout.decode()


def test_mistakes_of_summarize(capsys: Printed, encoder_bundle: Path, tmp_path: Path) -> None:
    def told(*arguments: str | Path) -> str:
        return mistake(capsys, "summarize", encoder_bundle, *arguments)

    missing, latin = tmp_path / "none.txt", tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9")
    assert "got 2 texts, expected one; put it into quotes" in told("one", "two")
    assert "got a text and --input, expected one of the two" in told("one", "--input", latin)
    assert "cannot be read" in told("--input", missing)
    assert "expected a file of UTF-8 text" in told("--input", latin)
    assert "cannot be read" in told("--input", tmp_path)
    assert "expected a whole number of at least 1" in told("one", "--sentences", "0")
    assert "expected a code such as en or zh" in told("one", "--language", "english")


def test_search_is_nearest_first(capsys: Printed, encoder_bundle: Path, lines: Path) -> None:
    query = "What is the price of a loaf?"
    found = as_json(capsys, "search", encoder_bundle, query, "--input", lines, "--top-k", "4")
    assert [each["text"] for each in found] == [LINES[each["index"]] for each in found]
    assert found[0]["text"] == articles.BREAD[3]
    scores = [each["score"] for each in found]
    assert scores == sorted(scores, reverse=True)
    assert len(found) == 4
    assert articles.BREAD[3] in printed(
        capsys, "search", encoder_bundle, "--input", lines, "--top-k", "1", query
    )


def test_search_past_the_first_chunk(capsys: Printed, encoder_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    many = ["Nothing here."] * 600
    many[10] = many[590] = "The cat sleeps."
    many[400] = "A cat is asleep."
    path.write_text("\n".join(many), encoding="utf-8")
    arguments = ("search", encoder_bundle, "The cat sleeps.", "--input", path, "--top-k", "4")
    assert [each["index"] for each in as_json(capsys, *arguments)] == [10, 590, 400, 0]


def test_search_in_pairs(capsys: Printed, encoder_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("text\ttext_pair\nIs it open?\tIt is closed.\nA\tB\n")
    found = as_json(capsys, "search", encoder_bundle, "closed", "--input", path)
    assert [each["text"] for each in found] == [["Is it open?", "It is closed."], ["A", "B"]]


def test_search_in_nothing(capsys: Printed, encoder_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("")
    assert as_json(capsys, "search", encoder_bundle, "closed", "--input", path) == []


def test_mistakes_of_search(
    capsys: Printed, encoder_bundle: Path, classifier_bundle: Path, lines: Path
) -> None:
    def told(*arguments: str | Path) -> str:
        return mistake(capsys, "search", *arguments)

    assert "--input" in told(encoder_bundle, "query")
    assert "QUERY" in told(encoder_bundle, "--input", lines)
    assert "which 'edgebert search' does not take" in told(
        encoder_bundle, "one", "two", "--input", lines
    )
    assert "cannot be read" in told(encoder_bundle, "one", "--input", lines / "none.txt")
    assert "vectors need a bundle of embeddings" in told(classifier_bundle, "one", "--input", lines)
