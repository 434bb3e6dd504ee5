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
from edgebert_runtime.manifest import Manifest

sys.path.insert(0, str(environments.ROOT / "benchmarks"))
import resources

RUNTIME = ["numpy<2", "tokenizers==0.23.3"]
INTERPRETERS = {
    "tflite-runtime": [*RUNTIME, "tflite-runtime==2.14.0"],
    "tensorflow": ["tokenizers==0.23.3", "tensorflow-cpu==2.21.0"],
}
LIBRARIES = {"tflite-runtime": "tflite_runtime", "tensorflow": "tensorflow"}

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
    return resources.sentences(200)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    output = tmp_path_factory.mktemp("minilm") / "bundle"
    options = edgebert.ConvertOptions(formats=("tflite",), recipes=("int8_dynamic", "float32"))
    return output, edgebert.convert(resources.minilm(), output, options)


@pytest.mark.parametrize("name", INTERPRETERS)
@pytest.mark.parametrize("recipe", ["int8_dynamic", "float32"])
def test_same_answers(
    name: str, recipe: str, minilm: tuple[Path, Manifest], sentences: list[str], tmp_path: Path
) -> None:
    bundle, _ = minilm
    texts, output = tmp_path / "texts.json", tmp_path / "vectors.npy"
    texts.write_text(json.dumps(sentences))
    done = subprocess.run(
        [
            str(environments.environment(name, INTERPRETERS[name])),
            "-c",
            EMBED,
            *map(str, (bundle, texts, recipe, output)),
        ],
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().startswith(LIBRARIES[name])
    with edgebert.load(bundle, backend="tflite", recipe=recipe) as model:
        expected = model.embed(sentences)
    given = np.load(output)
    # Unit vectors: the sum of products is the cosine. In int8 the kernels round activations
    # differently, by less than either is away from the float model (0.997 in the mean).
    cosines = (given * expected).sum(axis=1)
    least, mean = (0.995, 0.999) if recipe == "int8_dynamic" else (0.999999, 0.999999)
    assert cosines.min() > least
    assert cosines.mean() > mean


def test_float_model_is_near_in_ours(minilm: tuple[Path, Manifest]) -> None:
    _, manifest = minilm
    agreement = {each.recipe: each.parity.agreement for each in manifest.artifacts}
    assert agreement["int8_dynamic"] > 0.995
    assert agreement["float32"] > 0.99999


def test_size_of_int8(minilm: tuple[Path, Manifest]) -> None:
    _, manifest = minilm
    sizes = {each.recipe: each.bytes for each in manifest.artifacts}
    assert sizes["int8_dynamic"] <= 0.27 * 90.9e6
