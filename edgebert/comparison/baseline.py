"""Two profiles of the same things, before and after: what changed, and by more than noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgebert.profiler import derived
from edgebert.profiler.profile import Profile, Result
from edgebert.profiler.report import figure
from edgebert.table import render
from edgebert_runtime.measurement import Timing, place

_MEMORY_NOISE = 0.02
"""Of pages that a process happens to have in memory."""


@dataclass(frozen=True)
class Change:
    """One figure of one artifact on one device, of which less is better."""

    device: str
    model: str
    artifact: str
    threads: int
    what: str
    """"p50 ms at 32 tokens", "bytes of the artifact", …"""
    old: float
    new: float
    beyond_noise: bool
    """Times: confidence intervals of the medians lie apart. Memory: over 2 %. Sizes: any."""
    marks: tuple[str, ...]
    """What makes either figure doubtful."""

    @property
    def share(self) -> float:
        """Of the old figure; above 0 for what grew."""
        return self.new / self.old - 1


@dataclass(frozen=True)
class Difference:
    """Everything that two profiles share, and what only one of them has."""

    changes: tuple[Change, ...]
    gone: tuple[str, ...]
    """Measured before and not now."""
    added: tuple[str, ...]
    machines: tuple[str, ...]
    """Devices that are another machine now, or have other libraries."""

    def regressions(self, limit: float) -> list[Change]:
        """What grew beyond noise and by more than `limit`, a share."""
        return [each for each in self.changes if each.beyond_noise and each.share > limit]


def difference(old: Profile, new: Profile) -> Difference:
    """Results are the same where device, model, artifact and threads are called the same."""
    before = {each.key: each for each in old.results}
    after = {each.key: each for each in new.results}
    changes = [
        change
        for key, result in after.items()
        if key in before
        for change in _changes(before[key], result)
    ]
    return Difference(
        changes=tuple(changes),
        gone=tuple(
            name
            for key, result in before.items()
            for name in (_lost(result, after[key]) if key in after else [_name(result)])
        ),
        added=tuple(_name(result) for key, result in after.items() if key not in before),
        machines=tuple(
            dict.fromkeys(
                f"{result.device}: {change}"
                for key, result in after.items()
                if key in before
                for change in (
                    *_other_processor(before[key], result),
                    *_libraries(before[key], result),
                )
            )
        ),
    )


def _changes(old: Result, new: Result) -> Iterator[Change]:
    marks = (
        *_other_processor(old, new),
        *(
            f"{when}: {mark}"
            for when, result in (("before", old), ("now", new))
            for mark in result.measurement.conditions.marks
        ),
    )

    def change(what: str, before: float, now: float, beyond_noise: bool) -> Change:
        return Change(
            new.device,
            new.model,
            new.artifact,
            new.measurement.threads,
            what,
            before,
            now,
            beyond_noise,
            marks,
        )

    for what, before, now in _timings(old, new):
        yield change(f"p50 ms, {what}", before.p50_ms, now.p50_ms, _apart(before, now))
    for what, first, second, noise in (
        ("bytes of the artifact", old.measurement.bytes, new.measurement.bytes, 0.0),
        (
            "peak bytes in memory",
            old.measurement.memory.peak_bytes,
            new.measurement.memory.peak_bytes,
            _MEMORY_NOISE,
        ),
    ):
        if first and second:
            yield change(what, first, second, abs(second / first - 1) > noise)


def _other_processor(old: Result, new: Result) -> Iterator[str]:
    before, now = old.measurement.facts, new.measurement.facts
    if (before.board, before.cpu) != (now.board, now.cpu):
        yield f"another processor: {before.cpu or before.board}, now {now.cpu or now.board}"


def _libraries(old: Result, new: Result) -> Iterator[str]:
    before, now = old.measurement.facts.libraries, new.measurement.facts.libraries
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            yield f"{name} {before[name]}, now {now[name]}"


def _timings(old: Result, new: Result) -> Iterator[tuple[str, Timing, Timing]]:
    first, second = old.measurement.text_to_answer, new.measurement.text_to_answer
    if first is not None and second is not None:
        yield "text to answer", first, second
    for now in new.measurement.lengths:
        before = old.timing(now.tokens, now.batch)
        if before is not None:
            yield place(now.tokens, now.batch), before, now


def _lost(old: Result, new: Result) -> Iterator[str]:
    """What was timed before and isn't now."""
    if old.measurement.text_to_answer and not new.measurement.text_to_answer:
        yield f"{_name(old)}, text to answer"
    for each in old.measurement.lengths:
        if new.timing(each.tokens, each.batch) is None:
            yield f"{_name(old)}, {place(each.tokens, each.batch)}"


def _apart(old: Timing, new: Timing) -> bool:
    (old_low, old_high), (new_low, new_high) = derived.reach(old), derived.reach(new)
    return old_high < new_low or new_high < old_low


def _name(result: Result) -> str:
    return (
        f"{result.device}, {result.model} {result.artifact}, threads: {result.measurement.threads}"
    )


def as_json(found: Difference, limit: float) -> dict[str, object]:
    """What `json.dumps` takes."""
    regressions = found.regressions(limit)
    return {
        "limit": limit,
        "changes": [
            {
                "device": each.device,
                "model": each.model,
                "artifact": each.artifact,
                "threads": each.threads,
                "figure": each.what,
                "old": each.old,
                "new": each.new,
                "change": each.share,
                "beyond_noise": each.beyond_noise,
                "regression": each in regressions,
                "marks": list(each.marks),
            }
            for each in found.changes
        ],
        "machines": list(found.machines),
        "gone": list(found.gone),
        "added": list(found.added),
    }


def as_text(found: Difference, limit: float) -> str:
    """A row for each change beyond noise, worst first, and what else there is to know."""
    beyond = sorted(
        (each for each in found.changes if each.beyond_noise), key=lambda each: -each.share
    )
    regressions = found.regressions(limit)
    rows = [
        (
            f"{each.device} {each.model} {each.artifact}",
            str(each.threads),
            each.what,
            figure(each.old),
            figure(each.new),
            f"{each.share:+.1%}",
            "regression" if each in regressions else "",
            f"doubtful ({'; '.join(each.marks)})" if each.marks else "",
        )
        for each in beyond
    ]
    headers = ("artifact", "threads", "figure", "before", "now", "change", "", "")
    within = len(found.changes) - len(beyond)
    parts = [render(headers, rows)] if rows else []
    parts.append(
        f"{len(found.changes)} figures compared: {within} within noise, {len(beyond)} beyond it, "
        f"{len(regressions)} worse by more than {limit:.0%}"
    )
    parts += _listed("Not the same machine", found.machines)
    parts += _listed("Measured before, and not now", found.gone)
    parts += _listed("New", found.added)
    return "\n\n".join(parts)


def _listed(title: str, names: Sequence[str]) -> list[str]:
    return ["\n".join([title, *(f"  {name}" for name in names)])] if names else []
