"""Artifacts take no more ARM instructions than they did: half a minute to a minute and a half.

Counts repeat exactly, so that what is more comes from a change of ours. Those that are stored are
of the same versions of the libraries.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import counting
import machine
import pytest

STORED = json.loads((machine.HERE / "counts.json").read_text(encoding="utf-8"))
MOST = 1.03
LENGTH = 16


@pytest.fixture(scope="module")
def bundle(arm64_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shutil.which("apt-get") and shutil.which("gcc")):
        pytest.skip("needs apt-get for QEMU with plugins, and gcc")
    machine.prepare()
    return machine.converted(tmp_path_factory.mktemp("arm") / "bundle")


@pytest.mark.parametrize("form", machine.FORMATS)
@pytest.mark.parametrize("name", ["cortex-a72", "cortex-a76"])
def test_no_more_instructions(name: str, form: str, bundle: Path) -> None:
    if STORED["versions"] != machine.versions():
        pytest.skip(f"counts of {STORED['versions']}; benchmarks/arm counts anew")
    processor = machine.PROCESSORS[name]
    counts = counting.instructions(processor, bundle / machine.FORMATS[form], [LENGTH])
    stored = STORED["instructions"][name][form][str(LENGTH)]
    assert counts[LENGTH] <= MOST * stored
    assert counts[LENGTH] >= stored / MOST, "better: run benchmarks/arm to store it"


def test_operators_add_up(bundle: Path) -> None:
    """To a run, but for what is between them and for what profiling them takes."""
    processor, artifact = machine.PROCESSORS["cortex-a76"], bundle / machine.FORMATS["onnx"]
    (whole,) = counting.instructions(processor, artifact, [LENGTH]).values()
    found = counting.by_operator(processor, artifact, LENGTH)
    assert sum(found.values()) == pytest.approx(whole, rel=0.1)
    assert found.most_common(1)[0][0] == "MatMulIntegerToFloat"
