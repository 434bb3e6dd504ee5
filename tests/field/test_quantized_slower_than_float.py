"""A quantized model that is slower than float on this device (litert on cortex-a72, PEERS).

Times are set by hand: which of them is slower depends on the machine that runs the tests.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import edgebert
from edgebert.comparison.choice import Limits, best, options
from edgebert.profiler.derived import surprises
from edgebert.profiler.local import Local
from edgebert.profiler.page import render
from edgebert.profiler.profile import Machine, Profile, Result, model_of
from edgebert.profiler.report import as_text
from edgebert_runtime import Bundle
from edgebert_runtime.measurement import Measurement, Settings

SAID = (
    "onnx int8_dynamic: 1.5 times as slow as onnx float32 at 16 tokens: fewer bits gain no speed "
    "on this device"
)


@pytest.fixture(scope="module")
def both(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("bundles") / "both"
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=("int8_dynamic", "float32"))
    edgebert.convert(checkpoint, output, options)
    return output


@pytest.fixture(scope="module")
def measured(both: Path) -> dict[str, Measurement]:
    settings = [
        Settings("onnx", recipe, lengths=(8, 16), budget_seconds=0.2)
        for recipe in ("int8_dynamic", "float32")
    ]
    return {each.recipe: each for each in (Local().measure(both, every) for every in settings)}


def timed(measurement: Measurement, p50_ms: float, reach_ms: float) -> Measurement:
    timings = tuple(
        dataclasses.replace(each, p50_ms=p50_ms, interval_ms=(p50_ms - reach_ms, p50_ms + reach_ms))
        for each in measurement.lengths
    )
    conditions = dataclasses.replace(measurement.conditions, marks=())
    return dataclasses.replace(measurement, lengths=timings, conditions=conditions)


def profile(
    both: Path, measured: dict[str, Measurement], int8_ms: float, reach_ms: float = 0.01
) -> Profile:
    """int8 takes so long, float32 two milliseconds."""
    times = {"int8_dynamic": int8_ms, "float32": 2.0}
    results = [
        Result("local", "both", timed(each, times[recipe], reach_ms))
        for recipe, each in measured.items()
    ]
    return Profile.of([Machine("local", "local")], [model_of(Bundle(both), "both")], results)


def test_the_profiler_says_so(both: Path, measured: dict[str, Measurement]) -> None:
    slow = profile(both, measured, 3.0)
    assert SAID in as_text(slow).splitlines()
    assert "What is slower than float32" in render(slow)
    assert "1.5 times as slow as onnx float32 at 16 tokens" in render(slow)


def test_nothing_is_said_where_it_is_faster_or_nobody_knows(
    both: Path, measured: dict[str, Measurement]
) -> None:
    for other in (profile(both, measured, 1.5), profile(both, measured, 2.1, reach_ms=0.2)):
        assert not list(surprises(other.results))
        assert "fewer bits" not in as_text(other)
        assert "slower than float32" not in render(other)


def test_other_devices_threads_and_libraries_do_not_count(
    both: Path, measured: dict[str, Measurement]
) -> None:
    int8, plain = profile(both, measured, 3.0).results
    for change in ({"threads": 2}, {"backend": "tflite"}):
        other = dataclasses.replace(
            plain, measurement=dataclasses.replace(plain.measurement, **change)
        )
        assert not list(surprises([int8, other]))
    assert not list(surprises([int8, dataclasses.replace(plain, device="phone")]))


def test_the_choice_is_by_what_was_measured(both: Path, measured: dict[str, Measurement]) -> None:
    for int8_ms, chosen in ((3.0, "float32"), (1.0, "int8_dynamic")):
        found = options(profile(both, measured, int8_ms), 16, None, "")
        option = best(found, Limits())
        assert option is not None
        assert option.recipe == chosen
