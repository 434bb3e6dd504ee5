"""Latency: by length, how it is spread, and every figure in a table."""

from __future__ import annotations

from edgebert.profiler import derived
from edgebert.profiler.page import charts, rows
from edgebert.profiler.page.markup import Cell, Markup, element, joined, number, table
from edgebert.profiler.page.view import View
from edgebert.profiler.profile import Result
from edgebert.profiler.report import figure
from edgebert_runtime.measurement import Timing

_QUARTER, _MIDDLE = 5, 10
"""Places of 25 % and 50 % in `Timing.quantiles_ms`, which go in steps of 5 %."""


def by_length(view: View) -> Markup:
    """A panel for each device, all on the same axes."""
    timings = [timing for each in view.profile.results for timing in derived.alone(each)]
    if not timings:
        return Markup()
    across = charts.lengths("tokens", [each.tokens for each in timings])
    up = charts.axis("p50 in ms", [each.p50_ms for each in timings])
    panels = []
    for device in view.profile.devices:
        series = [
            charts.Series(
                view.names.on_device(result),
                view.look(result),
                tuple((float(each.tokens), each.p50_ms) for each in derived.alone(result)),
                doubtful=view.is_marked(result),
            )
            for result in view.profile.on(device.name)
        ]
        if series:
            panels.append(charts.panel(device.name, across, up, series))
    doubtful = any(map(view.is_marked, view.profile.results))
    words = "A hollow point: something disturbed the measurement." if doubtful else ""
    return joined(
        [
            element("div", *panels, class_="panels"),
            charts.legend(view.legend()),
            element("p", words, class_="remark") if words else Markup(),
        ]
    )


def spread(view: View) -> Markup:
    """Boxes for each device and length; one length is open."""
    lengths = [tokens for tokens in view.profile.tokens() if any(_boxes(view, tokens))]
    shown = derived.typical_tokens(view.profile)
    parts = []
    for tokens in lengths:
        summary = element("summary", f"{tokens} tokens")
        parts.append(
            element("details", summary, *_boxes(view, tokens), open=tokens == shown or None)
        )
    if not parts:
        return Markup()
    words = "Line: median. Box: the middle half of the runs. Whiskers: nine runs in ten."
    return joined([element("p", words, class_="remark"), *parts])


def _boxes(view: View, tokens: int) -> list[Markup]:
    parts = []
    for device in view.profile.devices:
        found = [
            _box(view.names.on_device(result), view, result, timing.quantiles_ms)
            for result in view.profile.on(device.name)
            if (timing := result.timing(tokens)) is not None and timing.quantiles_ms
        ]
        if found:
            heading = element("h3", element("bdi", device.name))
            parts.append(heading if view.names.several_devices else Markup())
            parts.append(rows.boxes("ms", found, lambda value: f"{figure(value)} ms"))
    return parts


def _box(label: str, view: View, result: Result, quantiles: tuple[float, ...]) -> rows.Box:
    return rows.Box(
        label=label,
        look=view.look(result),
        ends=(quantiles[1], quantiles[-2]),
        half=(quantiles[_QUARTER], quantiles[-1 - _QUARTER]),
        middle=quantiles[_MIDDLE],
        text=joined([figure(quantiles[_MIDDLE]), view.mark(result)]),
    )


def all_figures(view: View) -> Markup:
    """A row for each result, length and batch, and one for text to answer."""
    headers = [
        *view.identity(), "tokens", "batch", "p50 ms", "±", "p90 ms", "p99 ms", "mean ms",
        "deviation ms", "sentences/s", "runs",
    ]  # fmt: skip
    body = []
    for result in view.profile.results:
        measured = result.measurement
        answer = measured.text_to_answer
        for timing in (*derived.alone(result), *derived.batched(result)):
            body.append([*view.identified(result), *_row(view, result, timing)])
        if answer is not None:
            whole, *others = _row(view, result, answer)
            text = number(f"{whole.content}, from text", whole.value)
            body.append([*view.identified(result), text, *others])
    words = (
        "The model alone, but for “from text”: one sentence, tokenized and answered. "
        "±: half the 95 % confidence interval of p50; ~ where it is over "
        f"{derived.percent(derived.PRECISION)}."
    )
    caption = "Every latency"
    return joined([element("p", words, class_="remark"), table(caption, headers, body)])


def _row(view: View, result: Result, timing: Timing) -> list[Cell]:
    precision = timing.precision
    sure = "-" if precision is None else derived.percent(precision)
    return [
        number(str(timing.tokens), timing.tokens),
        number(str(timing.batch), timing.batch),
        number(figure(timing.p50_ms), timing.p50_ms, view.mark(result)),
        number(sure, precision, " ~" if derived.imprecise(timing) else ""),
        *(
            number(figure(each), each)
            for each in (
                timing.p90_ms,
                timing.p99_ms,
                timing.mean_ms,
                timing.standard_deviation_ms,
                timing.sentences_per_second,
            )
        ),
        number(str(timing.runs), timing.runs),
    ]


def sustained(view: View) -> Markup:
    """What became of the latency without rest, as a share of what it was at first."""
    results = [each for each in view.profile.results if each.measurement.sustained]
    if not results:
        return Markup()
    lines = {
        each.key: tuple(
            (stretch.seconds, 100 * stretch.p50_ms / each.measurement.sustained[0].p50_ms)
            for stretch in each.measurement.sustained
        )
        for each in results
    }
    points = [point for line in lines.values() for point in line]
    across = charts.axis("seconds", [0.0, *(seconds for seconds, _ in points)])
    up = charts.between("p50, first = 100 %", [90.0, 110.0, *(share for _, share in points)], " %")
    panels = []
    for device in view.profile.devices:
        series = [
            charts.Series(
                view.names.on_device(each), view.look(each), lines[each.key],
                doubtful=view.is_marked(each),
            )
            for each in results
            if each.device == device.name
        ]  # fmt: skip
        if series:
            panels.append(charts.panel(device.name, across, up, series))
    shown = {view.names.on_device(each): view.look(each) for each in results}
    return joined(
        [
            element("div", *panels, class_="panels"),
            charts.legend(shown),
            _sustained_table(view, results),
        ]
    )


def _sustained_table(view: View, results: list[Result]) -> Markup:
    headers = [
        *view.identity(), "seconds", "first p50 ms", "last p50 ms", "change", "°C first",
        "°C last", "MHz first", "MHz last",
    ]  # fmt: skip
    body = []
    for each in results:
        first, last = each.measurement.sustained[0], each.measurement.sustained[-1]
        change = last.p50_ms / first.p50_ms - 1
        facts = (
            first.temperature_celsius,
            last.temperature_celsius,
            first.frequency_mhz,
            last.frequency_mhz,
        )
        body.append(
            [
                *view.identified(each),
                number(figure(last.seconds), last.seconds),
                number(figure(first.p50_ms), first.p50_ms),
                number(figure(last.p50_ms), last.p50_ms, view.mark(each)),
                number(f"{100 * change:+.1f} %", change),
                *(number(figure(fact), fact) for fact in facts),
            ]
        )
    return table("Without rest, at the longest length", headers, body)
