"""What models weigh, what they start and remember, how good they are, where their time goes."""

from __future__ import annotations

from edgebert.profiler import derived
from edgebert.profiler.page import charts
from edgebert.profiler.page.charts import Look
from edgebert.profiler.page.markup import Cell, Markup, element, joined, named, number, table
from edgebert.profiler.page.rows import Bar, Segment, bars
from edgebert.profiler.page.view import View
from edgebert.profiler.profile import Artifact, Model
from edgebert.profiler.report import figure
from edgebert_runtime.measurement import PARTS

_PART_LOOKS = {part: Look(place) for place, part in enumerate(PARTS)}
"""The same colour in both charts of parts."""


def sizes(view: View) -> Markup:
    """A stacked bar for each artifact that was measured, or was to be."""
    rows, shown = [], {}
    for model, artifact in _artifacts(view):
        found = {name: size for name, size in derived.components(model, artifact).items() if size}
        looks = {name: _size_look(name) for name in found}
        shown.update(looks)
        rows.append(
            Bar(
                view.names.artifact(model.name, f"{artifact.backend} {artifact.recipe}"),
                tuple(Segment(name, size, looks[name]) for name, size in found.items()),
                f"{figure(model.device_bytes(artifact.bytes) / 1e6)} MB",
            )
        )
    if not rows:
        return Markup()
    ordered = dict(sorted(shown.items(), key=lambda each: each[1].colour))
    return joined(
        [
            charts.legend(ordered, dashed=False),
            bars(rows, lambda size: f"{size / 1e3:,.0f} kB"),
        ]
    )


_SIZE_COLOURS = ("embeddings", "attention", "feed-forward", "graph", "head", "tokenizer", "other")


def _size_look(name: str) -> Look:
    if name == "manifest":
        return Look(7)
    return Look(_SIZE_COLOURS.index(name if name in _SIZE_COLOURS else "other"))


def _artifacts(view: View) -> list[tuple[Model, Artifact]]:
    wanted = {
        (each.model, each.measurement.backend, each.measurement.recipe)
        for each in view.profile.results
    }
    return [
        (model, artifact)
        for model in view.profile.models
        for artifact in model.artifacts
        if (model.name, artifact.backend, artifact.recipe) in wanted
    ]


def quality(view: View) -> Markup:
    """How good each artifact is, as its manifest tells."""
    scored = any(model.scoring is not None for model in view.profile.models)
    headers = ["artifact", "task", "parameters", "tokens at most", "agreement"]
    headers += ["score", "float model", "lost, points"] * scored
    if view.names.several_models:
        headers.insert(0, "model")
    rows = []
    for model, artifact in _artifacts(view):
        row = [
            Cell(named(f"{artifact.backend} {artifact.recipe}")),
            Cell(model.task),
            number("-" if model.parameters is None else f"{model.parameters:,}", model.parameters),
            number(str(model.max_length), model.max_length),
            number(f"{artifact.agreement:.4f}", artifact.agreement),
        ]
        if scored:
            row += _scores(model, artifact)
        if view.names.several_models:
            row.insert(0, Cell(named(model.name)))
        rows.append(row)
    words = ["Agreement: with the float model, on the sentences of the conversion."]
    words += [
        f"Score of {model.name}: {scoring.figure} on {scoring.rows:,} rows of {scoring.data}."
        for model in view.profile.models
        if (scoring := model.scoring) is not None
    ]
    words += [
        f"{model.name} is pruned from {pruning.parameters_before:,} parameters."
        for model in view.profile.models
        if (pruning := model.pruning) is not None
    ]
    remark = element("p", " ".join(words), class_="remark")
    return joined([remark, table("Accuracy, as manifests tell it", headers, rows)])


def _scores(model: Model, artifact: Artifact) -> list[Cell]:
    reference = None if model.scoring is None else model.scoring.float_score
    lost = None
    if reference is not None and artifact.score is not None:
        lost = 100 * (reference - artifact.score)
    shown = ["-" if each is None else f"{each:.4f}" for each in (artifact.score, reference)]
    return [
        number(shown[0], artifact.score),
        number(shown[1], reference),
        number("-" if lost is None else f"{lost:.2f}", lost),
    ]


