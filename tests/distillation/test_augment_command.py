"""`edgebert augment` as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import students
import torch
import transformers

from edgebert import cli

DATA = "sentence\tlabel\nThe story was very good.\t1\nNobody liked the people, Zyxwv!\t0\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data.tsv").write_text(DATA)
    return tmp_path / "data.tsv"


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: str | Path) -> int:
    return cli.main(["augment", *map(str, arguments)])


def test_with_the_teacher_alone(
    data: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = data.with_name("out.jsonl")
    assert run(data, "-o", output, "--teacher", checkpoint) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split("  ") == [
        "rows read",
        "rows written",
        "words replaced",
        "continued after",
    ]
    assert printed[2].split()[:2] == ["2", "42"]
    rows = rows_of(output)
    assert [row["augmented"] for row in rows] == [False, *[True] * 20] * 2
    assert [row["label"] for row in rows] == ["1"] * 21 + ["0"] * 21
    assert len({str(row["text"]) for row in rows}) == 42
    # The tokenizer knows no such word, so the teacher has no neighbours for it.
    assert all(str(row["text"]).endswith(" Zyxwv!") for row in rows[21:])


def test_with_every_source(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = transformers.BertConfig(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "masked")
    students.tokenizer("bert").save_pretrained(tmp_path / "masked")
    (tmp_path / "vectors.txt").write_text("zyxwv 1 0\nabcde 1 0.1\nstory 0 1\nnever 0.1 1\n")
    data.write_text("text\nThe story was good.\nThe people, Zyxwv!\n")
    output = data.with_name("out.jsonl")
    capsys.readouterr()
    arguments = ["--masked-lm", tmp_path / "masked", "--word-vectors", tmp_path / "vectors.txt"]
    options = ["--copies", "3", "--probability", "1", "--candidates", "1", "--seed", "7", "--json"]
    assert run(data, "-o", output, *arguments, *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == {"rows": 2, "written": 8, "replaced": 1.0, "continued_after": 0}
    rows = rows_of(output)
    # The vectors are asked for what is no piece of the model's vocabulary, and for nothing else.
    assert all(str(row["text"]).endswith(" Abcde!") for row in rows[5:8])
    assert not any("never" in str(row["text"]) for row in rows)


def test_force_replaces_an_output(
    data: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = data.with_name("out.jsonl")
    output.write_text("precious")
    arguments = (data, "-o", output, "--teacher", checkpoint, "--copies", "1")
    assert run(*arguments) == 2
    assert "exists; choose another name, or add --force" in capsys.readouterr().err
    assert output.read_text() == "precious"
    assert run(*arguments, "--force") == 0
    assert len(rows_of(output)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "got no source of words; add --teacher CHECKPOINT, or --word-vectors FILE"),
        (["--teacher", "nowhere"], "no checkpoint can be read from 'nowhere'"),
        (["--word-vectors", "nowhere"], "'nowhere' cannot be read"),
        (["--teacher", "x", "--probability", "2"], "probability: got 2.0, expected 0 to 1"),
        (["--teacher", "x", "--probability", "nan"], "probability: got nan, expected 0 to 1"),
        (["--teacher", "x", "--copies", "0"], "expected a whole number of at least 1"),
        (["--teacher", "x", "--candidates", "-1"], "expected a whole number of at least 1"),
        (["--teacher", "x", "--seed", "x"], "invalid int value"),
    ],
)
def test_mistakes(
    data: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "-o", data.with_name("out.jsonl"), *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("edgebert: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in data.parent.iterdir()] == ["data.tsv"]


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_a_missing_library(library: str, data: Path) -> None:
    program = (
        f"import sys; sys.modules[{library!r}] = None; from edgebert import cli; "
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    arguments = ["augment", str(data), "-o", str(data.with_name("o.jsonl")), "--teacher", "x"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"edgebert: error: this command needs {library}, which is not installed; "
        "run: pip install torch==2.13.0, then pip install 'edgebert[distill]'\n"
    )
