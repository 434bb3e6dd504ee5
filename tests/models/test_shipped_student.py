"""The student in models/: what its card says is so, and it is small enough to live in git."""

from __future__ import annotations

import re
import sys

import environments
import pytest
import torch
from safetensors import safe_open

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import distillation

STUDENT = environments.ROOT / "models" / "film-sentiment"
CARD = (STUDENT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def accuracy() -> dict[str, float]:
    return distillation.figures(STUDENT)


def test_its_weights_are_half_precision() -> None:
    with safe_open(STUDENT / "model.safetensors", "pt") as file:
        dtypes = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert dtypes == {torch.float16}


@pytest.mark.parametrize("name", distillation.SETS)
def test_its_accuracy_is_what_the_card_says(name: str, accuracy: dict[str, float]) -> None:
    row = re.search(rf"^\| {name} \| ([\d.]+) % \| ([\d.]+) % \|$", CARD, re.MULTILINE)
    assert row is not None
    # Sums in another order may turn a sentence or two that stand on the fence.
    assert abs(100 * accuracy[name] - float(row[2])) <= 0.31
