"""The devices, what went on around the runs, and what was not measured."""

from __future__ import annotations

from edgebert.profiler import derived
from edgebert.profiler.page.markup import Cell, Markup, element, joined, named, number, table
from edgebert.profiler.page.view import View
from edgebert.profiler.profile import Machine
from edgebert.profiler.report import between, machine_facts


def facts(view: View) -> Markup:
    """A list for each device."""
    parts = []
    for device in view.profile.devices:
        results = view.profile.on(device.name)
        told = _address(device)
        if results:
            told |= machine_facts([each.measurement for each in results])
            tools = dict.fromkeys(each.measurement.tool for each in results)
            told["Measured by"] = ", ".join(tools)
        entries = [
            each
            for name, value in told.items()
            for each in (element("dt", name), element("dd", value))
        ]
        heading = element("h3", named(device.name))
        parts.append(element("div", heading, element("dl", *entries), class_="device"))
    return element("div", *parts, class_="devices")


def _address(device: Machine) -> dict[str, str]:
    told = {"Reached as": device.address} if device.address != device.name else {}
    return told if device.remark is None else told | {"Remark": device.remark}


def conditions(view: View) -> Markup:
    """Heat, clock and neighbours during each measurement."""
    headers = [
        *view.identity(), "°C", "MHz", "taken by the hypervisor", "used by others",
        "waited for a processor", "throttling",
    ]  # fmt: skip
    rows = []
    for each in view.profile.results:
        seen = each.measurement.conditions
        celsius = [moment.temperature_celsius for moment in seen.moments]
        clocks = [moment.frequency_mhz for moment in seen.moments]
        told = [moment.throttling for moment in seen.moments if moment.throttling is not None]
        held = dict.fromkeys(name for names in told for name in names)
        throttling = ", ".join(held) or "none" if told else "-"
        rows.append(
            [
                *view.identified(each),
                *(_range(values) for values in (celsius, clocks)),
                *(
                    number("-" if share is None else derived.percent(share), share)
                    for share in (seen.stolen_share, seen.foreign_share, seen.waiting_share)
                ),
                Cell(joined([throttling, view.mark(each)])),
            ]
        )
    return table("During the measurements", headers, rows)


def _range(values: list[float | None]) -> Cell:
    found = derived.facts_known(values)
    return number(between(values), None if found is None else found[1])


def skipped(view: View) -> Markup:
    """What is missing, and why."""
    headers = ["model", "artifact", "device", "threads", "why"]
    rows = [
        [
            Cell(named(each.model)),
            Cell(" ".join(filter(None, (each.settings.backend, each.settings.recipe)))),
            Cell(named(each.device)),
            number(str(each.settings.threads), each.settings.threads),
            Cell(element("span", each.reason, class_="reason")),
        ]
        for each in view.profile.skipped
    ]
    return table("Not measured", headers, rows) if rows else Markup()
