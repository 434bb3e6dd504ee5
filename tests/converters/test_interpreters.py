"""One TFLite file, three interpreters, the same answers on real sentences.

The file is MiniLM's, the sentences are film reviews: a small random student would not have shown
that tflite-runtime 2.14 answers zeros where a scale is per row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import environments
import numpy as np
import pytest

import edgebert
from edgebert_converters.recipes import RECIPES
from edgebert_runtime.manifest import Manifest

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import resources

RUNTIME = ["numpy<2", "tokenizers==0.23.3"]
INTERPRETERS = {
    "tflite-runtime": [*RUNTIME, "tflite-runtime==2.14.0"],
    "tensorflow": ["tokenizers==0.23.3", "tensorflow-cpu==2.21.0"],
}
LIBRARIES = {"tflite-runtime": "tflite_runtime", "tensorflow": "tensorflow"}

LEAST_COSINES = {
    "int8_dynamic": (0.995, 0.999),
    "int8_static": (0.97, 0.985),
    "int4_weights": (0.99, 0.998),
}
"""Least and mean, where kernels round activations differently, by less than either is away from
the float model. Elsewhere they compute in float32."""

EMBED = """
import json, sys
import numpy as np
import edgebert_runtime
from edgebert_runtime.backends import tflite
bundle, texts, recipe, output = sys.argv[1:]
with edgebert_runtime.load(bundle, backend="tflite", recipe=recipe) as model:
    np.save(output, model.embed(json.load(open(texts))))
print(tflite.Interpreter.__module__)
"""


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return resources.sentences(100)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    output = tmp_path_factory.mktemp("minilm") / "bundle"
    options = edgebert.ConvertOptions(formats=("tflite",), recipes=tuple(RECIPES))
    return output, edgebert.convert(resources.minilm(), output, options)


@pytest.mark.parametrize("name", INTERPRETERS)
@pytest.mark.parametrize(
    "recipe",
    [
        # Those that compute as float32 does are enough once in a while.
        pytest.param(each, marks=pytest.mark.slow if each in ("float16", "int8_weights") else ())
        for each in RECIPES
    ],
)
def test_same_answers(
    name: str, recipe: str, minilm: tuple[Path, Manifest], sentences: list[str], tmp_path: Path
) -> None:
    bundle, _ = minilm
    if (name, recipe) == ("tflite-runtime", "int4_weights"):
        pytest.skip("refused, see below")
    output = tmp_path / "vectors.npy"
    done = _embed(name, bundle, recipe, sentences, output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(LIBRARIES[name])
    with edgebert.load(bundle, backend="tflite", recipe=recipe) as model:
        expected = model.embed(sentences)
    given = np.load(output)
    # Unit vectors: the sum of products is the cosine.
    cosines = (given * expected).sum(axis=1)
    least, mean = LEAST_COSINES.get(recipe, (0.999999, 0.999999))
    assert cosines.min() > least
    assert cosines.mean() > mean


def test_old_runtime_refuses_blocks(
    minilm: tuple[Path, Manifest], sentences: list[str], tmp_path: Path
) -> None:
    """It would overlook their scales, and answer zeros."""
    output = tmp_path / "vectors.npy"
    done = _embed("tflite-runtime", minilm[0], "int4_weights", sentences, output)
    assert done.returncode == 1
    assert "BackendError: tflite failed on 'int4_weights.tflite'" in done.stderr
    assert not output.exists()


def test_float_model_is_near_in_ours(minilm: tuple[Path, Manifest]) -> None:
    _, manifest = minilm
    agreement = {each.recipe: each.parity.agreement for each in manifest.artifacts}
    assert agreement["int8_dynamic"] > 0.998
    assert agreement["int8_static"] > 0.98
    assert agreement["int8_weights"] > 0.999
    assert agreement["int4_weights"] > 0.95
    assert agreement["float16"] > 0.99999
    assert agreement["float32"] > 0.99999


def test_size_of_int8(minilm: tuple[Path, Manifest]) -> None:
    _, manifest = minilm
    sizes = {each.recipe: each.bytes for each in manifest.artifacts}
    assert sizes["int8_dynamic"] <= 0.27 * 90.9e6


def _embed(
    name: str, bundle: Path, recipe: str, sentences: list[str], output: Path
) -> subprocess.CompletedProcess[str]:
    texts = output.with_suffix(".json")
    texts.write_text(json.dumps(sentences))
    return subprocess.run(
        [
            str(environments.environment(name, INTERPRETERS[name])),
            "-c",
            EMBED,
            *map(str, (bundle, texts, recipe, output)),
        ],
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=False,
    )
