"""The gate and careless users: files that say nothing, options that would be ignored, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import students
import torch
import transformers

from edgebert.cli import main


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--eval", "DEV", "--recover", "nowhere.txt"], "'nowhere.txt' cannot be read"),
        (["--eval", "DEV", "--recover", "EMPTY"], "has no texts to learn from"),
        (["--text-column", "text"], "--text-column names a column of labelled rows"),
        (["--label-column", "label"], "--label-column names a column of labelled rows"),
        (["--prune-data", "DEV"], "--prune-data has rows to choose by, and nothing is to be"),
    ],
)
def test_what_would_be_ignored(
    options: list[str],
    message: str,
    checkpoint: Path,
    answered: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each is refused at once: neither after the search, nor never, where nothing is recovered."""
    (tmp_path / "empty.txt").write_text("")
    words = {"DEV": str(answered), "EMPTY": str(tmp_path / "empty.txt")}
    target = tmp_path / "target"
    target.mkdir()
    command = ["convert", str(checkpoint), "-o", str(target / "bundle"), "--formats", "onnx"]
    assert main([*command, *(words.get(word, word) for word in options)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(target.iterdir()) == []


def test_a_constant_correlates_with_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A correlation of 0 for every artifact would let each of them through."""
    checkpoint = students.checkpoint(tmp_path / "regression", labels=("score",))
    rows = tmp_path / "flat.tsv"
    rows.write_text("text\tlabel\na fine day\t1.5\na bad day\t1.5\n", encoding="utf-8")
    command = ["convert", str(checkpoint), "-o", str(tmp_path / "bundle"), "--formats", "onnx"]
    assert main([*command, "--eval", str(rows)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "has the number 1.5 in each row" in last
    assert not (tmp_path / "bundle").exists()


def test_an_artifact_without_numbers_is_never_kept(
    tmp_path: Path, answered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """float16 has no number for a weight; with 100 points to lose, that is still no."""
    checkpoint = students.checkpoint(tmp_path / "wide")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint)
    with torch.no_grad():
        model.classifier.weight.mul_(1e6)
    model.save_pretrained(checkpoint)
    command = ["convert", str(checkpoint), "-o", str(tmp_path / "bundle"), "--formats", "onnx"]
    options = ["--recipe", "float16", "--eval", str(answered), "--max-drop", "100"]
    assert main([*command, *options]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any("onnx float16 cannot be used: recipe float16: 'head." in each for each in lines)
    assert "no artifact could be run" in lines[-1]
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("moment", ["scoring the float model", "exporting", "scoring onnx"])
def test_interrupted(moment: str, checkpoint: Path, answered: Path, tmp_path: Path) -> None:
    options = ["--eval", str(answered), "--prune-heads", "2", "--prune-importance", "l2"]
    _interrupt(checkpoint, options, moment, tmp_path)


def test_interrupted_while_it_recovers(planted: Path, answered: Path, tmp_path: Path) -> None:
    """No word of a run to resume: its folder was a temporary one."""
    options = ["--eval", str(answered), "--recipe", "int8_dynamic", "--recover", str(answered)]
    rest = _interrupt(planted, [*options, "--recover-steps", "100000"], "recovering", tmp_path, 3)
    assert "--resume" not in rest


def _interrupt(
    checkpoint: Path, options: list[str], moment: str, tmp_path: Path, seconds: float = 0
) -> str:
    """Ctrl-C some seconds after a line of progress; what is on standard error behind that."""
    target, temporary = tmp_path / "target", tmp_path / "temporary"
    target.mkdir()
    temporary.mkdir()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "edgebert", "convert", str(checkpoint)),
            *("-o", str(target / "bundle"), "--formats", "onnx", *options),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if moment in line:
                break
        time.sleep(seconds)
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
    assert child.returncode == 130
    assert "Traceback" not in rest
    assert list(target.iterdir()) == []
    assert not [path.name for path in temporary.iterdir() if path.name.startswith("edgebert")]
    return rest
