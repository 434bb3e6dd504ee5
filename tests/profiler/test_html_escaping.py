"""The page as text: well formed, its own, and nothing a name could break out of."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import profiles
import pytest

from edgebert.profiler import page
from edgebert.profiler.page.markup import Markup, element, escape
from edgebert.profiler.profile import Profile

_EMPTY = {"meta", "line", "rect", "circle", "polyline"}


class _Reader(HTMLParser):
    """Elements with their attributes; each must end where it should."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _EMPTY
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def text(full_profile: Profile) -> str:
    return page.render(full_profile)


def test_it_is_well_formed_and_needs_nothing_else(text: str) -> None:
    found = read(text).found
    names = [name for name, _ in found]
    assert names.count("script") == 2
    assert not {"link", "img", "iframe", "object", "base", "image", "use"} & set(names)
    for name, attributes in found:
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            assert key not in ("src", "style", "srcset", "xlink:href")
            assert key != "href" or (value or "").startswith("#")


def test_links_lead_somewhere(text: str) -> None:
    found = read(text).found
    places = [f"#{each['id']}" for _, each in found if "id" in each]
    assert len(set(places)) == len(places)
    links = {each["href"] for _, each in found if "href" in each}
    assert links <= set(places)
    assert "#note-1" in links


def test_names_are_shown_and_not_obeyed(text: str) -> None:
    assert "<script>document" not in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert "\\udcff" in text
    assert "&lt;script&gt;document.title=&#x27;owned&#x27;&lt;/script&gt;" in text
    text.encode("utf-8")


def test_data_cannot_end_its_element(full_profile: Profile) -> None:
    evil = "</script><script>"
    models = tuple(replace(each, name=evil + each.name) for each in full_profile.models)
    results = tuple(replace(each, model=evil + each.model) for each in full_profile.results)
    text = page.render(replace(full_profile, models=models, results=results, skipped=()))
    assert [name for name, _ in read(text).found].count("script") == 2


def test_it_is_allowed_its_own_style_and_program_only(text: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    directives = dict(
        each.strip().split(" ", 1) for each in policy.replace("&#x27;", "'").split(";")
    )
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", directives["script-src"])
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", directives["style-src"])


def test_every_section_is_there_once_there_is_something_to_say(text: str, profile: Profile) -> None:
    identities = [each.get("id") for name, each in read(text).found if name == "section"]
    assert identities == [key for key, _, _ in page._SECTIONS]
    bare = replace(
        profile,
        results=tuple(
            replace(
                each,
                measurement=replace(
                    each.measurement, sustained=(), energy=None, operators=None, text_to_answer=None
                ),
            )
            for each in profile.results
        ),
    )
    less = [each.get("id") for name, each in read(page.render(bare)).found if name == "section"]
    assert set(identities) - set(less) == {"heat", "energy", "operators", "skipped"}


def test_marks_stand_beside_figures_and_in_the_list(text: str) -> None:
    sign = f'<a href="#note-1" title="{profiles.MARK}" class="mark">!1</a>'
    assert text.count(sign) > 5
    (note,) = re.findall(r'<li id="note-1">(.*?)</li>', text)
    assert "kitchen: small onnx int8_dynamic, 1 thread" in note
    assert note.endswith(f": {profiles.MARK}")


def test_a_profile_of_nothing_is_a_page_too(profile: Profile) -> None:
    empty = replace(profile, results=(), skipped=(), models=())
    read(page.render(empty))
    read(page.render(replace(empty, devices=())))


def test_quantiles_and_lengths_may_be_missing(profile: Profile) -> None:
    results = tuple(
        replace(
            each,
            measurement=replace(
                each.measurement,
                lengths=tuple(
                    replace(
                        timing, quantiles_ms=(), p90_ms=None, p99_ms=None, interval_ms=None
                    )
                    for timing in each.measurement.lengths[:1]
                ),
            ),
        )
        for each in profile.results
    )  # fmt: skip
    assert 'id="spread"' not in page.render(replace(profile, results=results))
    none = tuple(
        replace(each, measurement=replace(each.measurement, lengths=())) for each in profile.results
    )
    read(page.render(replace(profile, results=none)))


def test_text_becomes_markup_only_by_being_it() -> None:
    assert element("b", "<i>", Markup("<i></i>")) == "<b>&lt;i&gt;<i></i></b>"
    assert element("a", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;"></a>'
    assert element("p", data_value=0, hidden=True, title=None, open=False) == (
        '<p data-value="0" hidden></p>'
    )
    assert escape("a\x00\u2028b") == "a\\x00\\u2028b"
