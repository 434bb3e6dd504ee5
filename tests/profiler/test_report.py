import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgebert.profiler.profile import Artifact, Machine, Model, Profile, Result, Skipped
from edgebert.profiler.report import as_json, as_text
from edgebert_runtime.hardware import facts
from edgebert_runtime.measurement import (
    SCHEMA_VERSION,
    Conditions,
    Energy,
    Measurement,
    Memory,
    Operator,
    OperatorProfile,
    Settings,
    Startup,
    Stretch,
    Timing,
)
from edgebert_runtime.timing import statistics


def timing(tokens: int, ms: float, batch: int = 1) -> Timing:
    """Ten runs that took the same."""
    return statistics(tokens, 3, [ms] * 10, batch)


@pytest.fixture
def measurement(tmp_path: Path) -> Measurement:
    """Made of round figures, on a machine that tells nothing."""
    return Measurement(
        schema_version=SCHEMA_VERSION,
        bundle="models/small",
        backend="onnx",
        recipe="int8_dynamic",
        file="model.onnx",
        bytes=4_500_000,
        threads=1,
        tool="edgebert 0.1.0",
        startup=Startup(100.0, 50.0, 150.0, 20.0, 3.0, 173.0),
        memory=Memory(1_000_000, 2_000_000, 3_000_000, 4_000_000, 50_000_000, 61_300_000),
        text_to_answer=timing(20, 4.0),
        lengths=(timing(8, 2.0), timing(16, 250.0)),
        conditions=Conditions((), None, None, None, ()),
        sustained=(),
        energy=None,
        operators=None,
        facts=facts(tmp_path),
    )


def model(name: str) -> Model:
    artifact = Artifact("onnx", "int8_dynamic", 4_500_000, {"embeddings": 4_000_000}, 1.0, 60, None)
    return Model(
        name, f"models/{name}", "classification", 64, None, 90, 10, (artifact,), None, None
    )


def profile_of(*measurements: Measurement, skipped: tuple[Skipped, ...] = ()) -> Profile:
    """Each measurement as of the model that its path ends with, all on one device."""
    names = [Path(each.bundle).name for each in measurements]
    results = [Result("local", name, each) for name, each in zip(names, measurements, strict=True)]
    models = [model(name) for name in dict.fromkeys(names)]
    return Profile.of([Machine("local", "local")], models, results, skipped)


def row(text: str, title: str, place: int = 0) -> list[str]:
    lines = next(part for part in text.split("\n\n") if part.startswith(title)).splitlines()
    return lines[3 + place].split()


def test_figures_stand_in_their_columns(measurement: Measurement) -> None:
    text = as_text(profile_of(measurement))
    artifact = ["onnx", "int8_dynamic", "1"]
    figures = ["4.5", "150", "20.0", "3.00", "173", "50.0", "61.3"]
    assert row(text, "Start-up") == [*artifact, *figures]
    latencies = ["2.00/2.00/2.00", "250/250/250", "4.00/4.00/4.00"]
    assert row(text, "Latency") == [*artifact, *latencies]
    assert row(text, "Sentences") == [*artifact, "500", "4.00", "250"]
    for absent in ("Not measured", "Running", "Energy", "Where", "texts in one call", "Device"):
        assert absent not in text


def test_artifacts_stand_under_each_other(measurement: Measurement) -> None:
    other = replace(
        measurement,
        bundle="models/other",
        threads=4,
        startup=Startup(None, 50.0, None, 20.0, 3.0, None),
        memory=Memory(),
        lengths=measurement.lengths[:1],
        text_to_answer=None,
    )
    text = as_text(profile_of(measurement, other))
    assert row(text, "Start-up", 0)[:4] == ["small", "onnx", "int8_dynamic", "1"]
    assert row(text, "Start-up", 1)[3:] == ["4", "4.5", "-", "20.0", "3.00", "-", "-", "-"]
    assert row(text, "Latency", 1)[4:] == ["2.00/2.00/2.00", "-", "-"]


def test_a_mark_stands_beside_the_figure_and_is_spelled_out(measurement: Measurement) -> None:
    marks = ("throttled since the start", "others used 40% of the time")
    noisy = replace(measurement, conditions=Conditions((), None, 0.4, None, marks))
    text = as_text(profile_of(measurement, replace(noisy, threads=2)))
    assert row(text, "Latency", 0)[3:] == ["2.00/2.00/2.00", "250/250/250", "4.00/4.00/4.00"]
    assert row(text, "Latency", 1)[3:] == ["2.00/2.00/2.00!", "250/250/250!", "4.00/4.00/4.00!"]
    said = (
        "\n! onnx int8_dynamic, 2 threads: throttled since the start; others used 40% of the time\n"
    )
    assert said in text


def test_how_sure_a_median_is(measurement: Measurement) -> None:
    wide = replace(measurement.lengths[0], interval_ms=(1.8, 2.4))
    few = replace(measurement.lengths[1], interval_ms=None)
    unsure = replace(measurement, lengths=(wide, few))
    text = as_text(profile_of(unsure))
    assert row(text, "Latency")[3:] == ["2.00/2.00/2.00~", "250/250/250~", "4.00/4.00/4.00"]
    assert (
        "\n~ onnx int8_dynamic: p50 within ±20 % at 8 tokens; too few runs to tell how precise p50 "
        "is at 16 tokens\n" in text
    )
    assert "±20 %" not in as_text(profile_of(unsure), precision=0.25)


