"""How fast each candidate is: in rounds over all of them, so that no moment favours one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from edgebert.comparison.selection import Candidate
from edgebert.profiler import Device, Failure
from edgebert_runtime.errors import DeviceError, InputError, MissingBackendError
from edgebert_runtime.measurement import Measurement, Settings


@dataclass(frozen=True)
class Plan:
    """What is measured, and how long."""

    tokens: int = 32
    """Length of the input, special tokens included."""
    threads: int = 1
    rounds: int = 3
    budget_seconds: float = 6.0
    """For each artifact's repeated runs in all rounds together; start-up comes on top."""

    def check(self, candidates: Sequence[Candidate]) -> None:
        """Refuse a length that one of the models can't look at.

        Raises:
            InputError: naming the bundle with the lowest limit.
        """
        shortest = min(
            (each.bundle for each in candidates), key=lambda each: each.manifest.max_length
        )
        limit = shortest.manifest.max_length
        if self.tokens > limit:
            raise InputError(
                f"tokens: got {self.tokens}, {str(shortest.path)!r} looks at {limit} at most; give "
                f"--tokens {limit} or less"
            )


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one artifact; each figure is the median of its rounds.

    None is what a device doesn't tell.
    """

    p50_ms: float
    """The model alone, from token ids to raw outputs."""
    p90_ms: float | None
    rounds_p50_ms: tuple[float, ...]
    text_to_answer_p50_ms: float | None
    """One English sentence, tokenized and answered."""
    peak_bytes: float | None
    """Resident bytes of the process at most; None where the system doesn't tell."""

    @property
    def spread(self) -> float:
        """Between the rounds' highest and lowest p50, as a share of the median."""
        return (max(self.rounds_p50_ms) - min(self.rounds_p50_ms)) / self.p50_ms

    @classmethod
    def of(cls, rounds: Sequence[Measurement]) -> Latency:
        """The medians of measurements of one length each."""
        timings = [timing for each in rounds for timing in each.lengths]
        answers = [each.text_to_answer for each in rounds]
        return cls(
            statistics.median(timing.p50_ms for timing in timings),
            _median([timing.p90_ms for timing in timings]),
            tuple(timing.p50_ms for timing in timings),
            _median([answer.p50_ms if answer else None for answer in answers]),
            _median([each.memory.peak_bytes for each in rounds]),
        )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def measure(
    candidates: Sequence[Candidate], plan: Plan, device: Device
) -> list[list[Measurement] | Failure]:
    """A measurement of each candidate a round, or what kept it from being measured.

    Every second round goes backwards: a machine that slows down while it warms up slows them alike.
    """
    found: list[list[Measurement] | Failure] = [[] for _ in candidates]
    places = list(range(len(candidates)))
    with tqdm(total=plan.rounds * len(places), disable=None, leave=False) as progress:
        for number in range(plan.rounds):
            for place in reversed(places) if number % 2 else places:
                progress.set_description(
                    f"round {number + 1} of {plan.rounds}: {candidates[place].name}"
                )
                rounds = found[place]
                if isinstance(rounds, list):
                    try:
                        rounds.append(_measure_once(candidates[place], plan, device))
                    except (DeviceError, MissingBackendError) as error:
                        found[place] = error
                progress.update()
    return found


def _measure_once(candidate: Candidate, plan: Plan, device: Device) -> Measurement:
    settings = Settings(
        candidate.artifact.backend,
        candidate.artifact.recipe,
        plan.threads,
        (plan.tokens,),
        plan.budget_seconds / plan.rounds,
    )
    return device.measure(candidate.bundle.path, settings)
