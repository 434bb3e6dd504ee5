"""A run can be stopped anywhere and continued to the very same weights; its faults are one line."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import students
from safetensors.numpy import load_file

import edgebert
from edgebert.cli import main
from edgebert.distillation import DataOptions, Penalties, RunOptions, Schedule, TrainOptions

SCHEDULE = Schedule(epochs=20, batch_size=8, learning_rate=1e-3, save_every=3)


def command(teacher: Path, reviews: Path, output: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "edgebert", "train", str(teacher), "--train", str(reviews)),
        *("--dev", str(reviews), "-o", str(output), "--epochs", "20", "--batch-size", "8"),
        *("--learning-rate", "1e-3", "--save-every", "3", *more),
    ]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "model.safetensors")


def assert_same_weights(first: Path, second: Path) -> None:
    ours, theirs = weights(first), weights(second)
    assert set(ours) == set(theirs)
    for name in ours:
        assert (ours[name] == theirs[name]).all(), name


@pytest.fixture(scope="module")
def uninterrupted(teacher: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    subprocess.run(command(teacher, reviews, output), check=True, env=environment())
    return output


def test_a_run_learns_and_leaves_what_it_says(uninterrupted: Path) -> None:
    names = {path.name for path in uninterrupted.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "run.json"} <= names
    assert {"metrics.jsonl", "run.png"} <= names
    assert not names & {"checkpoints", "stages", "data"}
    record = json.loads((uninterrupted / "run.json").read_text())
    assert record["finished"]
    (stage,) = record["stages"]
    assert stage["stage"] == "fine-tuning"
    assert stage["accuracy"] > 0.9
    assert stage["peak_bytes"] > 10e6
    lines = [
        json.loads(line) for line in (uninterrupted / "metrics.jsonl").read_text().split("\n")[:-1]
    ]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0]
    assert sum("dev_accuracy" in line for line in lines) == 20
    assert (uninterrupted / "run.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_weights(
    uninterrupted: Path, teacher: Path, reviews: Path, tmp_path: Path
) -> None:
    data = DataOptions(train=reviews, dev=reviews)
    edgebert.train(teacher, tmp_path / "again", TrainOptions(data=data, schedule=SCHEDULE))
    assert_same_weights(tmp_path / "again", uninterrupted)
    other = TrainOptions(data=data, schedule=SCHEDULE, run=RunOptions(seed=1))
    edgebert.train(teacher, tmp_path / "other", other)
    name = "classifier.weight"
    assert (weights(tmp_path / "other")[name] != weights(uninterrupted)[name]).any()


def test_killed_at_any_moment(
    uninterrupted: Path, teacher: Path, reviews: Path, tmp_path: Path
) -> None:
    """Killed again and again, each time a while after it began to train."""
    output = tmp_path / "out"
    kills = 0
    for seconds in (0.0, 0.15, 0.4):
        with subprocess.Popen(
            command(teacher, reviews, output, "--resume"),
            env=environment(),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as child:
            lines = _lines(output)
            while child.poll() is None and _lines(output) <= lines:
                time.sleep(0.01)
            time.sleep(seconds)
            child.send_signal(signal.SIGKILL)
            kills += child.wait() == -signal.SIGKILL
    assert kills
    subprocess.run(command(teacher, reviews, output, "--resume"), check=True, env=environment())
    assert_same_weights(output, uninterrupted)
    steps = [
        line["step"]
        for line in map(json.loads, (output / "metrics.jsonl").read_text().split("\n")[:-1])
        if "loss" in line
    ]
    assert steps == sorted(set(steps))


def _lines(output: Path) -> int:
    path = output / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_ctrl_c_says_where_to_go_on(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with subprocess.Popen(
        command(teacher, reviews, output, "--epochs", "400"),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        while child.poll() is None and not list((output / "checkpoints").glob("*/step-*[0-9]")):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("edgebert: interrupted after step")
    assert "continue with --resume" in last


def test_a_learning_rate_beyond_all_bounds(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(teacher, reviews, tmp_path / "out", "--learning-rate", "1e30")[3:]
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "no number to learn from" in said
    assert "lower --learning-rate" in said


def test_a_full_disk(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    """Files may grow to 100 kB: a checkpoint of this model is larger."""
    # A shell sets the limit: what runs between fork and exec here would run beside JAX's threads.
    limited = 'trap "" XFSZ; ulimit -f 100; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *command(teacher, reviews, tmp_path / "out")],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert "could not be written" in said
    assert "check free space" in said
    assert not (tmp_path / "out" / "config.json").exists()
    # With room again, the run goes on where it was.
    subprocess.run(
        command(teacher, reviews, tmp_path / "out", "--resume"), check=True, env=environment()
    )
    assert (tmp_path / "out" / "config.json").exists()


def test_out_of_memory(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    """An allocation that no machine can make, while a step runs."""
    code = (
        "import torch, sys\n"
        "from edgebert.distillation import losses\n"
        "losses.hard_loss = lambda *_: torch.empty(2**50)\n"
        "from edgebert.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(teacher, reviews, tmp_path / "out")[3:]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert "out of memory at step 1 of fine-tuning" in said
    assert "smaller --batch-size" in said


def test_options_must_be_those_of_the_run(
    uninterrupted: Path, teacher: Path, reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(teacher, reviews, uninterrupted, "--resume", "--seed", "5")[3:]
    assert main(arguments) == 2
    assert "resume with the same options" in capsys.readouterr().err
    assert main(command(teacher, reviews, uninterrupted)[3:]) == 2
    assert "--resume to continue it, --force to replace it" in capsys.readouterr().err


def test_a_finished_run_is_left_alone(uninterrupted: Path, teacher: Path, reviews: Path) -> None:
    before = (uninterrupted / "model.safetensors").stat().st_mtime_ns
    assert main(command(teacher, reviews, uninterrupted, "--resume")[3:]) == 0
    assert (uninterrupted / "model.safetensors").stat().st_mtime_ns == before


def test_nothing_else_is_overwritten(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("ten years")
    assert main(command(teacher, reviews, tmp_path / "thesis", "--force")[3:]) == 2
    assert "is no training run" in capsys.readouterr().err
    assert (tmp_path / "thesis" / "chapter").read_text() == "ten years"


def test_two_processes_learn_what_one_learns(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    """Half a batch on each of two processes is one step."""
    both, alone = tmp_path / "both", tmp_path / "alone"
    common = ["--max-steps", "6", "--dropout", "0", "--batch-size", "4"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run(
        [*launch, *command(teacher, reviews, both, *common)[1:]], check=True, env=environment()
    )
    assert main(command(teacher, reviews, alone, *common, "--accumulate", "2")[3:]) == 0
    ours, theirs = weights(both), weights(alone)
    for name in ours:
        assert abs(ours[name] - theirs[name]).max() < 1e-5, name


def test_two_processes_distil(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    """The intermediate stage, which leaves the head alone, for more steps than one."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    arguments = ["distill", "--teacher", str(teacher), "--student", "2x32x4x64", "--resume"]
    options = ["--train", str(reviews), "--batch-size", "4", "--epochs", "1", "-o"]
    output = tmp_path / "out"
    command = [*launch, "-m", "edgebert", *arguments, *options, str(output)]
    subprocess.run(command, check=True, env=environment())
    record = json.loads((output / "run.json").read_text())
    assert [stage["steps"] for stage in record["stages"]] == [8, 8]


