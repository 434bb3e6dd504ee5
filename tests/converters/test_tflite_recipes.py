"""What each recipe puts into a .tflite file, and that the file answers as the float model does."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import students
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from torch.nn import functional

from edgebert_converters import calibration, tflite
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.heads import Student
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import RECIPES, Recipe
from edgebert_converters.tflite_quantization import represented
from edgebert_converters.tflite_weights import Weights, quantize_blocks
from edgebert_runtime.errors import ConversionError
from edgebert_runtime.manifest import tflite_signature
from edgebert_runtime.tokenization import Encoding

LAYERS = 2 * 6 + 2
JOINED = LAYERS - 2 - 1
"""Query, key and value are one; in the last layer key and value, since its query is one row."""
TABLES = 3
LENGTHS = (8, 32)
TYPES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
OPERATORS = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}
MEAN_DIFFERENCE = {
    "float32": 1e-5,
    "float16": 5e-3,
    "int8_weights": 0.05,
    "int8_dynamic": 0.1,
    "int8_static": 0.2,
    "int4_weights": 0.2,
}
"""At most, in standard deviations of the float model's logits. Its weights spread wide, so it is
more sensitive than a trained model, too sensitive for 4 bits: there the float model is given the
weights that 4 bits express."""
LINEAR = {
    "float16": "FLOAT16",
    "int8_dynamic": "INT8",
    "int8_static": "INT8",
    "int8_weights": "INT8",
    "int4_weights": "INT4",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of 120 weights, no whole number of blocks; normalisation that scales and shifts."""
    folder = tmp_path_factory.mktemp("checkpoint") / "student"
    students.checkpoint(folder, hidden_size=120, intermediate_size=240)
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm" in name:
                parameter.normal_(1.0 if name.endswith("weight") else 0.0, 0.3)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def student(checkpoint: Path) -> Student:
    return load_checkpoint(checkpoint).student


