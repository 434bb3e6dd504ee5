import dataclasses
import json
from pathlib import Path

import pytest

from edgebert.profiler.report import Skipped, as_json, as_text
from edgebert_runtime.hardware import facts
from edgebert_runtime.measurement import Measurement, Memory, Settings, Startup
from edgebert_runtime.timing import statistics


@pytest.fixture
def measurement(tmp_path: Path) -> Measurement:
    """Made of round figures, on a machine that tells nothing."""
    return Measurement(
        schema_version=1,
        bundle="models/small",
        backend="onnx",
        recipe="int8_dynamic",
        file="model.onnx",
        bytes=4_500_000,
        threads=1,
        startup=Startup(100.0, 50.0, 150.0, 20.0, 3.0, 173.0),
        memory=Memory(1_000_000, 2_000_000, 3_000_000, 4_000_000, 61_300_000),
        text_to_answer=statistics(20, 3, [4.0, 4.0]),
        lengths=(statistics(8, 3, [2.0, 2.0]), statistics(16, 3, [250.0, 250.0])),
        facts=facts(tmp_path),
    )


def row(text: str, title: str, place: int = 0) -> list[str]:
    lines = next(part for part in text.split("\n\n") if part.startswith(title)).splitlines()
    return lines[3 + place].split()


def test_figures_stand_in_their_columns(measurement: Measurement) -> None:
    text = as_text([measurement], [])
    artifact = ["onnx", "int8_dynamic", "1"]
    figures = ["4.5", "150", "20.0", "3.00", "173", "61.3"]
    assert row(text, "Start-up") == [*artifact, *figures]
    latencies = ["2.00/2.00/2.00", "250/250/250", "4.00/4.00/4.00"]
    assert row(text, "Latency") == [*artifact, *latencies]
    assert row(text, "Sentences") == [*artifact, "500", "4.00", "250"]
    assert "Not measured" not in text


def test_artifacts_stand_under_each_other(measurement: Measurement) -> None:
    other = dataclasses.replace(
        measurement,
        bundle="models/other",
        threads=4,
        startup=Startup(None, 50.0, None, 20.0, 3.0, None),
        memory=Memory(None, None, None, None, None),
        lengths=measurement.lengths[:1],
    )
    text = as_text([measurement, other], [])
    assert row(text, "Start-up", 0)[:4] == ["models/small", "onnx", "int8_dynamic", "1"]
    assert row(text, "Start-up", 1)[3:] == ["4", "4.5", "-", "20.0", "3.00", "-", "-"]
    assert row(text, "Latency", 1)[4:] == ["2.00/2.00/2.00", "-", "4.00/4.00/4.00"]


def test_what_was_skipped_is_said_once(measurement: Measurement) -> None:
    skipped = [
        Skipped("models/small", Settings("tflite", "int8_dynamic", threads), "not there; run: pip")
        for threads in (1, 2)
    ]
    assert as_text([measurement], skipped).endswith(
        "Not measured\ntflite int8_dynamic: not there; run: pip"
    )


def test_the_machine_in_a_few_lines(measurement: Measurement) -> None:
    pi = dataclasses.replace(
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
    text = as_text([dataclasses.replace(measurement, facts=pi)], [])
    assert "Machine   Raspberry Pi 5 Model B Rev 1.0, Cortex-A76, aarch64\n" in text
    assert "Processor cores: 4, processors available: 4, dot product, no i8mm\n" in text
    assert "Clock     governor ondemand, 2400 MHz, 61.2 °C, not throttled\n" in text
    assert "Memory    4239 MB\n" in text
    assert text.endswith("numpy 2.0.0")


def test_a_machine_that_tells_nothing_has_fewer_lines(measurement: Measurement) -> None:
    text = as_text([measurement], [])
    assert "None" not in text
    assert "\nClock" not in text
    assert "\nMemory  " not in text


def test_json_has_each_measurement_as_the_device_gave_it(measurement: Measurement) -> None:
    skipped = Skipped("models/small", Settings("tflite"), "not there")
    data = json.loads(json.dumps(as_json([measurement], [skipped])))
    assert list(data) == ["schema_version", "measurements", "skipped"]
    assert data["schema_version"] == 1
    assert data["measurements"] == [json.loads(measurement.to_json())]
    assert data["skipped"][0]["settings"]["backend"] == "tflite"
    assert data["skipped"][0]["reason"] == "not there"