def test_batches_have_a_table_of_their_own(measurement: Measurement) -> None:
    both = replace(measurement, lengths=(timing(8, 2.0), timing(8, 5.0, 4)))
    text = as_text(profile_of(measurement, replace(both, threads=2)))
    assert row(text, "Latency in ms by tokens: ", 1)[3:] == [
        "2.00/2.00/2.00",
        "-",
        "4.00/4.00/4.00",
    ]
    assert row(text, "Latency in ms by tokens × texts")[2:] == ["2", "5.00/5.00/5.00"]
    assert row(text, "Sentences a second, by the mean, by tokens × texts")[2:] == ["2", "800"]


def test_what_heat_and_energy_and_operators_did(measurement: Measurement) -> None:
    full = replace(
        measurement,
        sustained=(
            Stretch(1.0, 90, 2.0, 2.1, 2400.0, 50.0), Stretch(3.0, 70, 2.5, 2.6, 1800.0, 81.0)
        ),
        energy=Energy("RAPL package-0", 12.0, 4.0, 3000),
        operators=OperatorProfile(
            16,
            (
                Operator("attention", "MatMul", 4, 1.0),
                Operator("feed-forward", "MatMul", 2, 0.5),
                Operator("attention", "Softmax", 1, 0.25),
            ),
            None,
        ),
    )  # fmt: skip
    text = as_text(profile_of(full))
    shown = [
        "3.00",
        "2.00",
        "2.50",
        "+25.0",
        "%",
        "2.50",
        "50.0",
        "to",
        "81.0",
        "1800",
        "to",
        "2400",
    ]
    assert row(text, "Running without rest")[3:] == shown
    assert row(text, "Energy")[3:] == ["4.00", "3.00", "4.00", "RAPL", "package-0"]
    assert row(text, "Where the time")[3:] == ["16", "1.25", "0.500", "1.75"]


def test_why_there_are_no_operators(measurement: Measurement) -> None:
    nothing = replace(measurement, operators=OperatorProfile(16, (), "it has no profiler"))
    text = as_text(profile_of(nothing))
    assert "\nNo operators of onnx int8_dynamic: it has no profiler\n" in text
    assert "Where the time" not in text


def test_devices_come_one_after_another(measurement: Measurement) -> None:
    first = profile_of(measurement)
    kitchen = Machine("kitchen", "ssh://pi@kitchen", "emulated")
    unused = Machine("phone", "adb:0123")
    both = replace(
        first,
        devices=(*first.devices, kitchen, unused),
        results=(*first.results, replace(first.results[0], device="kitchen")),
        skipped=(Skipped("phone", "small", Settings("tflite"), "it is off"),),
    )
    text = as_text(both)
    assert text.startswith("Device local\n\nStart-up")
    assert "\n\nDevice kitchen (ssh://pi@kitchen): emulated\n\nStart-up" in text
    assert text.count("Start-up") == text.count("\nMachine") == 2
    assert text.endswith("Not measured\nphone: tflite: it is off")


def test_what_was_skipped_is_said_once(measurement: Measurement) -> None:
    skipped = tuple(
        Skipped("local", "small", Settings("tflite", "int8_dynamic", count), "not there; run: pip")
        for count in (1, 2)
    )
    assert as_text(profile_of(measurement, skipped=skipped)).endswith(
        "Not measured\ntflite int8_dynamic: not there; run: pip"
    )


def test_names_cannot_move_the_cursor(measurement: Measurement) -> None:
    name = "\x1b[2Jsmall\n\u202e"
    bad = replace(
        measurement,
        bundle=f"models/{name}",
        conditions=Conditions((), None, None, None, ("\x1b[31m",)),
        operators=OperatorProfile(16, (), "\x07"),
    )
    skipped = Skipped("local", name, Settings("tflite"), "\x1b]0;")
    text = as_text(profile_of(bad, replace(measurement), skipped=(skipped,)))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\\x1b[2Jsmall\\n" in text


def test_the_machine_in_a_few_lines(measurement: Measurement) -> None:
    pi = replace(
        measurement.facts,
        board="Raspberry Pi 5 Model B Rev 1.0",
        cpu="Cortex-A76",
        architecture="aarch64",
        cores=4,
        available_processors=4,
        dot_product=True,
        i8mm=False,
        governor="ondemand",
        frequency_mhz=2400.0,
        temperature_celsius=61.25,
        throttling=(),
        memory_bytes=4_238_688_256,
        libraries={"numpy": "2.0.0"},
    )
    text = as_text(profile_of(replace(measurement, facts=pi)))
    assert "Machine   Raspberry Pi 5 Model B Rev 1.0, Cortex-A76, aarch64\n" in text
    assert "Processor cores: 4, processors available: 4, dot product, no i8mm\n" in text
    assert "Clock     governor ondemand, 2400 MHz, 61.2 °C, not throttled\n" in text
    assert "Memory    4239 MB\n" in text
    assert text.endswith("numpy 2.0.0")


def test_a_machine_that_tells_nothing_has_fewer_lines(measurement: Measurement) -> None:
    text = as_text(profile_of(measurement))
    assert "None" not in text
    assert "\nClock" not in text
    assert "\nMemory  " not in text


def test_json_has_each_measurement_as_the_device_gave_it(measurement: Measurement) -> None:
    skipped = Skipped("local", "small", Settings("tflite"), "not there")
    profile = profile_of(measurement, skipped=(skipped,))
    data = json.loads(json.dumps(as_json(profile)))
    assert list(data) == [each.name for each in dataclasses.fields(Profile)]
    assert data["results"][0]["measurement"] == json.loads(measurement.to_json())
    assert data["skipped"][0]["settings"]["backend"] == "tflite"
    assert data["skipped"][0]["reason"] == "not there"


def test_a_real_profile_has_every_table(full_profile: Profile) -> None:
    text = as_text(full_profile)
    for title in ("Latency in ms by tokens × texts", "Running", "Energy", "Where", "Not measured"):
        assert f"\n{title}" in text
    assert text.count("\nMachine") == 3