@pytest.fixture(scope="module")
def bundle(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of every recipe."""
    folder = tmp_path_factory.mktemp("recipes")
    for name, recipe in RECIPES.items():
        _export(student, _with_ranges(student, recipe), folder / f"{name}.tflite", LENGTHS)
    return folder


@pytest.mark.parametrize("recipe", RECIPES)
def test_near_the_float_model(recipe: str, student: Student, bundle: Path) -> None:
    if recipe == "int4_weights":
        student = _with_4_bits(student)
    expected, given = [], []
    for encoding in _encodings(1, 60):
        ids = torch.tensor([encoding.ids])
        inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
        with torch.inference_mode():
            expected.append(student(*inputs)[0].numpy())
        padded = {
            name: functional.pad(tensor, (0, 32 - tensor.shape[1]))
            for name, tensor in zip(student.input_names, inputs, strict=True)
        }
        given.append(_run(bundle / f"{recipe}.tflite", padded, 32))
    difference = float(np.abs(np.stack(given) - np.stack(expected)).mean() / np.std(expected))
    assert difference < MEAN_DIFFERENCE[recipe]
    assert difference > (0 if recipe == "float32" else MEAN_DIFFERENCE["float32"])


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(each, marks=[] if each == "int8_dynamic" else pytest.mark.slow)
        for each in RECIPES
    ],
)
def test_any_length(recipe: str, student: Student, bundle: Path, tmp_path: Path) -> None:
    """One signature answers rows of each length as one of that length does."""
    path = tmp_path / "any.tflite"
    with quiet(), torch.no_grad():
        assert tflite.export(student, _with_ranges(student, RECIPES[recipe]), path, (8, 32)) == ()
    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner(tflite_signature(None))
    for tokens in (32, 8, 32):
        ids = torch.randint(5, 400, (1, tokens))
        inputs = dict(zip(student.input_names, (ids, torch.ones_like(ids), ids % 2), strict=True))
        given = runner(**{name: each.numpy().astype(np.int32) for name, each in inputs.items()})
        expected = _run(bundle / f"{recipe}.tflite", inputs, tokens)
        np.testing.assert_array_equal(given[tflite.OUTPUT][0], expected)
    for tokens in (1, 13):
        ids = torch.randint(5, 400, (1, tokens))
        rows = (ids, torch.ones_like(ids), ids % 2)
        fed = dict(zip(student.input_names, rows, strict=True))
        given = runner(**{name: each.numpy().astype(np.int32) for name, each in fed.items()})
        padded = {name: functional.pad(each, (0, 32 - tokens)) for name, each in fed.items()}
        np.testing.assert_allclose(
            given[tflite.OUTPUT][0], _run(bundle / f"{recipe}.tflite", padded, 32), atol=1e-5
        )


@pytest.mark.parametrize("recipe", LINEAR)
def test_types_of_weights(recipe: str, bundle: Path) -> None:
    model, graph = _graph(bundle / f"{recipe}.tflite")
    linear = [_weight(model, graph, each) for each in _operators(model, graph, "FULLY_CONNECTED")]
    # Of fixed ranges each layer has its own.
    count = LAYERS if recipe == "int8_static" else JOINED
    assert Counter(TYPES[each.type] for each in linear) == {LINEAR[recipe]: count}
    # Rows of float16 are gathered by their bits. Factors of a table's rows are float32.
    rows = [graph.tensors[each.inputs[0]] for each in _operators(model, graph, "GATHER")]
    factors = [
        graph.tensors[each.inputs[1]] for each in _operators(model, graph, "EMBEDDING_LOOKUP")
    ]
    stored = "INT16" if recipe == "float16" else "INT8"
    assert [TYPES[each.type] for each in rows] == [stored] * TABLES
    expected = [] if recipe == "float16" else ["FLOAT32"] * TABLES
    assert [TYPES[each.type] for each in factors] == expected
    assert all(
        len(each.quantization.scale) == 1 for each in graph.tensors if TYPES[each.type] == "INT8"
    )


@pytest.mark.parametrize("recipe", LINEAR)
def test_bytes_of_weights(recipe: str, bundle: Path) -> None:
    size = {each: (bundle / f"{each}.tflite").stat().st_size for each in RECIPES}
    model, graph = _graph(bundle / f"{recipe}.tflite")
    stored = sum(
        len(model.buffers[tensor.buffer].data)
        for tensor in (
            _weight(model, graph, each) for each in _operators(model, graph, "FULLY_CONNECTED")
        )
    )
    # Rows of 120 and 240 weights are filled up to 128 and 256 where they are cut into blocks.
    layer = 5 * 120 * 120 + 120 * 240 + 240 * 120 - 120 * 120
    weights = 2 * layer + 120 * 120 + 2 * 120
    filled = 2 * (4 * 120 * 128 + 240 * 128 + 120 * 256) + 120 * 128 + 2 * 128
    assert stored == {"FLOAT16": 2 * weights, "INT8": weights, "INT4": filled // 2}[LINEAR[recipe]]
    assert size[recipe] < 0.75 * size["float32"]


@pytest.mark.parametrize("recipe", LINEAR)
def test_weights_are_shared_by_lengths(recipe: str, bundle: Path) -> None:
    model = _model(bundle / f"{recipe}.tflite")
    weights = [
        {
            tensor.buffer
            for tensor in graph.tensors
            if (data := model.buffers[tensor.buffer].data) is not None and len(data) > 1000
        }
        for graph in model.subgraphs
    ]
    assert len(weights) == len(LENGTHS)
    assert weights[0] == weights[1]


@pytest.mark.parametrize("recipe", LINEAR)
def test_every_row_uses_its_whole_range(recipe: str, bundle: Path) -> None:
    """Had litert-torch multiplied a factor into the weights, rows would have lost it unevenly."""
    if LINEAR[recipe] != "INT8":
        pytest.skip("rows share no scale")
    model, graph = _graph(bundle / f"{recipe}.tflite")
    for operator in _operators(model, graph, "FULLY_CONNECTED"):
        tensor = _weight(model, graph, operator)
        data = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.int8)
        rows = np.abs(data.reshape(tensor.shape).astype(int)).max(axis=1)
        assert rows.tolist() == [127] * len(rows)


def test_nothing_of_the_marks_is_left(bundle: Path) -> None:
    for recipe in RECIPES:
        model, graph = _graph(bundle / f"{recipe}.tflite")
        assert not _operators(model, graph, "FLOOR")


def test_static_layers_take_and_give_int8_and_nothing_else_does(bundle: Path) -> None:
    model, graph = _graph(bundle / "int8_static.tflite")
    linear = _operators(model, graph, "FULLY_CONNECTED")
    for operator in linear:
        for index in (operator.inputs[0], operator.outputs[0]):
            assert TYPES[graph.tensors[index].type] == "INT8"
            assert len(graph.tensors[index].quantization.scale) == 1
    # Query, key and value of a layer share their input; the last layer's query reads one row.
    assert len(_operators(model, graph, "QUANTIZE")) == 4 + 5 + 2
    assert len(_operators(model, graph, "DEQUANTIZE")) == LAYERS + TABLES
    for name in ("SOFTMAX", "BATCH_MATMUL", "ADD"):
        for operator in _operators(model, graph, name):
            assert TYPES[graph.tensors[operator.outputs[0]].type] == "FLOAT32"


@pytest.mark.parametrize("recipe", LINEAR)
def test_layers_left_in_float(recipe: str, student: Student, tmp_path: Path) -> None:
    kept = frozenset(
        {"encoder.embeddings.tokens", "encoder.layers.0.attention.query", "head.output"}
    )
    path = tmp_path / "mixed.tflite"
    _export(student, replace(_with_ranges(student, RECIPES[recipe]), float_layers=kept), path)
    model, graph = _graph(path)
    linear = Counter(
        TYPES[_weight(model, graph, each).type]
        for each in _operators(model, graph, "FULLY_CONNECTED")
    )
    # A query apart from its key and value; these are one in both layers.
    joined = 0 if recipe == "int8_static" else 2
    assert linear == {"FLOAT32": 2, LINEAR[recipe]: LAYERS - 2 - joined}
    tokens = [
        TYPES[graph.tensors[each.inputs[1]].type]
        for each in _operators(model, graph, "EMBEDDING_LOOKUP")
        if list(graph.tensors[each.inputs[1]].shape) == [400, 120]
    ]
    assert tokens == ["FLOAT32"]


def test_a_row_of_next_to_nothing_takes_no_range(student: Student, tmp_path: Path) -> None:
    """A dead neuron's bias, divided by its largest weight, would be the largest output of all."""
    with torch.no_grad():
        layer: Any = student.get_submodule("encoder.layers.0.feed_forward.0")
        saved = layer.weight.clone(), layer.bias.clone()
        layer.weight[3] *= 1e-9
        layer.weight[4] = 0.0
        layer.bias[3:5] = 0.5
    path = tmp_path / "dead.tflite"
    recipe = _with_ranges(student, RECIPES["int8_static"])
    _export(student, recipe, path)
    ids = torch.tensor([[2, 50, 60, 70, 80, 90, 100, 3]])
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    with torch.inference_mode():
        expected = student(*inputs)[0].numpy()
    with torch.no_grad():
        layer.weight.copy_(saved[0])
        layer.bias.copy_(saved[1])
    low, high = recipe.ranges["encoder.layers.0.feed_forward.0"].outputs
    assert high - low < 1000
    given = _run(path, dict(zip(student.input_names, inputs, strict=True)), 8)
    np.testing.assert_allclose(given, expected, atol=0.2 * float(np.abs(expected).max()))


def test_weights_that_are_nowhere_are_an_error(student: Student, tmp_path: Path) -> None:
    path = tmp_path / "float32.tflite"
    _export(student, RECIPES["float32"], path)
    with pytest.raises(ConversionError, match=r"weights of some\.layer are not in the converted"):
        represented(
            path.read_bytes(),
            Weights({"some.layer": torch.full((3, 4), 7.0)}, {}),
            RECIPES["int8_dynamic"],
        )


def test_blocks_take_the_scale_of_least_error() -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(8, 64)).astype(np.float32)
    weight[0, :32] = 0.0
    numbers, scales = quantize_blocks(weight)
    assert numbers.min() >= -8
    assert numbers.max() <= 7
    restored = numbers.reshape(8, 2, 32) * scales[:, :, None].astype(np.float32)
    blocks = weight.reshape(8, 2, 32)
    plain = np.abs(blocks).max(axis=2, keepdims=True) / 7
    rounded = np.rint(blocks / np.maximum(plain, 1e-9)) * plain
    assert ((restored - blocks) ** 2).mean() < 0.9 * ((rounded - blocks) ** 2).mean()
    assert (restored[0, 0] == 0).all()
    # XNNPACK keeps the upper half of a scale's 32 bits.
    assert (scales.astype(np.float32).view(np.uint32) & 0xFFFF == 0).all()
    assert (scales > 0).all()


