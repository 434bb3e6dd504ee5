"""Single weights at zero: the smallest, as many as asked, through training and quantization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import students
import torch
from onnx import numpy_helper

import edgebert
from edgebert.distillation import models
from edgebert_converters import pruning, sparsity
from edgebert_runtime.errors import InputError


def sparse(folder: Path, target: Path, share: float, family: str = "bert") -> Any:
    model = models.load(students.checkpoint(folder, family)).model
    sparsity.prune(model, share)
    models.save(model, folder, target)
    return model


@pytest.mark.parametrize("family", pruning.families.PRUNABLE)
def test_the_smallest_of_each_matrix_are_zero(family: str, tmp_path: Path) -> None:
    whole = models.load(students.checkpoint(tmp_path / "whole", family)).model
    model = sparse(tmp_path / "whole", tmp_path / "sparse", 0.5, family)
    for before, after in zip(pruning.linears(whole), pruning.linears(model), strict=True):
        for name in before:
            old, new = before[name].weight, after[name].weight
            gone = new == 0
            assert int(gone.sum()) == old.numel() // 2
            assert torch.equal(new[~gone], old[~gone])
            assert old[gone].abs().max() <= old[~gone].abs().min()
            assert torch.equal(before[name].bias, after[name].bias)
    tables = [m for m in model.modules() if isinstance(m, torch.nn.Embedding)]
    assert all((table.weight != 0).float().mean() > 0.9 for table in tables)
    assert sparsity.zeros(model) == 0.5
    found = pruning.read(models.load(tmp_path / "sparse").model.config)
    assert found is not None
    assert found.sparsity == 0.5
    assert found.parameters_before == pruning.parameters(whole)


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
def test_a_share_that_cannot_be(share: float, tmp_path: Path) -> None:
    model = models.load(students.checkpoint(tmp_path)).model
    with pytest.raises(InputError, match="at least 0 and less than 1"):
        sparsity.prune(model, share)
    assert sparsity.zeros(model) == 0


def test_zeros_stay_while_it_learns(tmp_path: Path) -> None:
    sparse(tmp_path / "whole", tmp_path / "sparse", 0.7)
    model = models.load(tmp_path / "sparse").model.train()
    before = [each.weight.detach().clone() for e in pruning.linears(model) for each in e.values()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(5):
        ids = torch.randint(5, 300, (4, 8))
        model(input_ids=ids).logits.square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    after = [each.weight for layer in pruning.linears(model) for each in layer.values()]
    for old, new in zip(before, after, strict=True):
        assert torch.equal(new == 0, old == 0)
        assert not torch.equal(old, new)


def test_zeros_stay_in_int8(tmp_path: Path) -> None:
    model = sparse(tmp_path / "whole", tmp_path / "sparse", 0.6)
    options = edgebert.ConvertOptions(formats=("onnx",))
    edgebert.convert(tmp_path / "sparse", tmp_path / "bundle", options)
    graph = onnx.load(tmp_path / "bundle" / "int8_dynamic.onnx").graph
    arrays = [numpy_helper.to_array(each) for each in graph.initializer]
    found = [each for each in arrays if each.dtype == np.int8]
    for layer in pruning.linears(model):
        for linear in layer.values():
            zero = (linear.weight.detach() == 0).numpy().T
            matching = [e for e in found if e.shape == zero.shape and not e[zero].any()]
            assert matching, "no int8 matrix has these zeros"
