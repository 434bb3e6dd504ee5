"""Profiles for tests: real measurements, and what is rare among them put in by hand.

No machine here throttles, has a readable meter or is a phone: `with_everything` is a stand-in that
says what such a machine would.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

from edgebert.profiler.local import Local
from edgebert.profiler.profile import Machine, Profile, Result, Scoring, Skipped, model_of
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.measurement import Energy, Measurement, Settings, Timing

HOSTILE = "<script>document.title='owned'</script>\"'&\u202egnp.exe\udcff\n</title>"
"""A name that a bundle or a device could make up."""
MARK = "the clock fell from 2400 to 1500 MHz"
REASON = "torch is not installed; run: pip install 'edgebert[torchscript]'"


def measured(bundle: Path) -> Profile:
    """A real profile of this machine: onnx with operators, tflite, two lengths, two batches."""
    settings = [
        Settings(
            backend,
            threads=threads,
            lengths=(8, 16, 64),
            batches=(1, 4),
            budget_seconds=0.7,
            minutes=0.02 if threads == 1 else 0.0,
            operators=threads == 1,
        )
        for backend in ("onnx", "tflite")
        for threads in (1, 2)
    ]
    results = [Result("local", "small", Local().measure(bundle, each)) for each in settings]
    return Profile.of([Machine("local", "local")], [model_of(Bundle(bundle), "small")], results)


def with_everything(profile: Profile) -> Profile:
    """Two more devices, marks, an energy meter, heat, scores, something skipped."""
    model = profile.models[0]
    scored = replace(
        model,
        scoring=Scoring("accuracy", "reviews.tsv", 872, 0.9),
        artifacts=tuple(
            replace(each, score=0.9 - 0.01 * place) for place, each in enumerate(model.artifacts)
        ),
    )
    other = replace(model, name=HOSTILE)
    results = [replace(each, measurement=_calm(each.measurement)) for each in profile.results]
    for place, each in enumerate(profile.results):
        hot = _hot(each.measurement) if place == 0 else _calm(each.measurement)
        results.append(Result("kitchen", "small", _slower(hot, 4.0)))
    results.append(Result(HOSTILE, HOSTILE, _slower(_calm(profile.results[0].measurement), 2.0)))
    return replace(
        profile,
        devices=(
            *profile.devices,
            Machine("kitchen", "ssh://pi@kitchen"),
            Machine(HOSTILE, "adb:0123", HOSTILE),
        ),
        models=(scored, other),
        results=tuple(results),
        skipped=(Skipped("kitchen", "small", Settings("torchscript"), REASON),),
    )


def _calm(measurement: Measurement) -> Measurement:
    """The same without what the neighbours of a test do to it."""
    conditions = replace(measurement.conditions, marks=())
    return replace(measurement, conditions=conditions)


def _hot(measurement: Measurement) -> Measurement:
    moments = tuple(
        replace(
            each,
            frequency_mhz=2400.0 - 900.0 * place / len(measurement.conditions.moments),
            temperature_celsius=50.0 + place,
            throttling=("soft temperature limit",),
        )
        for place, each in enumerate(measurement.conditions.moments)
    )
    sustained = tuple(
        replace(each, p50_ms=each.p50_ms * (1 + 0.1 * place), temperature_celsius=60.0 + place)
        for place, each in enumerate(measurement.sustained)
    )
    return replace(
        measurement,
        conditions=replace(measurement.conditions, marks=(MARK,), moments=moments),
        sustained=sustained,
        energy=Energy("RAPL package-0", joules=12.0, seconds=4.0, sentences=3000),
    )


def _slower(measurement: Measurement, times: float) -> Measurement:
    answer = measurement.text_to_answer
    return replace(
        measurement,
        lengths=tuple(slower(each, times) for each in measurement.lengths),
        text_to_answer=answer and slower(answer, times),
    )


def slower(timing: Timing, times: float) -> Timing:
    """Every run so many times as long."""
    fields = dataclasses.asdict(timing)
    for name, value in fields.items():
        if name.endswith("_ms") and value is not None:
            several = isinstance(value, tuple)
            fields[name] = tuple(each * times for each in value) if several else value * times
    fields["sentences_per_second"] /= times
    return Timing(**fields)
