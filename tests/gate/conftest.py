"""A classifier with planted outliers, and rows labelled with its own float answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import students
import torch
import transformers

_CHANNELS = (1, 5, 14, 27)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small models gain nothing from more."""
    torch.set_num_threads(1)


def plant(folder: Path, factor: float) -> Path:
    """A classifier with outliers that its float answers do not show.

    In the first layer some values of attention grow and the weights that read them shrink: outliers
    of activations. In the second it is the other way round: outliers of weights.
    """
    students.checkpoint(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        for layer, grown in zip(model.bert.encoder.layer, (factor, 1 / factor), strict=True):
            for channel in _CHANNELS:
                layer.attention.self.value.weight[channel] *= grown
                layer.attention.self.value.bias[channel] *= grown
                layer.attention.output.dense.weight[:, channel] /= grown
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On this one plain int8 guesses."""
    return plant(tmp_path_factory.mktemp("planted") / "student", 1e4)


@pytest.fixture(scope="session")
def mildly_planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On this one plain int8 loses some."""
    return plant(tmp_path_factory.mktemp("planted") / "student", 20.0)


@pytest.fixture(scope="session")
def answered(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts of our sentences with the label that the float model gives, so that it is never wrong.

    As many of each label: a model that says always the same is right in half of them.
    `checkpoint` and `planted` give the same.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    texts: dict[str, list[str]] = {name: [] for name in model.config.id2label.values()}
    parts = (
        " ".join(line.split()[start : start + 5])
        for start in range(8)
        for line in students.SENTENCES
        if len(line.split()) > start + 2
    )
    with torch.inference_mode():
        for text in dict.fromkeys(parts):
            inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=64)
            texts[model.config.id2label[int(model(**inputs).logits.argmax())]].append(text)
    count = min(60, *map(len, texts.values()))
    rows = [f"{text}\t{label}" for label, found in texts.items() for text in found[:count]]
    path = tmp_path_factory.mktemp("answered") / "dev.tsv"
    path.write_text("\n".join(["text\tlabel", *rows]) + "\n", encoding="utf-8")
    return path
