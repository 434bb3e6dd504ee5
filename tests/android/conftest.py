from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import android_build
import environments
import pytest

sys.path.insert(0, str(android_build.TOOLS))


@pytest.fixture(scope="session")
def toolchain() -> None:
    """What the build needs, or the test is skipped."""
    android_build.need_toolchain()


@pytest.fixture(scope="session")
def vectors(toolchain: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Python answers, for the tests on the JVM: of the student and of small models."""
    folder = tmp_path_factory.mktemp("vectors")
    android_build.write_vectors("answers.py", folder, *android_build.MODELS)
    android_build.write_vectors("hostile_bundles.py", folder)
    android_build.write_vectors("measurement.py", folder)
    android_build.write_vectors("tokenization.py", folder, "--only", "shipped")
    return folder


@pytest.fixture(scope="session")
def demo(toolchain: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder with what convert_and_build.sh makes of the shipped student, and what it says."""
    folder = tmp_path_factory.mktemp("demo")
    script = android_build.PROJECT / "convert_and_build.sh"
    student = environments.ROOT / "models" / "film-sentiment"
    done = subprocess.run([script, student, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder, done.stdout


@pytest.fixture(scope="session")
def student(demo: tuple[Path, str]) -> Path:
    """The shipped student as an app has it: one file, int8, for ONNX Runtime."""
    return demo[0] / "model.edgebert"


@pytest.fixture(scope="session")
def apk(demo: tuple[Path, str]) -> Path:
    """A finished APK for most phones, with that bundle inside."""
    return demo[0] / "edgebert-demo-arm64-v8a.apk"
