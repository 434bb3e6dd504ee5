"""What each recipe stores, and how near its answers stay (TFLite: see test_tflite_recipes)."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import students
import torch

import edgebert
from edgebert_converters import calibration, components, torchscript
from edgebert_converters import onnx as exporter
from edgebert_converters.calibration import Observed
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.quantization import affine, dequantize_blocks, quantize_blocks
from edgebert_converters.recipes import RECIPES, Ranges
from edgebert_runtime import Manifest
from edgebert_runtime.tokenization import Tokenizer

PAIRS = [
    (form, name)
    for form in ("onnx", "torchscript")
    for name, recipe in RECIPES.items()
    if form in recipe.backends
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wide enough that weights outweigh the graph."""
    folder = tmp_path_factory.mktemp("checkpoint") / "student"
    return students.checkpoint(folder, hidden_size=128, intermediate_size=256)


@pytest.fixture(scope="module")
def bundles(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every recipe on ONNX and TorchScript; `convert` holds each to its tolerance."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    for form in ("onnx", "torchscript"):
        names = tuple(name for other, name in PAIRS if other == form)
        made[form] = folder / form
        edgebert.convert(
            checkpoint, made[form], edgebert.ConvertOptions(formats=(form,), recipes=names)
        )
    return made


def manifest(bundle: Path) -> Manifest:
    return Manifest.from_json((bundle / "manifest.json").read_text(encoding="utf-8"))


def test_bytes_follow_the_recipe(bundles: dict[str, Path]) -> None:
    for form, bundle in bundles.items():
        sizes = {each.recipe: each.bytes for each in manifest(bundle).artifacts}
        assert sizes["float16"] < 0.6 * sizes["float32"]
        for name in ("int8_dynamic", "int8_static", "int8_weights"):
            assert sizes[name] < 0.7 * sizes["float16"], (form, name)
        if form == "onnx":
            assert sizes["int4_weights"] < sizes["int8_weights"]


@pytest.mark.parametrize(("form", "name"), PAIRS)
def test_components_add_up(form: str, name: str, bundles: dict[str, Path]) -> None:
    """What the manifest says of weights is in the file; the rest is a small graph."""
    (artifact,) = (each for each in manifest(bundles[form]).artifacts if each.recipe == name)
    graph = artifact.bytes - sum(artifact.components.values())
    assert 0 < graph < 200_000


def test_onnx_types_of_weights(bundles: dict[str, Path]) -> None:
    kinds = {
        "float16": onnx.TensorProto.FLOAT16,
        "int8_weights": onnx.TensorProto.INT8,
        "int8_static": onnx.TensorProto.INT8,
        "int4_weights": onnx.TensorProto.UINT8,
    }
    for name, kind in kinds.items():
        model = onnx.load(bundles["onnx"] / f"{name}.onnx")
        sizes = {each.name: int(np.prod(each.dims)) for each in model.graph.initializer}
        floats = sum(
            sizes[each.name]
            for each in model.graph.initializer
            if each.data_type == onnx.TensorProto.FLOAT
        )
        wanted = sum(sizes[each.name] for each in model.graph.initializer if each.data_type == kind)
        assert floats < 0.2 * wanted, name


def test_answers_do_not_depend_on_neighbours(bundles: dict[str, Path]) -> None:
    """Short and long texts in one padded batch, straight through ONNX Runtime."""
    import onnxruntime

    for name in ("int8_static", "int8_weights", "int4_weights", "float16"):
        session = onnxruntime.InferenceSession(
            bundles["onnx"] / f"{name}.onnx", providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer((bundles["onnx"] / "tokenizer.json").read_bytes(), 64)
        rows = [tokenizer.encode(text).ids for text in ("Short.", students.SENTENCES[5])]
        longest = max(map(len, rows))
        ids = np.array([[*row, *[0] * (longest - len(row))] for row in rows])
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        together = session.run(
            None,
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
        )[0]
        for row, given in zip(rows, together, strict=True):
            alone = np.array([row])
            inputs = {
                "input_ids": alone,
                "attention_mask": np.ones_like(alone),
                "token_type_ids": np.zeros_like(alone),
            }
            np.testing.assert_allclose(session.run(None, inputs)[0][0], given, atol=2e-2)


def test_static_ranges_were_compared(bundles: dict[str, Path]) -> None:
    for bundle in bundles.values():
        for artifact in manifest(bundle).artifacts:
            found = artifact.calibration
            assert (found is not None) == (artifact.recipe == "int8_static")
            if found is not None:
                assert set(found.agreement) == set(calibration.METHODS)
                assert found.agreement[found.method] == max(found.agreement.values())


def test_blocks_of_four_bits() -> None:
    """-8 takes the largest magnitude, whatever its sign; the rest rounds to a sixteenth of it."""
    weight = torch.zeros(2, 40)
    weight[0, :4] = torch.tensor([8.0, -7.0, 3.4, 0.6])
    weight[1, 39] = -2.0
    packed, scales = quantize_blocks(weight)
    assert packed.shape == (2, 2, 16)
    assert scales[0, 0].item() == -1.0
    assert scales[1, 1].item() == pytest.approx(0.25)
    back = dequantize_blocks(packed, scales)[:, :40]
    assert back[0, :4].tolist() == [8.0, -7.0, 3.0, 1.0]
    assert back[1, 39].item() == -2.0
    assert back[:, 4:39].abs().max() < 1e-6
    random = torch.randn(16, 96, generator=torch.Generator().manual_seed(0))
    packed, scales = quantize_blocks(random)
    error = (dequantize_blocks(packed, scales) - random).view(16, 3, 32).abs().amax(2)
    assert (error <= scales.abs() * 1.001).all()


def test_onnx_four_bit_products_are_those_of_the_blocks(bundles: dict[str, Path]) -> None:
    """ONNX Runtime reads our layout as `dequantize_blocks` does."""
    import onnxruntime

    layer = torch.nn.Linear(80, 24).eval()
    with torch.no_grad():
        path = bundles["onnx"].parent / "layer.onnx"
        module = exporter.Int4Linear(layer).eval()
        rows = torch.randn(5, 80, generator=torch.Generator().manual_seed(1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(module, (rows,), dynamo=True, verbose=False)
        assert program is not None
        path.write_bytes(program.model_proto.SerializeToString())
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        given = session.run(None, {session.get_inputs()[0].name: rows.numpy()})[0]
        weight = dequantize_blocks(module.packed, module.scales)[:, :80]
        expected = torch.nn.functional.linear(rows, weight, layer.bias)
        np.testing.assert_allclose(given, expected.numpy(), atol=1e-4)


def test_affine_covers_the_range_and_hits_zero() -> None:
    scale, zero = affine((-1.0, 4.1))
    assert scale == pytest.approx(5.1 / 255)
    assert zero == 50
    assert affine((0.0, 2.55)) == (pytest.approx(0.01), 0)
    assert affine((0.5, 2.55)) == (pytest.approx(0.01), 0)
    assert affine((0.0, 0.0))[0] > 0


def test_observed_ranges_are_those_that_occurred(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    tokenizer = Tokenizer(loaded.tokenizer, 64)
    encodings = [tokenizer.encode(text) for text in students.SENTENCES[:5]]
    observed = calibration.observe(loaded.student, encodings)
    name = "encoder.layers.0.feed_forward.2"
    seen: list[float] = []
    module = loaded.student.get_submodule(name)
    handle = module.register_forward_hook(
        lambda _, given, __: seen.extend([float(given[0].min()), float(given[0].max())])
    )
    calibration.outputs(loaded.student, encodings)
    handle.remove()
    found = calibration.ranges(observed, "min-max")[name]
    assert found.inputs == (pytest.approx(min(seen)), pytest.approx(max(seen)))
    counts, low, high = observed[name].inputs
    assert counts.sum() == sum(len(each.ids) for each in encodings) * 256
    assert (low, high) == found.inputs


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_a_lone_outlier_is_cut_off(method: str) -> None:
    values = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    counts = torch.histc(values, 2048, -6.0, 60.0).numpy().astype(float)
    counts[-1] += 1
    histogram = (counts, -6.0, 60.0)
    found = calibration.ranges({"layer": Observed(histogram, histogram)}, method)["layer"].inputs
    assert -6.5 < found[0] < -2.5
    assert 2.5 < found[1] < 10


@pytest.mark.parametrize("method", calibration.METHODS)
def test_a_layer_that_is_always_zero(method: str) -> None:
    histogram = (np.zeros(2048), 0.0, 0.0)
    found = calibration.ranges({"layer": Observed(histogram, histogram)}, method)["layer"]
    assert found.inputs == (0.0, 0.0)
    assert affine(found.inputs)[0] > 0


def test_zeros_stay_zeros(checkpoint: Path) -> None:
    """Sparsity survives every way of rounding."""
    student = load_checkpoint(checkpoint).student
    with torch.no_grad():
        for module in student.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight[:, ::2] = 0.0
    for recipe in RECIPES.values():
        assert components.sparsity(student, recipe) > 0.3


def test_a_large_bias_is_outside_of_the_static_range() -> None:
    """Ranges are of outputs without their bias, in TorchScript as in calibration."""
    layer = torch.nn.Linear(16, 4)
    with torch.no_grad():
        layer.bias.fill_(100.0)
        rows = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
        products = torch.nn.functional.linear(rows, layer.weight)
        products = products / layer.weight.abs().amax(dim=1)
        ranges = Ranges((0.0, 1.0), (float(products.min()), float(products.max())))
        with warnings.catch_warnings():
            # torch's quantized tensors are to move elsewhere; the exporter says the same.
            warnings.simplefilter("ignore")
            given = torchscript.StaticLinear(layer, ranges)(rows)
        torch.testing.assert_close(given, layer(rows), atol=0.05, rtol=0.0)
