"""The best artifact within limits, or which limits rule each one out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgebert_runtime.errors import InputError

if TYPE_CHECKING:
    from edgebert.profiler.profile import Artifact, Model, Profile, Result

PREFERENCES = ("latency", "size", "memory", "drop")
"""By which figure the best of those within limits is taken; others follow in this order."""


@dataclass(frozen=True)
class Limits:
    """What an artifact may take at most; None for no limit."""

    latency_ms: float | None = None
    size_bytes: float | None = None
    memory_bytes: float | None = None
    drop: float | None = None
    """In points: hundredths of the score, or of the answers that agree with the float model."""


@dataclass(frozen=True)
class Option:
    """One artifact with one number of threads, at its worst over all devices."""

    model: str
    backend: str
    recipe: str
    threads: int
    latency_ms: float | None
    """p50 of the model alone; None where a device doesn't tell."""
    size_bytes: int
    """Of artifact, tokenizer and manifest."""
    memory_bytes: int | None
    """At the peak; None where a device doesn't tell."""
    drop: float
    drop_of: str
    """What fell: "accuracy on dev.tsv", or "agreement with the float model"."""
    marks: tuple[str, ...]
    """What makes the latency doubtful."""

    @property
    def name(self) -> str:
        """As tables show it."""
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.model} {self.backend} {self.recipe}, {threads}"

    def ruled_out_by(self, limits: Limits) -> list[str]:
        """The names of the limits that it does not keep, or is not known to keep."""
        figures = {
            "latency": (self.latency_ms, limits.latency_ms),
            "size": (self.size_bytes, limits.size_bytes),
            "memory": (self.memory_bytes, limits.memory_bytes),
            "drop": (self.drop, limits.drop),
        }
        return [
            name if value is not None else f"{name} (unknown)"
            for name, (value, limit) in figures.items()
            if limit is not None and (value is None or value > limit)
        ]


def options(
    profile: Profile, tokens: int, scores: Mapping[tuple[str, str, str], float] | None, data: str
) -> list[Option]:
    """Every artifact that was measured on all devices of the profile.

    Args:
        profile: what was measured.
        tokens: the length that latency is taken at.
        scores: by model, backend and recipe, on rows of one file; drops are from the best of them.
            None for what the manifests say.
        data: name of that file.

    Raises:
        InputError: if nothing was measured at that length.
    """
    if tokens not in profile.tokens():
        held = ", ".join(map(str, profile.tokens()))
        raise InputError(f"tokens: got {tokens}, the profile has {held}; choose one of these")
    groups: dict[tuple[str, str, str, int], list[Result]] = {}
    for result in profile.results:
        measured = result.measurement
        kind = (result.model, measured.backend, measured.recipe, measured.threads)
        groups.setdefault(kind, []).append(result)
    devices = {each.name for each in profile.devices}
    best = max(scores.values()) if scores else 0.0
    found = []
    for (name, backend, recipe, threads), results in groups.items():
        model = profile.model(name)
        artifact = model.artifact(backend, recipe)
        if artifact is None or {each.device for each in results} != devices:
            continue
        if scores is None:
            drop, drop_of = _drop(model, artifact)
        elif (name, backend, recipe) in scores:
            drop, drop_of = 100 * (best - scores[name, backend, recipe]), f"score on {data}"
        else:
            continue
        timings = [each.timing(tokens) for each in results]
        latencies = [timing.p50_ms for timing in timings if timing is not None]
        memories = [each.measurement.memory.peak_bytes for each in results]
        known = [each for each in memories if each is not None]
        found.append(
            Option(
                model=name,
                backend=backend,
                recipe=recipe,
                threads=threads,
                latency_ms=max(latencies) if len(latencies) == len(results) else None,
                size_bytes=model.device_bytes(artifact.bytes),
                memory_bytes=max(known) if len(known) == len(results) else None,
                drop=drop,
                drop_of=drop_of,
                marks=tuple(
                    f"{each.device}: {mark}"
                    for each in results
                    for mark in each.measurement.conditions.marks
                ),
            )
        )
    return found


def _drop(model: Model, artifact: Artifact) -> tuple[float, str]:
    scoring = model.scoring
    if scoring is not None and artifact.score is not None:
        return 100 * (scoring.float_score - artifact.score), f"{scoring.figure} on {scoring.data}"
    return 100 * (1 - artifact.agreement), "agreement with its float model"


def best(found: Sequence[Option], limits: Limits, prefer: str = "latency") -> Option | None:
    """The one within limits that is best by `prefer`; None if there is none."""
    order = (prefer, *(name for name in PREFERENCES if name != prefer))

    def figures(option: Option) -> tuple[float, ...]:
        values = {
            "latency": option.latency_ms,
            "size": option.size_bytes,
            "memory": option.memory_bytes,
            "drop": option.drop,
        }
        return tuple(float("inf") if (each := values[name]) is None else each for name in order)

    within = [option for option in found if not option.ruled_out_by(limits)]
    return min(within, key=figures, default=None)
