"""The student in models/: what its card says is so, and it is small enough to live in git."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import environments
import pytest
import torch
from safetensors import safe_open

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import resources

from edgebert.distillation import data, models
from edgebert.distillation.development import Development

STUDENT = environments.ROOT / "models" / "film-sentiment"
CARD = (STUDENT / "README.md").read_text(encoding="utf-8")


def test_its_weights_are_half_precision() -> None:
    with safe_open(STUDENT / "model.safetensors", "pt") as file:
        dtypes = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert dtypes == {torch.float16}


@pytest.mark.parametrize("name", ["film-dev", "amazon", "imdb", "yelp"])
def test_its_accuracy_is_what_the_card_says(name: str, tmp_path: Path) -> None:
    row = re.search(rf"^\| {name} \| ([\d.]+) % \| ([\d.]+) % \|$", CARD, re.MULTILINE)
    assert row is not None
    classifier = models.load(STUDENT)
    assert classifier.labels is not None
    encoder = data.Encoder(classifier.tokenizer.content, 128, classifier.labels)
    dataset = data.tokenized(resources.find(name), tmp_path, encoder)
    collate = data.collate(classifier.pad, classifier.tokenizer.gives_token_types)
    development = Development(dataset, classifier.labels, collate)
    accuracy = development.figures(classifier.model, torch.device("cpu"))["accuracy"]
    # Sums in another order may turn a sentence or two that stand on the fence.
    assert abs(100 * accuracy - float(row[2])) <= 0.31