def _with_ranges(student: Student, recipe: Recipe) -> Recipe:
    if recipe.activations != "static":
        return recipe
    observed = calibration.observe(student, _encodings(0, 60))
    return replace(recipe, ranges=calibration.ranges(observed, "min-max"))


def _with_4_bits(student: Student) -> Student:
    rounded = copy.deepcopy(student)
    for module in rounded.modules():
        if isinstance(module, torch.nn.Linear):
            factors = module.weight.detach().abs().amax(dim=1, keepdim=True)
            missing = -module.in_features % 32
            padded = functional.pad(module.weight.detach() / factors, (0, missing)).numpy()
            numbers, scales = quantize_blocks(padded)
            restored = numbers * np.repeat(scales.astype(np.float32), 32, axis=1)
            module.weight.data = torch.from_numpy(restored)[:, : module.in_features] * factors
    return rounded


def _encodings(seed: int, count: int) -> list[Encoding]:
    """Texts of 10 random tokens."""
    generator = np.random.default_rng(seed)
    texts = [[2, *generator.integers(5, 400, 10).tolist(), 3] for _ in range(count)]
    return [Encoding(ids, [0] * len(ids), truncated=False) for ids in texts]


def _export(student: Student, recipe: Recipe, path: Path, lengths: tuple[int, ...] = (8,)) -> None:
    with quiet(), torch.no_grad():
        assert tflite.export(student, recipe, path, lengths, fixed=True) == lengths


def _run(path: Path, inputs: dict[str, torch.Tensor], length: int) -> Any:
    runner = Interpreter(model_path=str(path)).get_signature_runner(f"tokens_{length}")
    fed = {name: tensor.numpy().astype(np.int32) for name, tensor in inputs.items()}
    return runner(**fed)[tflite.OUTPUT][0]


def _model(path: Path) -> Any:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))


def _graph(path: Path) -> tuple[Any, Any]:
    model = _model(path)
    return model, model.subgraphs[0]


def _operators(model: Any, graph: Any, name: str) -> list[Any]:
    return [
        each
        for each in graph.operators
        if OPERATORS[model.operatorCodes[each.opcodeIndex].builtinCode] == name
    ]


def _weight(model: Any, graph: Any, operator: Any) -> Any:
    """The tensor of a linear layer's weights as stored, before it is widened."""
    for each in _operators(model, graph, "DEQUANTIZE"):
        if each.outputs[0] == operator.inputs[1]:
            return graph.tensors[each.inputs[0]]
    return graph.tensors[operator.inputs[1]]
