"""A profile as CSV (RFC 4180): a row for each device, artifact, threads, tokens and batch."""

from __future__ import annotations

import csv
import io
import re

from edgebert.profiler import derived
from edgebert.profiler.profile import Profile, Result
from edgebert_runtime.measurement import Timing

COLUMNS = (
    "device", "model", "backend", "recipe", "threads", "input", "tokens", "batch", "runs", "p50_ms",
    "p50_low_ms", "p50_high_ms", "p90_ms", "p99_ms", "mean_ms", "standard_deviation_ms",
    "sentences_per_second", "import_ms", "load_ms", "first_answer_ms", "to_first_answer_ms",
    "steady_bytes", "peak_bytes", "artifact_bytes", "device_bytes", "agreement", "score",
    "joules_per_1000_sentences", "cpu", "temperature_celsius", "marks", "tool", "created",
)  # fmt: skip
"""`input` is "ids" for the model alone, "text" for a sentence that is tokenized and answered."""

_FORMULA = re.compile(r"\s*[=+\-@\t\r]")
"""What a spreadsheet may take for something to execute (OWASP, "CSV Injection")."""
_UNENCODABLE = re.compile("[\ud800-\udfff]")


def render(profile: Profile) -> bytes:
    """The content of the file, in UTF-8. What isn't known is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for result in profile.results:
        measured = result.measurement
        for timing in (*derived.alone(result), *derived.batched(result)):
            writer.writerow(map(_cell, _row(profile, result, "ids", timing)))
        if measured.text_to_answer is not None:
            writer.writerow(map(_cell, _row(profile, result, "text", measured.text_to_answer)))
    return text.getvalue().encode("utf-8")


def _row(
    profile: Profile, result: Result, given: str, timing: Timing
) -> tuple[str | float | None, ...]:
    measured = result.measurement
    startup, memory, energy = measured.startup, measured.memory, measured.energy
    artifact = derived.artifact_of(profile, result)
    low, high = timing.interval_ms or (None, None)
    return (
        result.device, result.model, measured.backend, measured.recipe, measured.threads, given,
        timing.tokens, timing.batch, timing.runs, timing.p50_ms, low, high, timing.p90_ms,
        timing.p99_ms, timing.mean_ms, timing.standard_deviation_ms, timing.sentences_per_second,
        startup.import_ms, startup.load_ms, startup.first_answer_ms, startup.to_first_answer_ms,
        memory.steady_bytes, memory.peak_bytes, measured.bytes,
        derived.device_bytes(profile, result),
        None if artifact is None else artifact.agreement,
        None if artifact is None else artifact.score,
        None if energy is None else derived.joules_per_thousand(energy),
        measured.facts.cpu, measured.facts.temperature_celsius,
        "; ".join(measured.conditions.marks), measured.tool, profile.created,
    )  # fmt: skip


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    # Half of a pair has no UTF-8; a zero byte ends a file for some readers.
    shown = _UNENCODABLE.sub("\ufffd", value).replace("\0", "\ufffd")
    return f"'{shown}" if _FORMULA.match(shown) else shown
