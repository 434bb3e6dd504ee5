"""Masks that ruin fixed ranges, or make a row of nothing but padding NaN.

Reports: winml-cli 1420, pytorch 159973.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import edgebert
from edgebert_runtime import Bundle
from edgebert_runtime.backends import open_backend
from edgebert_runtime.manifest import BACKENDS


@pytest.fixture(scope="module")
def fixed(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("bundles") / "fixed"
    options = edgebert.ConvertOptions(recipes=("int8_static",), lengths=(16, 64))
    edgebert.convert(checkpoint, output, options)
    return output


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_of_padding_is_finite(backend: str, fixed: Path) -> None:
    (artifact,) = (a for a in Bundle(fixed).manifest.artifacts if a.backend == backend)
    opened = open_backend(artifact, fixed / artifact.file, 1)
    ids = np.arange(5, 21)[None]
    given = {"input_ids": ids, "token_type_ids": np.zeros_like(ids)}
    outputs = [
        opened.run({**given, "attention_mask": mask})
        for mask in (np.ones_like(ids), np.zeros_like(ids), np.zeros_like(ids), np.ones_like(ids))
    ]
    assert np.isfinite(np.concatenate(outputs)).all()
    assert (outputs[1] == outputs[2]).all()
    # The mask counts, and what it hid leaves no trace.
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3
    assert (outputs[0] == outputs[3]).all()


def test_no_stored_number_is_infinite_or_the_least_of_its_kind(fixed: Path) -> None:
    graph = onnx.load(fixed / "int8_static.onnx").graph
    stored = [numpy_helper.to_array(each) for each in graph.initializer]
    stored += [
        numpy_helper.to_array(attribute.t)
        for node in graph.node
        for attribute in node.attribute
        if attribute.type == onnx.AttributeProto.TENSOR
    ]
    numbers = [each for each in stored if each.dtype == np.float32 and each.size]
    assert numbers
    assert min(float(each.min()) for each in numbers) >= -10_000
