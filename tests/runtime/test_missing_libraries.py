"""Libraries that are not installed, or broken; and those that nothing brings in unasked.

Each test is a process of its own: what is imported once stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TFLITE = ("ai_edge_litert", "tflite_runtime", "tensorflow")
LIBRARIES = {"tflite": TFLITE, "onnx": ("onnxruntime",), "torchscript": ("torch",)}
HEAVY = ("torch", "transformers", "onnx", "onnxruntime", *TFLITE, "litert_torch", "jax")


def output_of(program: str, **environment: str) -> str:
    """What a program prints; an error of ours it prints as its type and message."""
    wrapped = "import sys\nfrom edgebert import EdgeBertError, load\ntry:\n"
    wrapped += "".join(f"    {line}\n" for line in program.splitlines())
    wrapped += "except EdgeBertError as error:\n    print(type(error).__name__, error)\n"
    run = subprocess.run(
        [sys.executable, "-c", wrapped],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def without(*libraries: str) -> str:
    return f"sys.modules.update(dict.fromkeys({libraries!r}))\n"


@pytest.mark.parametrize(("backend", "libraries"), LIBRARIES.items())
def test_a_missing_library(bundle: Path, backend: str, libraries: tuple[str, ...]) -> None:
    program = without(*libraries) + f"load({str(bundle)!r}, backend={backend!r})"
    assert output_of(program) == (
        f"MissingBackendError backend {backend!r} needs {' or '.join(libraries)}, which is not "
        f"installed; run: pip install 'edgebert[{backend}]'"
    )


@pytest.mark.parametrize(
    ("missing", "chosen"),
    [((), "tflite"), (TFLITE, "onnx"), ((*TFLITE, "onnxruntime"), "torchscript")],
)
def test_auto_takes_the_next_one(bundle: Path, missing: tuple[str, ...], chosen: str) -> None:
    program = without(*missing) + f"print(load({str(bundle)!r}).artifact.backend)"
    assert output_of(program) == chosen


def test_auto_with_none_left(bundle: Path) -> None:
    program = without(*TFLITE, "onnxruntime", "torch") + f"load({str(bundle)!r})"
    assert output_of(program) == (
        "MissingBackendError no backend of this bundle is installed; run: "
        "pip install 'edgebert[tflite]' or 'edgebert[onnx]' or 'edgebert[torchscript]'"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import no_such_part", "No module named 'no_such_part'"),
        ("raise ImportError('libx.so: cannot open\\nshared')", "libx.so: cannot open"),
        ("raise AttributeError('module numpy has no X')", "module numpy has no X"),
        ("raise OSError", "OSError()"),
    ],
)
def test_a_library_that_is_broken(bundle: Path, tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "onnxruntime.py").write_text(content)
    program = f"load({str(bundle)!r}, backend='onnx')"
    assert output_of(program, PYTHONPATH=str(tmp_path)) == (
        f"BackendError backend 'onnx' cannot import its library: {reason}; "
        "run: pip install --force-reinstall 'edgebert[onnx]'"
    )


@pytest.mark.parametrize("module", ["edgebert", "edgebert_runtime", "edgebert.cli"])
def test_importing_brings_in_nothing_heavy(module: str) -> None:
    program = f"import {module}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert output_of(program) == "[]"


@pytest.mark.parametrize("backend", ["onnx", "tflite"])
def test_answering_brings_in_neither_torch_nor_transformers(bundle: Path, backend: str) -> None:
    program = f"""load({str(bundle)!r}, backend={backend!r}).predict(["a", "b"])
print([name for name in {HEAVY!r} if name in sys.modules])"""
    library = LIBRARIES[backend][0]
    assert output_of(program) == f"[{library!r}]"
