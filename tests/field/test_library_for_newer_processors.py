"""A library that was built for newer instructions ends its process (onnxruntime 23957).

The stand-ins for libraries execute an instruction that no processor has, so the kernel itself ends
their process, as it did on the Raspberry Pi of the report.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgebert
from edgebert_runtime import trial
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.processors import older_than_libraries

DEADLY = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(b"\\x0f\\x0b" if __import__("platform").machine() == "x86_64" else bytes(4))
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
"""UD2 on x86-64; four zeros are undefined on ARM."""

LOAD = """
import sys
import edgebert_runtime.loading as loading
loading.cpu_flags = lambda: frozenset({"fp", "asimd", "sse2"})
try:
    model = loading.load(sys.argv[1])
    print(model.artifact.backend, model.predict("a fine day").label)
except loading.BackendError as error:
    print(error)
"""


def loaded(bundle: Path, libraries: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """`auto` on an older processor where these libraries are deadly."""
    for name in names:
        (libraries / name).write_text(DEADLY)
    return subprocess.run(
        [sys.executable, "-c", LOAD, str(bundle)],
        env=os.environ | {"PYTHONPATH": str(libraries), "XDG_CACHE_HOME": str(libraries / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_next_backend_is_taken_and_the_user_told(bundle: Path, tmp_path: Path) -> None:
    done = loaded(bundle, tmp_path, "ai_edge_litert.py")
    with edgebert.load(bundle, backend="onnx") as model:
        expected = model.predict("a fine day")
    assert isinstance(expected, edgebert.Classification)
    assert (done.returncode, done.stdout.split()) == (0, ["onnx", expected.label]), done.stderr
    assert done.stderr == (
        "edgebert: tflite int8_dynamic is left out, for it ends its process with SIGILL: its "
        "library may be built for newer processors than this; try an older version of it\n"
    )


def test_none_is_left(bundle: Path, tmp_path: Path) -> None:
    names = ("ai_edge_litert.py", "onnxruntime.py", "torch.py")
    done = loaded(bundle, tmp_path, *names)
    assert (done.returncode, done.stdout) == (
        0,
        "no backend of this bundle survives this processor: tflite int8_dynamic, onnx "
        "int8_dynamic, torchscript int8_dynamic ended the process that tried; install older "
        "versions of their libraries\n",
    ), done.stderr


def test_what_lives_is_not_suspected(bundle: Path, tmp_path: Path) -> None:
    done = loaded(bundle, tmp_path)
    assert done.stdout.startswith("tflite "), done.stderr
    assert "left out" not in done.stderr
    assert len(list((tmp_path / "cache" / "edgebert" / "survived").iterdir())) == 1


def test_it_is_tried_once_and_again_with_another_library(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    artifact = Bundle(bundle).manifest.artifacts[0]
    tried = (artifact.backend, artifact.recipe, artifact.sha256)
    assert trial.death(str(bundle), *tried) is None
    trial.death.cache_clear()
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("tried again"))
    assert trial.death(str(bundle), *tried) is None
    trial.death.cache_clear()
    monkeypatch.setattr("edgebert_runtime.user_cache.LIBRARIES", {artifact.backend: ("json",)})
    with pytest.raises(pytest.fail.Exception, match="tried again"):
        trial.death(str(bundle), *tried)


def test_no_process_is_started_on_a_newer_processor(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebert_runtime.loading.cpu_flags", lambda: frozenset({"avx2"}))
    monkeypatch.setattr("edgebert_runtime.loading.is_arm", lambda: False)
    monkeypatch.setattr(trial, "death", lambda *_: pytest.fail("tried"))
    edgebert.load(bundle).close()


def test_a_bundle_that_cannot_be_loaded_is_no_death(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    artifact = Bundle(bundle).manifest.artifacts[0]
    tried = (artifact.backend, artifact.recipe, artifact.sha256)
    assert trial.death(str(tmp_path), *tried) is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("flags", "arm", "older"),
    [
        ({"asimd", "asimddp"}, True, False),  # Raspberry Pi 5
        ({"fp", "asimd", "crc32"}, True, True),  # Raspberry Pi 3 and 4
        ({"neon", "vfpv4"}, True, True),
        ({"sse4_2", "avx", "avx2"}, False, False),
        ({"sse4_2"}, False, True),
        (set(), True, False),
        (set(), False, False),
    ],
)
def test_which_processors_are_older(flags: set[str], arm: bool, older: bool) -> None:
    assert older_than_libraries(frozenset(flags), arm=arm) == older
