"""Measurements as one JSON document, and as tables for a terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgebert.table import render
from edgebert_runtime.hardware import Facts
from edgebert_runtime.measurement import Measurement, Settings, Timing

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Skipped:
    """An artifact that was not measured, and why."""

    bundle: str
    settings: Settings
    reason: str


def as_json(measurements: Sequence[Measurement], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """What `json.dumps` takes; each measurement as the benchmark on the device printed it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "measurements": [dataclasses.asdict(each) for each in measurements],
        "skipped": [dataclasses.asdict(each) for each in skipped],
    }


def as_text(measurements: Sequence[Measurement], skipped: Sequence[Skipped]) -> str:
    """Tables of start-up, latency and throughput, then the machine. MB are 10^6 bytes."""
    parts = []
    if measurements:
        parts = [
            "Start-up and memory\n" + _startup_table(measurements),
            "Latency in ms by tokens: p50/p90/p99\n" + _by_length(measurements, _percentiles),
            "Sentences a second by tokens\n" + _by_length(measurements, _throughput),
            "\n".join(machine(measurements)),
        ]
    if skipped:
        # What is missing is missing for every thread count: said once.
        reasons = dict.fromkeys(
            f"{each.settings.backend} {each.settings.recipe}: {each.reason}" for each in skipped
        )
        parts.append("\n".join(["Not measured", *reasons]))
    return "\n\n".join(parts)


def _startup_table(measurements: Sequence[Measurement]) -> str:
    headers = (
        "artifact", "threads", "size MB", "import ms", "load ms", "first answer ms",
        "start to answer ms", "peak MB",
    )  # fmt: skip
    rows = [
        (
            label,
            str(each.threads),
            megabytes(each.bytes),
            figure(each.startup.import_ms),
            figure(each.startup.load_ms),
            figure(each.startup.first_answer_ms),
            figure(each.startup.to_first_answer_ms),
            megabytes(each.memory.peak_bytes),
        )
        for label, each in zip(_labels(measurements), measurements, strict=True)
    ]
    return render(headers, rows)


def _by_length(measurements: Sequence[Measurement], cell: Callable[[Timing], str]) -> str:
    """A row for each artifact and thread count, a column for each length, and the sentence."""
    lengths = sorted({timing.tokens for each in measurements for timing in each.lengths})
    rows = []
    for label, each in zip(_labels(measurements), measurements, strict=True):
        cells = {timing.tokens: cell(timing) for timing in each.lengths}
        rows.append(
            (
                label,
                str(each.threads),
                *(cells.get(length, "-") for length in lengths),
                cell(each.text_to_answer),
            )
        )
    return render(("artifact", "threads", *map(str, lengths), "text to answer"), rows)


def _labels(measurements: Sequence[Measurement]) -> list[str]:
    several = len({each.bundle for each in measurements}) > 1
    return [
        f"{each.bundle} {each.backend} {each.recipe}"
        if several
        else f"{each.backend} {each.recipe}"
        for each in measurements
    ]


def _percentiles(timing: Timing) -> str:
    return "/".join(map(figure, (timing.p50_ms, timing.p90_ms, timing.p99_ms)))


def _throughput(timing: Timing) -> str:
    return figure(timing.sentences_per_second)


def machine(measurements: Sequence[Measurement]) -> list[str]:
    """The machine as it was after the last measurement, with the libraries of all of them."""
    facts = measurements[-1].facts
    libraries = {
        name: version for each in measurements for name, version in each.facts.libraries.items()
    }
    lines: dict[str, list[str | None]] = {
        "Machine": [facts.board, facts.cpu, facts.architecture],
        "Processor": _processor(facts),
        "Clock": _clock(facts),
        "Memory": [
            _known("{:.0f} MB", facts.memory_bytes, 1e6),
            _known("{:.0f} MB available", facts.available_memory_bytes, 1e6),
        ],
        "Software": [
            facts.operating_system,
            f"kernel {facts.kernel}",
            f"Python {facts.python} ({facts.python_bits}-bit)",
            *(f"{name} {version}" for name, version in libraries.items()),
        ],
    }
    told = {name: ", ".join(value for value in values if value) for name, values in lines.items()}
    return [f"{name:<10}{values}" for name, values in told.items() if values]


def _processor(facts: Facts) -> list[str | None]:
    features = {"dot product": facts.dot_product, "i8mm": facts.i8mm, "SVE": facts.sve}
    return [
        _known("cores: {:.0f}", facts.cores),
        f"processors available: {facts.available_processors}",
        *(name if has else f"no {name}" for name, has in features.items() if has is not None),
    ]


def _clock(facts: Facts) -> list[str | None]:
    throttling = facts.throttling
    return [
        facts.governor and f"governor {facts.governor}",
        _known("{:.0f} MHz", facts.frequency_mhz),
        _known("{:.0f} MHz at most", facts.max_frequency_mhz),
        _known("{:.1f} °C", facts.temperature_celsius),
        None if throttling is None else ", ".join(throttling) or "not throttled",
    ]


def _known(template: str, value: float | None, divisor: float = 1) -> str | None:
    return None if value is None else template.format(value / divisor)


def megabytes(count: int | None) -> str:
    """In 10^6 bytes, to a tenth."""
    return "-" if count is None else f"{count / 1e6:.1f}"


def figure(value: float | None) -> str:
    """Three significant digits, and all of those before the point."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
