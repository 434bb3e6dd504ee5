"""Labels from a teacher through its student to answers, in one order (optimum 493)."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import students
import torch
import transformers
from field_checkpoints import change_json

import edgebert
from edgebert.cli import main
from edgebert.distillation import DataOptions, Schedule, TrainOptions
from edgebert_runtime.manifest import BACKENDS

WORDS = {
    "zebra, striped": "garden",
    'the "apple"': "story",
    "也许": "price",
    "🤷‍♀️": "minute",
    "10": "audience",
    "9": "hour",
}
"""The word that a text of each label has in it."""
LABELS = tuple(WORDS)


def texts(count: int) -> list[tuple[str, str]]:
    """A text and its label, each label as often."""
    chance = random.Random(0)
    fill = ("the", "is", "a", "and", "it", "was")
    return [
        (" ".join([*chance.choices(fill, k=3), WORDS[label], *chance.choices(fill, k=2)]), label)
        for _ in range(count)
        for label in LABELS
    ]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained classifier, its labels under string keys in another order than its outputs'."""
    folder = students.checkpoint(tmp_path_factory.mktemp("teacher") / "teacher", labels=LABELS)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.BertForSequenceClassification(config)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = texts(8)
    batch = tokenizer([text for text, _ in rows], return_tensors="pt", padding=True)
    wanted = torch.tensor([LABELS.index(label) for _, label in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        model(**batch, labels=wanted).loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert (model.eval()(**batch).logits.argmax(1) == wanted).all()
    model.save_pretrained(folder)
    keys = sorted(map(str, range(len(LABELS))), reverse=True)
    change_json(
        folder / "config.json",
        id2label={key: LABELS[int(key)] for key in keys},
        label2id={label: LABELS.index(label) for label in sorted(LABELS)},
    )
    return folder


def test_one_order_from_teacher_to_answer(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "label": label}) for text, label in texts(16)]
    rows.write_text("\n".join(lines), encoding="utf-8")
    student, bundle = tmp_path / "student", tmp_path / "bundle"
    command = ["distill", "--teacher", str(teacher), "--student", "2x32x4x64", "-o", str(student)]
    command += ["--train", str(rows), "--dev", str(rows), "--batch-size", "16", "--json"]
    command += ["--learning-rate", "5e-3", "--epochs", "intermediate=5,prediction=25"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["stages"][-1]["accuracy"] == 1.0
    config = json.loads((student / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {str(index): label for index, label in enumerate(LABELS)}
    assert config["label2id"] == {label: index for index, label in enumerate(LABELS)}

    assert main(["convert", str(student), "-o", str(bundle), "--lengths", "16"]) == 0
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert tuple(manifest["labels"]) == LABELS
    asked = {label: text for text, label in texts(1)}
    for backend in BACKENDS:
        with edgebert.load(bundle, backend=backend) as model:
            results = model.predict(list(asked.values()))
        for label, result in zip(asked, results, strict=True):
            assert isinstance(result, edgebert.Classification)
            assert (result.label, tuple(result.scores)) == (label, LABELS)
    capsys.readouterr()
    assert main(["predict", str(bundle), *asked.values(), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["label"] for each in shown] == list(LABELS)
    assert main(["evaluate", str(bundle), str(rows), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["artifacts"]
    assert [each["accuracy"] for each in scored] == [1.0] * len(BACKENDS)


def test_training_goes_on_in_the_order_of_the_checkpoint(tmp_path: Path) -> None:
    """Rows name the same labels; their alphabet gives another order than the checkpoint has."""
    checkpoint = students.checkpoint(tmp_path / "student", labels=("positive", "negative"))
    rows = tmp_path / "rows.tsv"
    rows.write_text("text\tlabel\n" + "a fine day\tpositive\na bad day\tnegative\n" * 4)
    schedule = Schedule(epochs=1, batch_size=8, learning_rate=1e-12)
    data = DataOptions(train=rows)
    edgebert.train(checkpoint, tmp_path / "trained", TrainOptions(data=data, schedule=schedule))
    before, after = (
        transformers.AutoModelForSequenceClassification.from_pretrained(each)
        for each in (checkpoint, tmp_path / "trained")
    )
    assert after.config.id2label == {0: "positive", 1: "negative"}
    torch.testing.assert_close(after.classifier.weight, before.classifier.weight)
