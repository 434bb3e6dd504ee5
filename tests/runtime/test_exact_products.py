"""Products of 8-bit numbers are added exactly, whatever this processor's fast kernels do."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgebert_runtime.backends.onnx import open_artifact
from edgebert_runtime.manifest import Artifact, Parity
from edgebert_runtime.processors import sums_bytes_exactly

ROWS = (1, 2, 3, 4, 7, 8, 33)
"""Kernels differ by how many rows they take at once."""


def product(weight: NDArray[np.int8], zero_point: int) -> bytes:
    """An .onnx file that takes ids from 0 to 255 as activations, as our exporter writes them."""
    tokens, width = weight.shape
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("MatMulInteger", ["bytes", "weight", "zero"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["output"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", tokens])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", width])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.uint8(zero_point), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize("zero_point", [0, 50, 128])
def test_onnx(zero_point: int) -> None:
    """Sums of up to 384 products, far beyond what 16 bits hold of two."""
    draw = np.random.default_rng(0)
    weight = draw.integers(-127, 128, (384, 40)).astype(np.int8)
    artifact = Artifact(
        backend="onnx",
        file="product.onnx",
        sha256="0" * 64,
        bytes=1,
        recipe="int8_static",
        float_layers=(),
        calibration=None,
        sparsity=None,
        lengths=(),
        inputs={"input_ids": "int64"},
        outputs={"output": 40},
        components={},
        parity=Parity(1, 0.0, 0.0, 1.0),
    )
    backend = open_artifact(artifact, product(weight, zero_point), 1)
    for rows in ROWS:
        ids = draw.integers(0, 256, (rows, 384))
        expected = (ids - zero_point) @ weight.astype(np.int64)
        assert np.abs(expected).max() < 2**24, "float32 holds the sums as they are"
        np.testing.assert_array_equal(backend.run({"input_ids": ids}), expected)


@pytest.mark.parametrize(
    ("flags", "arm", "exact"),
    [
        ({"avx2", "avx512f", "avx512_vnni"}, False, True),
        ({"avx2", "avx_vnni"}, False, True),
        ({"avx2", "avx512f", "avx512bw"}, False, False),
        ({"avx2"}, False, False),
        (set(), False, False),
        ({"asimd", "asimddp"}, True, True),
        (set(), True, True),
    ],
)
def test_processors(flags: set[str], arm: bool, exact: bool) -> None:
    assert sums_bytes_exactly(frozenset(flags), arm=arm) == exact
