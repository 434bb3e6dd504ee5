"""The wheel installs on arm64, and the shipped student answers there as it does here.

Under QEMU; less than a minute, and twice that where nothing is in .cache yet.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import arm_roots
import asking
import environments
import pytest
import same_answers
import this_machine

import edgebert

RECIPE = "int8_dynamic"
MACHINE = arm_roots.MACHINES["arm64"]


@pytest.fixture(scope="module")
def emulated(arm64_root: Path, tmp_path_factory: pytest.TempPathFactory) -> asking.Emulated:
    if os.geteuid():
        pytest.skip("only root can install in an arm64 root")
    this_machine.need("qemu-aarch64-static", "qemu-user-static")
    try:
        subprocess.run([*arm_roots.inside(MACHINE, arm64_root), "true"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no program of arm64 runs here: {error}")
    bundle = tmp_path_factory.mktemp("arm") / "bundle"
    options = edgebert.ConvertOptions(formats=MACHINE.backends, recipes=(RECIPE,), lengths=(64,))
    edgebert.convert(environments.ROOT / "models" / "film-sentiment", bundle, options)
    return asking.Emulated(MACHINE, bundle, same_answers.sentences(10))


@pytest.mark.parametrize("backend", MACHINE.backends)
def test_answers_as_here(backend: str, emulated: asking.Emulated) -> None:
    expected = asking.Here(emulated).ask(backend, RECIPE)
    assert {each["label"] for each in expected} == {"negative", "positive"}
    for name in ("cortex-a72", "cortex-a76"):
        got = emulated.ask(arm_roots.PROCESSORS["arm64"][name], backend, RECIPE)
        figures = same_answers.compared(expected, got)
        assert same_answers.faults(figures, RECIPE) == [], name


def answer(label: str, score: float) -> dict[str, object]:
    return {"label": label, "score": score}


def test_another_label_is_a_fault_and_its_margin_told() -> None:
    expected = [answer("positive", 0.504), answer("negative", 0.9), answer("negative", 0.8)]
    figures = same_answers.compared(expected, [answer("negative", 0.503), *expected[1:]])
    assert figures["equal_labels"] == 2
    assert figures["largest_difference"] == pytest.approx(0.007)
    (fault,) = same_answers.faults(figures, RECIPE)
    assert "0.0080" in fault


@pytest.mark.parametrize(("recipe", "moved"), [("float32", 2e-5), ("int8_dynamic", 0.021)])
def test_a_score_beyond_tolerance_is_a_fault(recipe: str, moved: float) -> None:
    expected = [answer("positive", 0.9)] * 3
    assert same_answers.faults(same_answers.compared(expected, expected), recipe) == []
    figures = same_answers.compared(expected, [*expected[:2], answer("positive", 0.9 + moved)])
    (fault,) = same_answers.faults(figures, recipe)
    assert "largest" in fault


def test_scores_that_all_move_are_a_fault() -> None:
    expected = [answer("positive", 0.9)] * 3
    figures = same_answers.compared(expected, [answer("positive", 0.901)] * 3)
    (fault,) = same_answers.faults(figures, RECIPE)
    assert "median" in fault


def test_no_number_is_a_fault() -> None:
    expected = [answer("positive", 0.9)] * 3
    got = [*expected[:2], answer("positive", float("nan"))]
    assert same_answers.faults(same_answers.compared(expected, got), RECIPE)