def test_force_keeps_the_old_model_until_there_is_a_new_one(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, bad = tmp_path / "out", tmp_path / "bad.tsv"
    once = ["--max-steps", "1", "--force"]
    assert main(command(teacher, reviews, output, *once)[3:]) == 0
    before = (output / "model.safetensors").read_bytes()
    bad.write_text("text\tlabel\nOdd.\tgreen\n", encoding="utf-8")
    assert main(command(teacher, reviews, output, *once, "--dev", str(bad))[3:]) == 2
    assert "got the label 'green'" in capsys.readouterr().err
    assert (output / "model.safetensors").read_bytes() == before
    (output / "thesis").write_text("ten years")
    assert main(command(teacher, reviews, output, *once)[3:]) == 2
    assert "'thesis', which is no part of a run" in capsys.readouterr().err
    (output / "thesis").unlink()
    assert main(command(teacher, reviews, output, *once, "--seed", "1")[3:]) == 0
    assert (output / "model.safetensors").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tsv", "out"]


def test_an_output_that_is_an_input(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(teacher, copy)
    assert main(command(copy, reviews, copy, "--force")[3:]) == 2
    assert "which this run reads; choose another name" in capsys.readouterr().err
    assert (copy / "model.safetensors").exists()


def test_a_run_that_died_while_it_began(teacher: Path, reviews: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / ".run.json.123.partial").write_text("{")
    assert main(command(teacher, reviews, output, "--max-steps", "1", "--resume")[3:]) == 0


def test_a_folder_that_another_run_writes_in(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    descriptor = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert main(command(teacher, reviews, tmp_path / "out", "--resume")[3:]) == 2
    finally:
        os.close(descriptor)
    assert "another run is writing there" in capsys.readouterr().err


def test_another_checkpoint_of_the_same_name(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = students.checkpoint(tmp_path / teacher.name, labels=("long", "short"))
    output = tmp_path / "out"
    once = ["--max-steps", "1", "--resume"]
    assert main(command(teacher, reviews, output, *once)[3:]) == 0
    assert main(command(other, reviews, output, *once)[3:]) == 2
    assert "was started with checkpoint.sha256" in capsys.readouterr().err


def test_a_damaged_record(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    for content in ("[1]", '{"name": "mine"}', '{"opt'):
        (tmp_path / "out" / "run.json").write_text(content)
        for option in ("--resume", "--force"):
            assert main(command(teacher, reviews, tmp_path / "out", option)[3:]) == 2
            assert "no record of a training run, or is damaged" in capsys.readouterr().err


OPTIONS: dict[str, dict[str, Any]] = {
    "seed": {"run": RunOptions(seed="1")},  # type: ignore[arg-type]
    "negative seed": {"run": RunOptions(seed=-1)},
    "large seed": {"run": RunOptions(seed=2**32)},
    "epochs": {"schedule": Schedule(epochs="3")},  # type: ignore[arg-type]
    "batch size": {"schedule": Schedule(batch_size=1.5)},  # type: ignore[arg-type]
    "learning rate": {"schedule": Schedule(learning_rate=math.inf)},
    "short": {"data": DataOptions(max_length=3)},
    "penalties": {"run": RunOptions(penalties=None)},  # type: ignore[arg-type]
    "negative penalty": {"run": RunOptions(penalties=Penalties(l1=-1.0))},
    "half precision": {"run": RunOptions(precision="float16")},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_options_that_no_run_can_use(
    options: dict[str, Any], teacher: Path, reviews: Path, tmp_path: Path
) -> None:
    data = dataclasses.replace(options.get("data", DataOptions()), train=str(reviews))
    with pytest.raises(edgebert.InputError) as caught:
        edgebert.train(teacher, tmp_path / "out", TrainOptions(**{**options, "data": data}))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