def startup(view: View) -> Markup:
    """Milliseconds and bytes of each result."""
    headers = [
        *view.identity(), "import runtime ms", "import library ms", "load ms", "first answer ms",
        "start to answer ms", "loaded MB", "steady MB", "peak MB",
    ]  # fmt: skip
    rows = []
    for each in view.profile.results:
        start, memory = each.measurement.startup, each.measurement.memory
        times = (
            start.runtime_import_ms,
            start.backend_import_ms,
            start.load_ms,
            start.first_answer_ms,
        )
        counts = (memory.loaded_bytes, memory.steady_bytes, memory.peak_bytes)
        rows.append(
            [
                *view.identified(each),
                *(number(figure(time), time) for time in times),
                number(
                    figure(start.to_first_answer_ms),
                    start.to_first_answer_ms,
                    view.mark(each),
                ),
                *(_megabytes(count) for count in counts),
            ]
        )
    return table("Start-up and resident memory", headers, rows)


def _megabytes(count: int | None) -> Cell:
    value = None if count is None else count / 1e6
    return number(figure(value), value)


def operators(view: View) -> Markup:
    """A stacked bar for each result, and the slowest operators."""
    rows, slowest, shown = [], [], {}
    for each in view.profile.results:
        found = each.measurement.operators
        if found is None or not found.operators:
            continue
        times = derived.parts(found)
        looks = {part: _PART_LOOKS.get(part, Look(5)) for part in times}
        shown.update(looks)
        rows.append(
            Bar(
                f"{view.names.full(each)}, {found.tokens} tokens",
                tuple(Segment(part, time, looks[part]) for part, time in times.items()),
                joined([f"{figure(sum(times.values()))} ms", view.mark(each)]),
            )
        )
        whole = sum(times.values())
        for operator in found.operators[:8]:
            slowest.append(
                [
                    *view.identified(each),
                    Cell(operator.part),
                    Cell(named(operator.kind)),
                    number(f"{operator.calls:g}", operator.calls),
                    number(figure(operator.milliseconds), operator.milliseconds),
                    number(
                        derived.percent(operator.milliseconds / whole) if whole else "-",
                        operator.milliseconds / whole if whole else None,
                    ),
                ]
            )
    reasons = dict.fromkeys(
        f"Nothing of {each.artifact}: {found.reason}."
        for each in view.profile.results
        if (found := each.measurement.operators) is not None and found.reason is not None
    )
    remarks = [element("p", reason, class_="remark") for reason in reasons]
    if not rows:
        return joined(remarks)
    ordered = {part: shown[part] for part in (*PARTS, *shown) if part in shown}
    headers = [*view.identity(), "part", "operator", "calls a run", "ms a run", "share"]
    return joined(
        [
            charts.legend(ordered, dashed=False),
            bars(rows, lambda time: f"{figure(time)} ms"),
            *remarks,
            table("The slowest operators of each", headers, slowest),
        ]
    )


def energy(view: View) -> Markup:
    """Joules of each result that a meter counted."""
    headers = [*view.identity(), "J per 1,000 sentences", "W", "sentences", "meter"]
    rows = []
    for each in view.profile.results:
        found = each.measurement.energy
        if found is not None:
            joules = derived.joules_per_thousand(found)
            watts = found.joules / found.seconds if found.seconds > 0 else None
            rows.append(
                [
                    *view.identified(each),
                    number(figure(joules), joules, view.mark(each)),
                    number(figure(watts), watts),
                    number(f"{found.sentences:,}", found.sentences),
                    Cell(named(found.meter)),
                ]
            )
    if not rows:
        return Markup()
    words = "Of all that the meter counts, idle power too."
    remark = element("p", words, class_="remark")
    return joined([remark, table("Energy during the runs", headers, rows)])
