"""Every command and every line of Python in the README runs, and its table is the measured one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import environments
import pytest
import students
import transformers

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import figures

README = (environments.ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's reader stands: a checkpoint, sentences, labelled rows."""
    place = tmp_path_factory.mktemp("reader")
    shutil.copytree(checkpoint, place / "my-checkpoint")
    (place / "sentences.txt").write_text("\n".join(students.SENTENCES), encoding="utf-8")
    rows = ["text\tlabel", "Good.\tpositive", "What a waste of a good cast.\tnegative"]
    (place / "reviews.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    encoder = transformers.AutoModel.from_pretrained(checkpoint)
    encoder.save_pretrained(place / "encoder")
    students.tokenizer("bert").save_pretrained(place / "encoder")
    shutil.copytree(place / "encoder", place / "my-encoder")
    students.checkpoint(place / "entities", task="token-classification")
    students.checkpoint(place / "answers", task="question-answering")
    run("edgebert convert encoder -o my-embeddings --formats onnx --pooling mean", place)
    for name in ("entities", "answers"):
        run(f"edgebert convert {name} -o my-{name} --formats onnx --recipe float32", place)
    return place


def run(command: str, place: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=place,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_every_command(folder: Path) -> None:
    commands = [
        line.partition(" #")[0].strip()
        for block in blocks("bash")
        for line in block.splitlines()
        if line.strip()
    ]
    ours = [command for command in commands if "edgebert " in command]
    assert len(ours) > 10
    for command in ours:
        run(command, folder)
    for script in set(commands) - set(ours):
        assert os.access(environments.ROOT / script, os.X_OK)


def test_every_line_of_python(folder: Path) -> None:
    assert len(blocks("python")) == 3
    for block in blocks("python"):
        shutil.rmtree(folder / "my-bundle", ignore_errors=True)
        (folder / "example.py").write_text(block, encoding="utf-8")
        run(f"{sys.executable} -W ignore example.py", folder)


def test_the_table_is_the_measured_one() -> None:
    measured = json.loads(figures.FIGURES.read_text(encoding="utf-8"))
    assert figures.section(measured) in README
