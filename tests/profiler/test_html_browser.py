"""The page in a real headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from browser import Browser

from edgebert.profiler.output import write_report
from edgebert.profiler.profile import Profile
from edgebert.profiler.report import figure

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=str(browser.missing()))

_MATRIX = "#devices-by-models table"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def path(full_profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("page") / "profile.html"
    write_report(written, full_profile)
    return written


@pytest.fixture
def opened(chromium: Browser, path: Path) -> Browser:
    """The page, just loaded, on a large light screen."""
    chromium.size(1280, 900)
    chromium.media()
    chromium.open(path)
    return chromium


def column(page: Browser, table: str, place: int) -> list[str]:
    """The texts of a column, without marks."""
    return page.run(
        f"""return [...document.querySelectorAll("{table} tbody tr")].map((row) => {{
            const cell = row.cells[{place}].cloneNode(true);
            for (const mark of cell.querySelectorAll("sup")) mark.remove();
            return cell.textContent;
        }})"""
    )


def test_it_opens_without_a_word_and_without_a_network(opened: Browser, path: Path) -> None:
    assert opened.logs("browser") == []
    assert opened.requests() == [path.as_uri()]
    assert opened.run("return document.querySelectorAll('svg').length") > 20
    assert opened.run("return document.title").startswith("Profile of small")


def test_the_policy_stops_what_is_not_the_pages_own(opened: Browser) -> None:
    opened.run(
        """const script = document.createElement("script");
        script.textContent = "window.owned = true";
        document.body.append(script);
        const image = new Image();
        image.src = "http://127.0.0.1:9/image.png";
        document.body.append(image);"""
    )
    assert opened.run("return window.owned") is None
    said = [each["message"] for each in opened.logs("browser")]
    assert len([each for each in said if "Content Security Policy" in each]) == 2


def test_a_click_on_a_header_sorts(opened: Browser) -> None:
    table = "#latency table"
    headers = opened.run(
        f"return [...document.querySelectorAll('{table} thead th')].map((each) => each.textContent)"
    )
    place = headers.index("p50 ms")
    before = column(opened, table, place)
    header = f"{table} thead th:nth-child({place + 1})"
    state = f"return document.querySelector('{header}').getAttribute('aria-sort')"
    assert opened.run(state) is None
    opened.click(f"{header} button")
    assert opened.run(state) == "ascending"
    ascending = list(map(float, column(opened, table, place)))
    assert ascending == sorted(map(float, before))
    assert ascending != list(map(float, before))
    opened.type(f"{header} button", "\ue007")
    assert opened.run(state) == "descending"
    assert list(map(float, column(opened, table, place))) == ascending[::-1]
    other = f"{table} thead th:nth-child(2)"
    opened.type(f"{other} button", " ")
    assert opened.run(state) is None
    names = column(opened, table, 1)
    assert names == sorted(names)


def test_what_is_not_known_comes_last_whatever_the_order(opened: Browser) -> None:
    header = f"{_MATRIX} thead th:nth-child(4)"
    for _ in range(2):
        opened.click(f"{header} button")
        known = [text != "-" for text in column(opened, _MATRIX, 3)]
        assert known == sorted(known, reverse=True)
        assert known.count(True) == 1


def test_figures_are_those_that_were_chosen(opened: Browser, full_profile: Profile) -> None:
    kitchen = full_profile.on("kitchen")

    def shown() -> list[str]:
        return [text.removesuffix(" ~") for text in column(opened, _MATRIX, 2) if text != "-"]

    def p50(tokens: int) -> list[str]:
        found = [each.timing(tokens) for each in kitchen]
        return [figure(each and each.p50_ms) for each in found]

    assert opened.run("return document.getElementById('tokens').value") == "16"
    assert shown() == p50(16)
    opened.click("#tokens option[value='64']")
    assert shown() == p50(64)
    assert "64 tokens" in opened.run("return document.querySelector('#shown').textContent")
    opened.click("#figure option[value=memory]")
    peaks = [each.measurement.memory.peak_bytes for each in kitchen]
    assert shown() == [figure(each and each / 1e6) for each in peaks]
    assert opened.run("return document.getElementById('tokens').disabled")
    opened.click("#figure option[value=rate]")
    rates = [each.timing(64) for each in kitchen]
    values = [each.sentences_per_second for each in rates if each]
    assert shown() == [figure(each) for each in values]
    best = f"document.querySelector('{_MATRIX} tbody td:nth-child(3).best')"
    assert opened.run(f"return {best}.textContent").startswith(figure(max(values)))


def test_what_the_program_shows_first_is_what_was_there(opened: Browser, path: Path) -> None:
    script = f"return document.querySelector('{_MATRIX} tbody').innerHTML"
    live = opened.run(script)
    opened.protocol("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.open(path)
        written = opened.run(script)
        assert opened.run("return document.querySelector('th button')") is None
        assert opened.run("return document.querySelector('#chooser').offsetHeight") == 0
        assert opened.run("return document.querySelector('#length .panel').offsetHeight") > 100
    finally:
        opened.protocol("Emulation.setScriptExecutionDisabled", value=False)

    def read(markup: str) -> list[str]:
        return re.findall(r'class="figure">([^<]*)<|(class="best")', markup)

    assert read(live) == read(written)


@pytest.mark.parametrize("width", [360, 320, 768])
def test_nothing_is_wider_than_a_phone(opened: Browser, path: Path, width: int) -> None:
    opened.size(width, 740, mobile=True)
    opened.open(path)
    opened.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert opened.run("return document.documentElement.scrollWidth") == width
    assert opened.run("return innerWidth") == width
    # Wide tables can be scrolled in their boxes.
    box = "document.querySelector('#latency .scroll')"
    assert opened.run(f"return {box}.scrollWidth > {box}.clientWidth")
    letters = opened.run(
        "return Math.min(...[...document.querySelectorAll('.panel text')]"
        ".map((each) => each.getBoundingClientRect().height))"
    )
    assert letters >= 9


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_by_day_and_by_night(opened: Browser, scheme: str) -> None:
    opened.media(scheme=scheme)
    style = "return getComputedStyle(document.querySelector('{}')).{}"
    back = luminance(opened.run(style.format("body", "backgroundColor")))
    assert (back < 0.05) == (scheme == "dark")
    for selector in ("body", ".remark", "a.mark", "nav a", "svg text"):
        part = "fill" if "svg" in selector else "color"
        ink = luminance(opened.run(style.format(selector, part)))
        contrast = (max(ink, back) + 0.05) / (min(ink, back) + 0.05)
        assert contrast >= 4.5, selector
    for place in range(2):
        line = luminance(opened.run(style.format(f".c{place} .line", "stroke")))
        assert (max(line, back) + 0.05) / (min(line, back) + 0.05) >= 3


def test_it_prints(opened: Browser) -> None:
    opened.media("print", "dark")
    shown = "return getComputedStyle(document.querySelector('{}')).{}"
    assert opened.run(shown.format("nav", "display")) == "none"
    assert opened.run(shown.format("#chooser", "display")) == "none"
    assert opened.run(shown.format("body", "backgroundColor")) == "rgb(255, 255, 255)"
    assert opened.run(shown.format("#latency .scroll", "overflow")) == "visible"
    printed = opened.pdf()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1


def test_names_do_nothing(opened: Browser) -> None:
    assert opened.run("return document.title").startswith("Profile of")
    assert opened.run("return document.scripts.length") == 2
    shown = opened.run("return document.querySelector('#machines').textContent")
    assert "<script>document.title='owned'</script>" in shown
    assert "\\u202egnp.exe" in shown
