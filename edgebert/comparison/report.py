"""A comparison as one JSON document, as a table for a terminal, and as what a plot shows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from edgebert.comparison import pareto
from edgebert.comparison.latency import Latency, Plan
from edgebert.comparison.scoring import AGREEMENT, Scores, main_figure
from edgebert.comparison.selection import Candidate
from edgebert.profiler.report import figure, machine, megabytes
from edgebert.table import render
from edgebert_runtime.measurement import Measurement

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Compared:
    """An artifact that was scored and measured."""

    candidate: Candidate
    scores: Scores
    measurements: tuple[Measurement, ...]
    """One a round; at least one."""

    @property
    def latency(self) -> Latency:
        """The medians of the rounds."""
        return Latency.of(self.measurements)


@dataclass(frozen=True)
class Skipped:
    """An artifact that was not measured, and why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class Comparison:
    """All that was found out, fastest artifact first."""

    task: str
    examples: int | None
    """Rows with labels; None where the manifests' agreement stands for a score."""
    data: str | None
    plan: Plan
    compared: tuple[Compared, ...]
    skipped: tuple[Skipped, ...]

    @property
    def score_name(self) -> str:
        """The figure that the artifacts are compared by."""
        return main_figure(self.task, labelled=self.examples is not None)

    def front(self) -> list[bool]:
        """For each of `compared`, whether it is on the Pareto front."""
        return pareto.front(
            [
                pareto.Figures(
                    each.scores[self.score_name],
                    each.latency.p50_ms,
                    each.candidate.device_bytes,
                )
                for each in self.compared
            ]
        )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """What `json.dumps` takes."""
    facts = dataclasses.asdict(comparison.compared[-1].measurements[-1].facts)
    return {
        "schema_version": SCHEMA_VERSION,
        "task": comparison.task,
        "score": comparison.score_name,
        "data": comparison.data,
        "examples": comparison.examples,
        **dataclasses.asdict(comparison.plan),
        "artifacts": [
            _artifact(each, comparison, on_front)
            for each, on_front in zip(comparison.compared, comparison.front(), strict=True)
        ],
        "skipped": [
            {**_identity(each.candidate), "reason": each.reason} for each in comparison.skipped
        ],
        "machine": {**facts, "libraries": _libraries(comparison)},
    }


def _identity(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "bundle": str(candidate.bundle.path),
        "backend": candidate.artifact.backend,
        "recipe": candidate.artifact.recipe,
    }


def _artifact(each: Compared, comparison: Comparison, on_front: bool) -> dict[str, Any]:
    latency = each.latency
    return {
        **_identity(each.candidate),
        "scores": each.scores,
        "run_as_tokens": each.candidate.signature(comparison.plan.tokens),
        **dataclasses.asdict(latency),
        "spread": latency.spread,
        "bytes": each.candidate.artifact.bytes,
        "device_bytes": each.candidate.device_bytes,
        "pareto": on_front,
    }


def _libraries(comparison: Comparison) -> dict[str, str]:
    return {
        name: version
        for each in comparison.compared
        for name, version in each.measurements[-1].facts.libraries.items()
    }


def as_text(comparison: Comparison) -> str:
    """The table, what its columns count, what was left out, and the machine. MB are 10^6 bytes."""
    headers = (
        "artifact", comparison.score_name, "p50 ms", "p90 ms", "spread", "text to answer ms", "MB",
        "device MB", "peak MB", "Pareto",
    )  # fmt: skip
    rows = [
        _row(each, comparison.score_name, on_front)
        for each, on_front in zip(comparison.compared, comparison.front(), strict=True)
    ]
    parts = [render(headers, rows), "\n".join(_notes(comparison))]
    if comparison.skipped:
        reasons = [f"{each.candidate.name}: {each.reason}" for each in comparison.skipped]
        parts.append("\n".join(["Not measured", *reasons]))
    measurements = [each.measurements[-1] for each in comparison.compared]
    return "\n\n".join([*parts, "\n".join(machine(measurements))])


def _row(each: Compared, score: str, on_front: bool) -> tuple[str, ...]:
    latency = each.latency
    return (
        each.candidate.name,
        f"{each.scores[score]:.4f}",
        figure(latency.p50_ms),
        figure(latency.p90_ms),
        f"{latency.spread:.0%}",
        figure(latency.text_to_answer_p50_ms),
        megabytes(each.candidate.artifact.bytes),
        megabytes(each.candidate.device_bytes),
        "-" if latency.peak_bytes is None else megabytes(round(latency.peak_bytes)),
        "*" if on_front else "",
    )


def score_meaning(comparison: Comparison) -> str:
    """The score and what it was taken from."""
    if comparison.examples is None:
        return f"agreement with its own float model ({AGREEMENT[comparison.task]})"
    return f"{comparison.score_name} on {comparison.data}, {comparison.examples:,} rows"


def conditions(plan: Plan) -> str:
    """What latency was measured, and how often."""
    return (
        f"{plan.tokens} tokens, threads: {plan.threads}, median of {plan.rounds} "
        f"round{'s' * (plan.rounds > 1)}"
    )


def padded(comparison: Comparison) -> list[Compared]:
    """Those that run the tokens as more, for want of a signature of that length."""
    tokens = comparison.plan.tokens
    return [each for each in comparison.compared if each.candidate.signature(tokens) != tokens]


def _notes(comparison: Comparison) -> list[str]:
    tokens = comparison.plan.tokens
    return [
        f"Score: {score_meaning(comparison)}",
        f"Latency: {conditions(comparison.plan)}; spread: from the fastest round to the slowest",
        *(
            f"  {each.candidate.name} runs {tokens} tokens as {each.candidate.signature(tokens)}, "
            "its smallest signature that holds them"
            for each in padded(comparison)
        ),
        "Device MB: artifact, tokenizer and manifest; peak MB: memory of its process",
        f"Pareto: * where none is at least as good in {comparison.score_name}, p50 and device MB, "
        "and better in one",
    ]
