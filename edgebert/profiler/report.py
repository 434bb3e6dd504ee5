"""A profile as tables for a terminal, and as what JSON holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from edgebert.escaping import printable
from edgebert.profiler import derived
from edgebert.profiler.derived import Names
from edgebert.profiler.profile import Machine, Profile, Result
from edgebert.table import render
from edgebert_runtime.hardware import Facts
from edgebert_runtime.measurement import PARTS, Measurement, Timing


def as_json(profile: Profile) -> dict[str, Any]:
    """What `json.dumps` takes; each measurement as the device gave it."""
    return dataclasses.asdict(profile)


def as_text(profile: Profile, precision: float = derived.PRECISION) -> str:
    """Tables of start-up, latency and throughput for each device, then the machine.

    MB are 10^6 bytes. "!" beside a figure is a mark that is spelled out below, "~" a median whose
    confidence interval reaches further than `precision`, a share of it.
    """
    names = Names.of(profile)
    parts = []
    for device in profile.devices:
        results = profile.on(device.name)
        if results:
            title = [_title(device)] if names.several_devices or device.remark else []
            parts += [*title, *_device(results, names, precision)]
    if profile.skipped:
        parts.append("\n".join(["Not measured", *skipped(profile)]))
    return "\n\n".join(parts)


def _title(device: Machine) -> str:
    title = f"Device {device.name}"
    if device.address != device.name:
        title += f" ({device.address})"
    return title if device.remark is None else f"{title}: {device.remark}"


def _device(results: Sequence[Result], names: Names, precision: float) -> list[str]:
    """Everything of one device, in paragraphs."""

    def percentiles(result: Result, timing: Timing) -> str:
        figures = "/".join(map(figure, (timing.p50_ms, timing.p90_ms, timing.p99_ms)))
        sure = "~" if derived.imprecise(timing, precision) else ""
        return f"{figures}{sure}{_mark(result)}"

    def throughput(result: Result, timing: Timing) -> str:
        return f"{figure(timing.sentences_per_second)}{_mark(result)}"

    tables = {
        "Start-up and memory": _startup_table(results, names),
        "Latency in ms by tokens: p50/p90/p99": _by_length(results, names, percentiles),
        "Sentences a second, by the mean, by tokens": _by_length(results, names, throughput),
        "Latency in ms by tokens × texts in one call: p50/p90/p99": _by_batch(
            results, names, percentiles
        ),
        "Sentences a second, by the mean, by tokens × texts in one call": _by_batch(
            results, names, throughput
        ),
        "Running without rest at the longest length": _sustained_table(results, names),
        "Energy, of all that the meter counts": _energy_table(results, names),
        "Where the time of a run goes, in ms, with the profiler of the library on": _operator_table(
            results, names
        ),
    }
    paragraphs = [f"{title}\n{table}" for title, table in tables.items() if table]
    if notes := _notes(results, names, precision):
        paragraphs.append("\n".join(notes))
    paragraphs.append("\n".join(machine([each.measurement for each in results])))
    return paragraphs


def _mark(result: Result) -> str:
    return "!" if result.measurement.conditions.marks else ""


def _named(results: Sequence[Result], names: Names) -> list[tuple[Result, tuple[str, str]]]:
    return [
        (each, (names.artifact(each.model, each.artifact), str(each.measurement.threads)))
        for each in results
    ]


def _startup_table(results: Sequence[Result], names: Names) -> str:
    headers = (
        "artifact", "threads", "size MB", "import ms", "load ms", "first answer ms",
        "start to answer ms", "steady MB", "peak MB",
    )  # fmt: skip
    rows = []
    for result, label in _named(results, names):
        each = result.measurement
        times = (
            each.startup.import_ms,
            each.startup.load_ms,
            each.startup.first_answer_ms,
            each.startup.to_first_answer_ms,
        )
        memory = map(megabytes, (each.memory.steady_bytes, each.memory.peak_bytes))
        rows.append((*label, megabytes(each.bytes), *map(figure, times), *memory))
    return render(headers, rows)


def _by_length(
    results: Sequence[Result], names: Names, cell: Callable[[Result, Timing], str]
) -> str:
    """A row for each artifact and thread count, a column for each length, and the sentence."""
    lengths = sorted({timing.tokens for each in results for timing in derived.alone(each)})
    rows = []
    for result, label in _named(results, names):
        cells = {timing.tokens: cell(result, timing) for timing in derived.alone(result)}
        answer = result.measurement.text_to_answer
        whole = "-" if answer is None else cell(result, answer)
        rows.append((*label, *(cells.get(length, "-") for length in lengths), whole))
    return render(("artifact", "threads", *map(str, lengths), "text to answer"), rows)


def _by_batch(
    results: Sequence[Result], names: Names, cell: Callable[[Result, Timing], str]
) -> str:
    """The same for several texts in one call; nothing if none were measured."""
    kinds = sorted(
        {(timing.tokens, timing.batch) for r in results for timing in derived.batched(r)}
    )
    if not kinds:
        return ""
    rows = []
    for result, label in _named(results, names):
        cells = {(each.tokens, each.batch): cell(result, each) for each in derived.batched(result)}
        if cells:
            rows.append((*label, *(cells.get(kind, "-") for kind in kinds)))
    columns = (f"{tokens} × {batch}" for tokens, batch in kinds)
    return render(("artifact", "threads", *columns), rows)


def _sustained_table(results: Sequence[Result], names: Names) -> str:
    headers = (
        "artifact", "threads", "seconds", "first p50 ms", "last p50 ms", "change", "slowest p50 ms",
        "°C", "MHz",
    )  # fmt: skip
    rows = []
    for result, label in _named(results, names):
        if stretches := result.measurement.sustained:
            first, last = stretches[0].p50_ms, stretches[-1].p50_ms
            rows.append(
                (
                    *label,
                    figure(stretches[-1].seconds),
                    figure(first),
                    figure(last) + _mark(result),
                    f"{100 * (last / first - 1):+.1f} %",
                    figure(max(each.p50_ms for each in stretches)),
                    between([each.temperature_celsius for each in stretches]),
                    between([each.frequency_mhz for each in stretches]),
                )
            )
    return render(headers, rows) if rows else ""


def _energy_table(results: Sequence[Result], names: Names) -> str:
    headers = ("artifact", "threads", "J per 1,000 sentences", "W", "seconds", "meter")
    rows = [
        (
            *label,
            figure(derived.joules_per_thousand(energy)) + _mark(result),
            figure(energy.joules / energy.seconds) if energy.seconds > 0 else "-",
            figure(energy.seconds),
            energy.meter,
        )
        for result, label in _named(results, names)
        if (energy := result.measurement.energy) is not None
    ]
    return render(headers, rows) if rows else ""


def _operator_table(results: Sequence[Result], names: Names) -> str:
    """A column for each part of the model; why there is nothing is said in the notes."""
    found = {
        result.key: (profile, derived.parts(profile))
        for result in results
        if (profile := result.measurement.operators) is not None and profile.operators
    }
    shown = [part for part in PARTS if any(part in times for _, times in found.values())]
    rows = []
    for result, label in _named(results, names):
        if result.key in found:
            profile, times = found[result.key]
            cells = (figure(times.get(part)) for part in shown)
            rows.append(
                (*label, str(profile.tokens), *cells, figure(sum(times.values())) + _mark(result))
            )
    return render(("artifact", "threads", "tokens", *shown, "together"), rows) if rows else ""


def _notes(results: Sequence[Result], names: Names, precision: float) -> list[str]:
    """What the marks beside figures stand for, and what is not as one would expect."""
    notes = [
        f"! {names.on_device(each)}: {'; '.join(each.measurement.conditions.marks)}"
        for each in derived.marked(results)
    ]
    notes += [
        f"~ {names.on_device(each)}: {said}"
        for each in results
        if (said := derived.unsure(each, precision))
    ]
    notes += [f"{names.on_device(each.result)}: {each.said}" for each in derived.surprises(results)]
    reasons: dict[str, None] = dict.fromkeys(
        f"No operators of {each.artifact}: {profile.reason}"
        for each in results
        if (profile := each.measurement.operators) is not None and profile.reason is not None
    )
    return [printable(note) for note in (*notes, *reasons)]


def skipped(profile: Profile) -> dict[str, None]:
    """A line for each artifact that was not measured on a device, with the reason.

    What is missing is missing for every thread count: said once.
    """
    names = Names.of(profile)
    lines = []
    for each in profile.skipped:
        kind = " ".join(filter(None, (each.settings.backend, each.settings.recipe)))
        where = f"{each.device}: " if names.several_devices else ""
        lines.append(printable(f"{where}{names.artifact(each.model, kind)}: {each.reason}"))
    return dict.fromkeys(lines)


def between(values: Sequence[float | None]) -> str:
    """The least and the most: "48.0 to 81.5"."""
    found = derived.facts_known(values)
    if found is None:
        return "-"
    least, most = map(figure, found)
    return least if least == most else f"{least} to {most}"


def machine(measurements: Sequence[Measurement]) -> list[str]:
    """`machine_facts`, a line each."""
    return [f"{name:<10}{values}" for name, values in machine_facts(measurements).items()]


def machine_facts(measurements: Sequence[Measurement]) -> dict[str, str]:
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
            facts.python and f"Python {facts.python} ({facts.python_bits}-bit)",
            *(f"{name} {version}" for name, version in libraries.items()),
        ],
    }
    told = {name: ", ".join(value for value in values if value) for name, values in lines.items()}
    return {name: values for name, values in told.items() if values}


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
