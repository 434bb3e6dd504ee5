"""What follows from a profile's figures, and the names that reports give to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgebert.profiler.profile import Artifact, Model, Profile, Result
from edgebert_runtime.measurement import PARTS, Energy, OperatorProfile, Settings, Timing

PRECISION = Settings(backend="").precision
"""Share of a median beyond which its confidence interval is worth a word."""
_TYPICAL_TOKENS = 32
"""Of a sentence or two."""


@dataclass(frozen=True)
class Names:
    """How reports name results: by no more than what tells them apart."""

    several_devices: bool
    several_models: bool
    several_threads: bool

    @classmethod
    def of(cls, profile: Profile) -> Names:
        """What differs in a profile."""
        return cls(
            len(profile.devices) > 1,
            len(profile.models) > 1,
            len({each.measurement.threads for each in profile.results}) > 1,
        )

    def artifact(self, model: str, artifact: str) -> str:
        """An artifact, whatever it runs on."""
        return f"{model} {artifact}" if self.several_models else artifact

    def on_device(self, result: Result) -> str:
        """A result among those of its device."""
        name = self.artifact(result.model, result.artifact)
        return f"{name}, {threads(result)}" if self.several_threads else name

    def full(self, result: Result) -> str:
        """A result among all."""
        name = self.on_device(result)
        return f"{result.device}: {name}" if self.several_devices else name


def threads(result: Result) -> str:
    """As in "2 threads"."""
    count = result.measurement.threads
    return f"{count} thread" if count == 1 else f"{count} threads"


def artifact_of(profile: Profile, result: Result) -> Artifact | None:
    """What the manifest says of a result's artifact; None if it isn't in it."""
    measured = result.measurement
    return profile.model(result.model).artifact(measured.backend, measured.recipe)


def device_bytes(profile: Profile, result: Result) -> int:
    """What a device must hold to run it: artifact, tokenizer and manifest."""
    return profile.model(result.model).device_bytes(result.measurement.bytes)


def typical_tokens(profile: Profile) -> int | None:
    """The measured length that is nearest to a sentence or two; None if there is none."""
    return min(profile.tokens(), key=lambda each: abs(each - _TYPICAL_TOKENS), default=None)


def alone(result: Result) -> list[Timing]:
    """The model alone on one text at a time, by length."""
    timings = (each for each in result.measurement.lengths if each.batch == 1)
    return sorted(timings, key=lambda each: each.tokens)


def batched(result: Result) -> list[Timing]:
    """The model alone on several texts in one call, by length and batch."""
    timings = (each for each in result.measurement.lengths if each.batch > 1)
    return sorted(timings, key=lambda each: (each.tokens, each.batch))


def imprecise(timing: Timing, precision: float = PRECISION) -> bool:
    """Whether the median may be further off than it was asked to be, or nobody knows."""
    return timing.precision is None or timing.precision > precision


def unsure(result: Result, precision: float = PRECISION) -> str:
    """What is imprecise: "p50 within ±5.0 % at 16 tokens"; empty if nothing is."""
    measured = result.measurement
    named = [(_place(each), each) for each in measured.lengths]
    if measured.text_to_answer is not None:
        named.append(("text to answer", measured.text_to_answer))
    wide = [
        f"±{percent(each.precision)} at {place}"
        for place, each in named
        if each.precision is not None and each.precision > precision
    ]
    untold = [(place, each) for place, each in named if each.precision is None]
    few = [place for place, each in untold if each.quantiles_ms]
    unknown = [place for place, each in untold if not each.quantiles_ms]
    said = [f"p50 within {', '.join(wide)}"] * bool(wide)
    said += [f"too few runs to tell how precise p50 is at {', '.join(few)}"] * bool(few)
    said += [f"nobody tells how precise p50 is at {', '.join(unknown)}"] * bool(unknown)
    return "; ".join(said)


def _place(timing: Timing) -> str:
    tokens = f"{timing.tokens} tokens"
    return tokens if timing.batch == 1 else f"{tokens} × {timing.batch}"


def percent(share: float) -> str:
    """Whole per cents; below ten with a tenth."""
    return f"{100 * share:.{0 if abs(share) >= 0.0995 else 1}f} %"


@dataclass(frozen=True)
class Surprise:
    """An artifact with fewer bits that takes longer than float32 with the same library."""

    result: Result
    plain: Result
    """Of float32, on the same device, of the same model, with as many threads."""
    tokens: int
    """The longest measured length at which it is so."""
    times: float
    """Its median over float32's."""

    @property
    def said(self) -> str:
        """The surprise, and what follows from it."""
        return (
            f"{self.times:.1f} times as slow as {self.plain.artifact} at {self.tokens} tokens: "
            "fewer bits gain no speed on this device"
        )


def surprises(results: Sequence[Result]) -> Iterator[Surprise]:
    """Those whose confidence intervals of the median lie wholly above float32's."""
    for result in results:
        measured = result.measurement
        for plain in results:
            other = plain.measurement
            same = (result.device, result.model) == (plain.device, plain.model)
            same = same and (measured.backend, measured.threads) == (other.backend, other.threads)
            if not same or other.recipe != "float32" or measured.recipe == "float32":
                continue
            plainly = {each.tokens: each for each in alone(plain)}
            slower = [
                (each.tokens, each.p50_ms / plainly[each.tokens].p50_ms)
                for each in alone(result)
                if each.tokens in plainly and reach(each)[0] > reach(plainly[each.tokens])[-1]
            ]
            if slower:
                yield Surprise(result, plain, *slower[-1])


def reach(timing: Timing) -> tuple[float, ...]:
    """Of the median; of too few runs all of them, and where nobody tells it the median alone."""
    if timing.interval_ms is not None:
        return timing.interval_ms
    return timing.quantiles_ms[:1] + timing.quantiles_ms[-1:] or (timing.p50_ms, timing.p50_ms)


def parts(operators: OperatorProfile) -> dict[str, float]:
    """Milliseconds of one run by part of the model, in the model's order; what took none is out."""
    names = [*PARTS, *(each.part for each in operators.operators if each.part not in PARTS)]
    found = {
        name: sum(each.milliseconds for each in operators.operators if each.part == name)
        for name in dict.fromkeys(names)
    }
    return {name: time for name, time in found.items() if time > 0}


def joules_per_thousand(energy: Energy) -> float:
    """Joules for a thousand sentences."""
    return 1000 * energy.joules / energy.sentences


def components(model: Model, artifact: Artifact) -> dict[str, int]:
    """Bytes on a device by what they are; together `Model.device_bytes`."""
    weights = {name.replace("_", "-"): size for name, size in artifact.components.items()}
    graph = artifact.bytes - sum(artifact.components.values())
    # A file may share weights between parts.
    rest = {"graph": max(0, graph), "tokenizer": model.tokenizer_bytes}
    return {**weights, **rest, "manifest": model.manifest_bytes}


def facts_known(values: Iterable[float | None]) -> tuple[float, float] | None:
    """The least and the most of what is known; None for nothing."""
    known = [each for each in values if each is not None]
    return (min(known), max(known)) if known else None


def marked(results: Sequence[Result]) -> Iterator[Result]:
    """Results that something makes doubtful."""
    return (each for each in results if each.measurement.conditions.marks)
