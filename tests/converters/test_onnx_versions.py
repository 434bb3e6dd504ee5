"""One ONNX file, several versions of ONNX Runtime, with its fast kernels and its exact ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import environments
import numpy as np
import pytest
import students

import edgebert

VERSIONS = ("1.18.1", "1.23.2")
RUN = """
import json, sys
import numpy as np
import onnxruntime
path, exact = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.add_session_config_entry("session.x64quantprecision", exact)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
ids = np.arange(5, 45).reshape(2, 20)
mask = np.ones_like(ids)
mask[1, 9:] = 0
given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
print(json.dumps(session.run(None, given)[0].tolist()))
"""


def answers(interpreter: Path | str, path: Path, exact: str) -> list[list[float]]:
    """Raw outputs of two texts, one with padding."""
    command = [str(interpreter), "-c", RUN, str(path), exact]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs: list[list[float]] = json.loads(done.stdout)
    return outputs


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "albert", "mobilebert"])
def test_same_answers(family: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "checkpoint", family)
    recipes = ("float32", "int8_dynamic", "int8_static")
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=recipes)
    manifest = edgebert.convert(folder, tmp_path / "bundle", options)
    for artifact in manifest.artifacts:
        path = tmp_path / "bundle" / artifact.file
        expected = answers(sys.executable, path, "0")
        assert np.isfinite(expected).all()
        # ALBERT's layers share weights, which are unsigned in the file for that.
        np.testing.assert_allclose(answers(sys.executable, path, "1"), expected, atol=0.02)
        for version in VERSIONS:
            requirements = [f"onnxruntime=={version}", "numpy<2"]
            older = environments.environment(f"onnxruntime-{version}", requirements)
            np.testing.assert_allclose(answers(older, path, "0"), expected, atol=0.02)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
def test_rows_of_zeros(tmp_path: Path) -> None:
    """A row that is divided by its largest magnitude, zero, gives the bias as in float32."""
    import onnxruntime
    import torch

    from edgebert_converters.onnx import DynamicLinear

    layer = torch.nn.Linear(16, 8)
    rows = torch.randn(4, 1, 16)
    rows[2] = 0.0
    path = tmp_path / "layer.onnx"
    module = DynamicLinear(layer, shared=False).eval()
    program = torch.onnx.export(module, (rows,), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {session.get_inputs()[0].name: rows.numpy()})
    expected = layer(rows).detach().numpy()
    np.testing.assert_allclose(given[2], expected[2], atol=1e-6)
    np.testing.assert_allclose(given, expected, atol=0.05)
