"""The Kotlin tokenizer: its Unicode tables are the library's, and its ids are those of Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import android_build
import pytest


def test_the_unicode_tables_are_those_of_the_library() -> None:
    script = android_build.TOOLS / "unicode_tables.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
def test_every_number_is_that_of_python(tmp_path: Path) -> None:
    android_build.write_vectors("tokenization.py", tmp_path)
    tests = ["TokenizationTest", "DamagedTokenizerTest", "TokenizationSpeedTest"]
    output = android_build.succeed("test", *tests, EDGEBERT_VECTORS=str(tmp_path))
    assert android_build.tests_passed(output) == 9
