"""A profile as one HTML page that needs nothing else: no network, and no program to be read.

Its policy allows the page's own style and program by their hashes and forbids all else, so that a
name which a bundle or a device made up could do nothing even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources

from edgebert.profiler.page import latency, machines, matrix, models
from edgebert.profiler.page.markup import Markup, element, joined
from edgebert.profiler.page.view import View
from edgebert.profiler.profile import Profile

_SECTIONS = (
    (
        "devices-by-models",
        "Devices by models",
        lambda each: joined([matrix.section(each), each.notes()]),
    ),
    ("length", "Latency by length", latency.by_length),
    ("spread", "How latency is spread", latency.spread),
    ("size", "Size", models.sizes),
    ("accuracy", "Accuracy", models.quality),
    ("operators", "Where the time goes", models.operators),
    ("heat", "Without rest", latency.sustained),
    ("energy", "Energy", models.energy),
    ("start-up", "Start-up and memory", models.startup),
    ("latency", "All latencies", latency.all_figures),
    ("conditions", "Conditions", machines.conditions),
    ("machines", "Machines", machines.facts),
    ("skipped", "Not measured", machines.skipped),
)


def render(profile: Profile) -> str:
    """The page's text."""
    view = View(profile)
    style, program = _own("page.css"), _own("page.js")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(program)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    title = _title(view)
    # "<" is escaped: nothing in it could end the element.
    data = json.dumps(matrix.data(view), separators=(",", ":")).replace("<", "\\u003c")
    sections = _sections(view)
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(style)),
    ]
    body = [
        element(
            "header",
            element("h1", title),
            element("p", _summary(view), class_="remark"),
            _contents(sections),
        ),
        element("main", *(_section(*each) for each in sections)),
        element("script", Markup(data), type="application/json", id="data"),
        element("script", Markup(program)),
    ]
    page = element("html", element("head", *head), element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _own(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _title(view: View) -> str:
    names = [each.name for each in view.profile.models]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Profile of {shown}" if shown else "Profile"


def _summary(view: View) -> str:
    created = view.profile.created[:16].replace("T", " ")
    devices = ", ".join(each.name for each in view.profile.devices)
    return (
        f"{created} UTC, edgebert {view.profile.edgebert}, on {devices}. Each row is of a process "
        "of its own; MB are 10⁶ bytes."
    )


def _sections(view: View) -> list[tuple[str, str, Markup]]:
    """Those that have something to say."""
    made = [(key, title, make(view)) for key, title, make in _SECTIONS]
    return [each for each in made if each[2]]


def _contents(sections: Sequence[tuple[str, str, Markup]]) -> Markup:
    links = [element("a", title, href=f"#{key}") for key, title, _ in sections]
    return element("nav", *links, aria_label="Sections")


def _section(key: str, title: str, content: Markup) -> Markup:
    return element("section", element("h2", title), content, id=key)
