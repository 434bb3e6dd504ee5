"""Signatures that are made of others: as litert-torch would have converted them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters import tflite
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import RECIPES
from edgebert_converters.tflite_lengths import (
    UnlikeError,
    of_any_length,
    with_lengths,
)
from edgebert_runtime.manifest import tflite_signature

LENGTHS = (3, 12, 33)
"""The student has 4 heads, and 12 of queries, keys and values."""


class Positions(nn.Module):
    """A graph that holds a float table of its length."""

    input_names = ("input_ids",)

    def forward(self, input_ids: Tensor) -> Tensor:
        table = torch.arange(input_ids.shape[1], dtype=torch.float32) ** 2
        return input_ids.to(torch.float32) * table


class Neighbours(nn.Module):
    """Each id and the one before it."""

    input_names = ("input_ids",)

    def forward(self, input_ids: Tensor) -> Tensor:
        before = functional.pad(input_ids, (1, 0))[:, :-1]
        return input_ids + before


def runner(path: Path, tokens: int) -> Any:
    return Interpreter(model_path=str(path)).get_signature_runner(tflite_signature(tokens))


def answers(path: Path, tokens: int) -> Any:
    run = runner(path, tokens)
    generator = np.random.default_rng(0)
    ids = generator.integers(5, 300, (1, tokens)).astype(np.int32)
    real = (np.arange(tokens) < max(1, tokens - 2)).astype(np.int32)[None]
    given = {"input_ids": ids, "attention_mask": real, "token_type_ids": ids % 2}
    named = {name: given[name] for name in run.get_input_details()}
    (output,) = run(**named).values()
    return output


def operators(path: Path) -> list[int]:
    model = flatbuffer_utils.read_model(str(path))
    return [len(graph.operators) for graph in model.subgraphs]


def test_as_litert_torch_converts_them(checkpoint: Path, tmp_path: Path) -> None:
    student = load_checkpoint(checkpoint).student
    made, converted = tmp_path / "made.tflite", tmp_path / "converted.tflite"
    with quiet(), torch.no_grad():
        tflite.export(student, RECIPES["float32"], made, LENGTHS, fixed=True)
        module = tflite._module(student, RECIPES["float32"])
        converted.write_bytes(tflite._by_litert(module, converted, LENGTHS))
    assert operators(made) == operators(converted)
    for tokens in LENGTHS:
        np.testing.assert_array_equal(answers(made, tokens), answers(converted, tokens))
    assert made.stat().st_size < converted.stat().st_size


def test_what_is_on_no_line_is_refused(tmp_path: Path) -> None:
    module: Any = Positions()
    path = tmp_path / "positions.tflite"
    with quiet():
        content = tflite._by_litert(module, path, (8, 12))
    with pytest.raises(UnlikeError, match="constants"):
        with_lengths(content, (8, 12), (4, 8, 12))
    with pytest.raises(UnlikeError, match="constants"):
        of_any_length(content, (8, 12))


def test_a_cut_before_the_end_is_of_no_length(tmp_path: Path) -> None:
    """-1 would stand for all that is there."""
    module: Any = Neighbours()
    path = tmp_path / "neighbours.tflite"
    with quiet():
        content = tflite._by_litert(module, path, (37, 53))
    with pytest.raises(UnlikeError, match="stands for"):
        of_any_length(content, (37, 53))
    path.write_bytes(with_lengths(content, (37, 53), (4, 8)))
    ids = np.arange(10, 18, dtype=np.int32)[None]
    (given,) = runner(path, 8)(input_ids=ids).values()
    np.testing.assert_array_equal(given, ids + np.pad(ids[:, :-1], ((0, 0), (1, 0))))


@pytest.mark.parametrize("family", ["mobilebert", "bert"])
def test_the_lengths_that_a_file_has(family: str, tmp_path: Path) -> None:
    """MobileBERT joins each token with its neighbours: a cut before the end."""
    student = load_checkpoint(students.checkpoint(tmp_path / family, family)).student
    path = tmp_path / "model.tflite"
    with quiet(), torch.no_grad():
        lengths = tflite.export(student, RECIPES["float32"], path, (8, 16))
    expected = {"tokens_8", "tokens_16"} if family == "mobilebert" else {"tokens"}
    assert set(Interpreter(model_path=str(path)).get_signature_list()) == expected
    assert lengths == ((8, 16) if family == "mobilebert" else ())
