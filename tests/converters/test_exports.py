"""What is inside the files: weights, types, shapes, signatures."""

from __future__ import annotations

import collections
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import students
import torch

import edgebert
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.quantization import quantize_rows


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wide enough that weights outweigh the graph."""
    folder = tmp_path_factory.mktemp("checkpoint") / "student"
    return students.checkpoint(folder, hidden_size=128, intermediate_size=256)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("bundle") / "classifier"
    options = edgebert.ConvertOptions(recipes=("float32", "int8_dynamic"), lengths=(8, 64))
    edgebert.convert(checkpoint, output, options)
    return output


def test_rows_are_quantized_by_their_own_largest_weight() -> None:
    weight, scales = quantize_rows(torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]]))
    assert weight.tolist() == [[64, -127, 32], [0, 0, 0]]  # 63.5 and 31.75, rounded half to even
    assert scales[0].item() == pytest.approx(2 / 127)
    assert scales[1].item() > 0


def test_onnx_holds_its_weights_and_takes_any_shape(bundle: Path) -> None:
    model = onnx.load(bundle / "int8_dynamic.onnx", load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert not any(each.external_data for each in model.graph.initializer)
    assert {each.domain for each in model.opset_import} == {"", "com.microsoft"}
    shapes = {
        each.name: [dim.dim_param for dim in each.type.tensor_type.shape.dim]
        for each in model.graph.input
    }
    assert set(shapes) == {"input_ids", "attention_mask", "token_type_ids"}
    assert all(shape == ["batch", "tokens"] for shape in shapes.values())


def test_onnx_int8_covers_linear_layers_and_tables(bundle: Path) -> None:
    model = onnx.load(bundle / "int8_dynamic.onnx")
    sizes: collections.Counter[int] = collections.Counter()
    for each in model.graph.initializer:
        sizes[each.data_type] += int(np.prod(each.dims))
    assert sizes[onnx.TensorProto.INT8] == _quantized_weights(students_sizes(bundle))
    assert sizes[onnx.TensorProto.FLOAT] < 0.05 * sizes[onnx.TensorProto.INT8]
    assert sum(node.op_type == "MatMulIntegerToFloat" for node in model.graph.node) == 2 * 6 + 2


def test_tflite_shares_weights_between_signatures(bundle: Path) -> None:
    buffers, graphs = _tflite(bundle / "int8_dynamic.tflite")
    shared = [
        {tensor.buffer for tensor in graph.tensors if _size(buffers, tensor.buffer) > 1000}
        for graph in graphs
    ]
    assert len(graphs) == 2
    assert shared[0] == shared[1]


def test_tflite_int8_has_one_scale_a_tensor_and_asymmetric_inputs(bundle: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    buffers, graphs = _tflite(bundle / "int8_dynamic.tflite")
    elements = 0
    for tensor in graphs[0].tensors:
        if tensor.type == schema.TensorType.INT8:
            assert len(tensor.quantization.scale) == 1
            elements += _size(buffers, tensor.buffer)
    assert elements == _quantized_weights(students_sizes(bundle))
    options = [
        operator.builtinOptions
        for operator in graphs[0].operators
        if isinstance(operator.builtinOptions, schema.FullyConnectedOptionsT)
    ]
    # Query, key and value are one layer; in the last layer key and value.
    assert len(options) == 2 * 6 + 2 - 2 - 1
    assert all(each.asymmetricQuantizeInputs for each in options)


@pytest.mark.parametrize("recipe", ["float32", "int8_dynamic"])
def test_torchscript_opens_with_torch_alone(recipe: str, bundle: Path) -> None:
    with edgebert.load(bundle, backend="torchscript", recipe=recipe) as model:
        encodings = [model.tokenizer.encode(text) for text in students.SENTENCES[:4]]
        expected = model.run(encodings)
    ids = [encoding.ids for encoding in encodings]
    code = f"""
import sys, warnings
warnings.simplefilter("ignore")
for name in ("transformers", "edgebert", "edgebert_runtime", "edgebert_converters"):
    sys.modules[name] = None
import torch
# torch's own choice cuts off sums on processors without VNNI; the runtime's does not.
torch.backends.quantized.engine = {torch.backends.quantized.engine!r}
module = torch.jit.load({str(bundle / f"{recipe}.pt")!r})
for ids in {ids!r}:
    row = torch.tensor([ids])
    print(*module(row, torch.ones_like(row), torch.zeros_like(row))[0].tolist())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    given = [[float(value) for value in line.split()] for line in done.stdout.splitlines()]
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_torchscript_float_takes_any_batch_and_length(bundle: Path, checkpoint: Path) -> None:
    student = load_checkpoint(checkpoint).student
    with pytest.warns(DeprecationWarning, match="torch.jit.load"):
        module = torch.jit.load(str(bundle / "float32.pt"))
    for batch, length in [(1, 3), (5, 64), (32, 17)]:
        ids = torch.randint(5, 300, (batch, length))
        inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
        with torch.inference_mode():
            assert torch.allclose(module(*inputs), student(*inputs), atol=1e-4)


def test_bytes_by_component_add_up_to_the_file(bundle: Path) -> None:
    manifest = edgebert.load(bundle, backend="onnx").manifest
    for artifact in manifest.artifacts:
        weights = sum(artifact.components.values())
        graph = artifact.bytes - weights
        assert set(artifact.components) == {"embeddings", "attention", "feed_forward", "head"}
        assert 0 < graph < 220_000, (artifact.file, weights)
    by_recipe = {each.recipe: each.components for each in manifest.artifacts}
    for part, size in by_recipe["float32"].items():
        assert by_recipe["int8_dynamic"][part] < 0.32 * size


def students_sizes(bundle: Path) -> dict[str, int]:
    """Parameters by part, as the manifest counts them."""
    return dict(edgebert.load(bundle, backend="onnx").manifest.source.parameters)


def _quantized_weights(parameters: dict[str, int]) -> int:
    """All parameters less biases and normalisation, which stay float32: hidden 128, two layers."""
    float32 = 2 * 128 + 2 * (4 * 128 + 256 + 128 + 4 * 128) + 128 + 2
    return sum(parameters.values()) - float32


def _tflite(path: Path) -> tuple[list[Any], list[Any]]:
    from ai_edge_litert import schema_py_generated as schema

    content = path.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    return model.buffers, model.subgraphs


def _size(buffers: list[Any], index: int) -> int:
    """Bytes of a buffer, inside the flatbuffer or behind it."""
    buffer = buffers[index]
    return int(buffer.size) or (0 if buffer.data is None else len(buffer.data))
