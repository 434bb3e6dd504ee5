"""Rounds over several artifacts, and what becomes of their figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgebert.comparison.latency import Latency, Plan, measure
from edgebert.comparison.selection import Candidate, select
from edgebert.profiler.local import Local
from edgebert_runtime.errors import DeviceError, InputError
from edgebert_runtime.measurement import Measurement, Settings


@pytest.fixture(scope="module")
def candidates(bundle: Path) -> list[Candidate]:
    return select([str(bundle)])


@pytest.fixture(scope="module")
def measurement(bundle: Path) -> Measurement:
    settings = Settings("onnx", lengths=(8,), budget_seconds=0.1)
    return Local().measure(bundle, settings)


class Scripted:
    """A device that measured before: it hands out a real measurement and notes what was asked."""

    def __init__(self, measurement: Measurement, failing: str = "") -> None:
        self.measurement = measurement
        self.failing = failing
        self.asked: list[Settings] = []

    def measure(self, bundle: Path, settings: Settings) -> Measurement:
        self.asked.append(settings)
        if settings.backend == self.failing and len(self.asked) > 3:
            raise DeviceError("it fell off the table")
        return self.measurement


def with_p50(measurement: Measurement, p50_ms: float, peak: int | None) -> Measurement:
    (timing,) = measurement.lengths
    return dataclasses.replace(
        measurement,
        lengths=(dataclasses.replace(timing, p50_ms=p50_ms, p90_ms=2 * p50_ms),),
        text_to_answer=dataclasses.replace(measurement.text_to_answer, p50_ms=3 * p50_ms),
        memory=dataclasses.replace(measurement.memory, peak_bytes=peak),
    )


def test_one_noisy_round_moves_the_spread_and_not_the_figure(measurement: Measurement) -> None:
    rounds = [
        with_p50(measurement, p50, peak)
        for p50, peak in ((2.0, 5_000_000), (9.0, 9_000_000), (1.9, 4_000_000))
    ]
    latency = Latency.of(rounds)
    assert (latency.p50_ms, latency.p90_ms, latency.text_to_answer_p50_ms) == (2.0, 4.0, 6.0)
    assert latency.rounds_p50_ms == (2.0, 9.0, 1.9)
    assert latency.spread == pytest.approx(7.1 / 2)
    assert latency.peak_bytes == 5_000_000


def test_a_system_that_tells_no_memory(measurement: Measurement) -> None:
    assert Latency.of([with_p50(measurement, 1.0, None)]).peak_bytes is None


def test_rounds_go_over_all_and_back(candidates: list[Candidate], measurement: Measurement) -> None:
    device = Scripted(measurement)
    plan = Plan(tokens=16, threads=2, rounds=3, budget_seconds=6.0)
    found = measure(candidates, plan, device)
    assert found == [[measurement] * 3] * 3
    order = [each.artifact.backend for each in candidates]
    assert [each.backend for each in device.asked] == [*order, *reversed(order), *order]
    assert {(each.threads, each.lengths, each.budget_seconds) for each in device.asked} == {
        (2, (16,), 2.0)
    }


def test_what_fails_once_is_not_tried_again(
    candidates: list[Candidate], measurement: Measurement
) -> None:
    failing = candidates[1].artifact.backend
    device = Scripted(measurement, failing)
    found = measure(candidates, Plan(), device)
    assert (found[0], found[2]) == ([measurement] * 3, [measurement] * 3)
    assert isinstance(found[1], DeviceError)
    assert [each.backend for each in device.asked].count(failing) == 2


def test_a_length_beyond_a_limit(candidates: list[Candidate]) -> None:
    Plan(tokens=64).check(candidates)
    with pytest.raises(InputError, match=r"tokens: got 65, .*classifier' looks at 64 at most"):
        Plan(tokens=65).check(candidates)
