"""Labelled sentences and a teacher that several modules share."""

from __future__ import annotations

from pathlib import Path

import pytest
import students
import torch
import transformers


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small models gain nothing from more, and sums in one order are equal to the last bit."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TSV of our own sentences, the label said by their length: something that can be learnt."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.tsv"
    rows = [f"{line}\t{'long' if len(line) > 60 else 'short'}" for line in students.SENTENCES]
    path.write_text("\n".join(["text\tlabel", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT classifier of four layers with the labels of `reviews`, to be trained."""
    folder = tmp_path_factory.mktemp("teacher") / "teacher"
    students.checkpoint(folder, num_hidden_layers=4, labels=("long", "short"))
    # Its weights are spread for other tests; what learns starts from small ones.
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(folder)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder
