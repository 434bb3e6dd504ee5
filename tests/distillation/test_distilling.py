"""A teacher becomes a student: stages together and singly, every task, and what is refused."""

from __future__ import annotations

import json
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
from safetensors.numpy import load_file

import edgebert
from edgebert.cli import main
from edgebert.distillation import DataOptions, DistillOptions, Schedule, TrainOptions

SHAPE = "2x32x4x64"
FAST = ["--epochs", "2", "--batch-size", "8", "--learning-rate", "1e-3"]


def distil(teacher: Path, output: Path, *more: str) -> int:
    return main(["distill", "--teacher", str(teacher), "-o", str(output), *FAST, *more])


@pytest.fixture(scope="module")
def taught(teacher: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The teacher, trained until it knows its labels."""
    output = tmp_path_factory.mktemp("taught") / "teacher"
    schedule = Schedule(epochs=20, batch_size=8, learning_rate=1e-3)
    data = DataOptions(train=reviews, dev=reviews)
    record = edgebert.train(teacher, output, TrainOptions(data=data, schedule=schedule))
    assert record["stages"][0]["accuracy"] > 0.9
    return output


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sentences") / "sentences.txt"
    path.write_text("\n".join(students.SENTENCES), encoding="utf-8")
    return path


def test_a_student_learns_what_its_teacher_knows(
    taught: Path, reviews: Path, sentences: Path, tmp_path: Path
) -> None:
    output = tmp_path / "student"
    status = distil(
        taught,
        output,
        *("--student", SHAPE, "--train", str(reviews), "--dev", str(reviews)),
        *("--text", str(sentences), "--stages", "general,intermediate,prediction"),
        *("--epochs", "general=3,intermediate=10,prediction=20"),
    )
    assert status == 0
    record = json.loads((output / "run.json").read_text())
    assert [stage["stage"] for stage in record["stages"]] == [
        *("general", "intermediate", "prediction")
    ]
    assert record["stages"][2]["accuracy"] > 0.9
    assert record["options"]["student"] == SHAPE
    model = transformers.AutoModelForSequenceClassification.from_pretrained(output)
    assert model.config.num_hidden_layers == 2
    assert model.config.id2label == {0: "long", 1: "short"}


def test_a_student_converts_and_answers(taught: Path, reviews: Path, tmp_path: Path) -> None:
    assert distil(taught, tmp_path / "s", "--student", SHAPE, "--train", str(reviews)) == 0
    edgebert.convert(tmp_path / "s", tmp_path / "b", edgebert.ConvertOptions(formats=("onnx",)))
    with edgebert.load(tmp_path / "b") as model:
        answer = model.predict("The screen is bright.")
    assert isinstance(answer, edgebert.Classification)
    assert set(answer.scores) == {"long", "short"}


def test_stages_run_singly_add_up_to_those_in_sequence(
    taught: Path, reviews: Path, sentences: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    general = ["--text", str(sentences), "--stages", "general"]
    assert distil(taught, first, "--student", SHAPE, *general) == 0
    rest = ["--train", str(reviews), "--stages", "intermediate,prediction"]
    assert distil(taught, second, "--student", str(first), *rest) == 0
    record = json.loads((second / "run.json").read_text())
    assert [stage["stage"] for stage in record["student_run"]["stages"]] == ["general"]
    assert [stage["stage"] for stage in record["stages"]] == ["intermediate", "prediction"]


def test_killed_between_and_within_stages(taught: Path, reviews: Path, tmp_path: Path) -> None:
    options = [
        *("--student", SHAPE, "--train", str(reviews), "--dev", str(reviews)),
        *("--epochs", "10", "--batch-size", "8", "--save-every", "3", "--resume"),
    ]
    arguments = ["distill", "--teacher", str(taught), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "edgebert", *arguments, "-o"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=environment)
    output = tmp_path / "killed"
    for stage in ("intermediate", "prediction"):
        with subprocess.Popen([*command, str(output)], env=environment) as child:
            metrics = output / "metrics.jsonl"
            while child.poll() is None and not (
                metrics.exists() and f'"{stage}"' in metrics.read_text()
            ):
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
    subprocess.run([*command, str(output)], check=True, env=environment)
    whole, killed = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "whole", output)
    )
    for name in whole:
        assert (whole[name] == killed[name]).all(), name


def test_from_chosen_layers(taught: Path, reviews: Path, tmp_path: Path) -> None:
    output = tmp_path / "student"
    options = ["--train", str(reviews), "--init-layers", "2,4", "--max-steps", "1"]
    assert distil(taught, output, *options, "--learning-rate", "1e-12") == 0
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (output, taught))
    name = "bert.encoder.layer.{}.attention.self.query.weight"
    assert abs(ours[name.format(1)] - theirs[name.format(3)]).max() < 1e-9
    assert abs(ours["classifier.weight"] - theirs["classifier.weight"]).max() < 1e-9


@pytest.mark.parametrize("attention", ["scores", "relations", "none"])
def test_attention_losses(attention: str, taught: Path, reviews: Path, tmp_path: Path) -> None:
    options = ["--train", str(reviews), "--stages", "intermediate", "--attention-loss", attention]
    assert distil(taught, tmp_path / "s", "--student", SHAPE, *options) == 0
    lines = (tmp_path / "s" / "metrics.jsonl").read_text().splitlines()
    assert all(("attention" in json.loads(line)) == (attention != "none") for line in lines)


def test_wider_teacher_and_other_heads(taught: Path, reviews: Path, tmp_path: Path) -> None:
    options = ["--student", "2x24x2x48", "--train", str(reviews), "--mapping", "1,4"]
    assert distil(taught, tmp_path / "s", *options) == 0
    weights = load_file(tmp_path / "s" / "model.safetensors")
    assert not [name for name in weights if "projection" in name]


def test_group_lasso_brings_neurons_nearer_to_zero(
    taught: Path, reviews: Path, tmp_path: Path
) -> None:
    options = ["--student", SHAPE, "--train", str(reviews), "--stages", "prediction"]
    distil(taught, tmp_path / "plain", *options, "--epochs", "5")
    distil(taught, tmp_path / "lasso", *options, "--epochs", "5", "--group-lasso", "50")
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    plain, lasso = (
        torch.tensor(load_file(tmp_path / each / "model.safetensors")[name]).norm()
        for each in ("plain", "lasso")
    )
    assert lasso < 0.9 * plain


def test_unlabelled_texts_are_enough(taught: Path, sentences: Path, tmp_path: Path) -> None:
    options = ["--student", SHAPE, "--train", str(sentences)]
    assert distil(taught, tmp_path / "s", *options) == 0


ROWS = {
    "regression": '{{"text": "{text}", "text_pair": "so", "label": {number}}}',
    "multi-label-classification": '{{"text": "{text}", "label": {labels}}}',
}


@pytest.mark.parametrize("task", list(ROWS))
def test_other_tasks(task: str, tmp_path: Path) -> None:
    rows = [
        ROWS[task].format(
            text=line.replace('"', "'").replace("\\", ""),
            number=len(line) / 100,
            labels=json.dumps(["long" if len(line) > 60 else "short", "any"]),
        )
        for line in students.SENTENCES
    ]
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(rows), encoding="utf-8")
    encoder = students.checkpoint(tmp_path / "encoder")
    common = ["--train", str(data), "--dev", str(data), *FAST, "--epochs", "5"]
    assert main(["train", str(encoder), "-o", str(tmp_path / "t"), *common]) == 0
    assert distil(tmp_path / "t", tmp_path / "s", "--student", SHAPE, *common) == 0
    record = json.loads((tmp_path / "s" / "run.json").read_text())
    figure = "correlation" if task == "regression" else "macro_f1"
    assert record["stages"][1][figure] > 0.2
    config = json.loads((tmp_path / "s" / "config.json").read_text())
    problem = {"regression": "regression"}.get(task, "multi_label_classification")
    assert config["problem_type"] == problem


def test_sentence_encoder_without_head_or_pooler(reviews: Path, tmp_path: Path) -> None:
    """A bare encoder gets a head; it is no teacher before that."""
    folder = students.checkpoint(tmp_path / "classifier")
    encoder = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False)
    encoder.save_pretrained(tmp_path / "encoder")
    students.tokenizer("bert").save_pretrained(tmp_path / "encoder")
    options = ["--train", str(reviews), *FAST]
    assert main(["train", str(tmp_path / "encoder"), "-o", str(tmp_path / "t"), *options]) == 0
    assert (tmp_path / "t" / "config.json").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--student", "tiny"], "tinybert-4l-312"),
        (["--student", "2x30x4x64"], "4 heads do not divide the hidden width 30"),
        (["--student", SHAPE, "--stages", "prediction,general"], "in this order"),
        (["--student", SHAPE, "--stages", "general"], "--text FILE"),
        (["--student", SHAPE, "--mapping", "1,9"], "one for each student layer"),
        (["--student", SHAPE, "--mapping", "middle"], "uniform, last"),
        (["--student", "2x32x2x64", "--attention-loss", "scores"], "'relations'"),
        (["--student", SHAPE, "--temperature", "0"], "temperature above 0"),
        (["--student", SHAPE, "--hard-labels", "1.5"], "a share from 0 to 1"),
        (["--student", SHAPE, "--init-layers", "1"], "both"),
        ([], "neither"),
        (["--init-layers", "1,7"], "layers of 1 to 4"),
        (["--student", SHAPE, "--dropout", "2"], "dropout"),
        (["--student", SHAPE, "--precision", "int4"], "float32, bfloat16, float16"),
        (["--student", SHAPE, "--epochs", "task=3"], "got the stage 'task'"),
        (["--student", SHAPE, "--learning-rate", "0"], "learning_rate: got 0.0"),
        (["--student", SHAPE, "--learning-rate", "nan"], "learning_rate: got nan"),
        (["--student", SHAPE, "--train", "nowhere.tsv"], "cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    more: list[str],
    said: str,
    teacher: Path,
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert distil(teacher, tmp_path / "out", "--train", str(reviews), *more) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("edgebert: error: ")
    assert "\n" not in error
    assert said in error
    assert not (tmp_path / "out").exists()


def test_a_bad_row_is_named_and_leaves_nothing(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("text\tlabel\nGood.\tshort\nOdd.\tgreen\n", encoding="utf-8")
    options = ["--student", SHAPE, "--train", str(bad), "--hard-labels", "0.5"]
    assert distil(teacher, tmp_path / "out", *options) == 2
    error = capsys.readouterr().err.strip()
    assert "line 3: got the label 'green', expected one of long, short" in error
    assert not (tmp_path / "out").exists()


def test_another_vocabulary_is_refused(
    teacher: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = students.checkpoint(tmp_path / "other", "roberta", labels=("long", "short"))
    options = ["--student", str(other), "--train", str(reviews)]
    assert distil(teacher, tmp_path / "out", *options) == 2
    assert "another tokenizer than the teacher" in capsys.readouterr().err


def test_every_option_of_python_has_its_default() -> None:
    assert DistillOptions().stages == ("intermediate", "prediction")
    assert DistillOptions().schedule("prediction") == Schedule()
