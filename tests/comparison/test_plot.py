"""Pictures, read back; where labels go; and files that are written whole or not at all."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from edgebert.comparison import picture
from edgebert.comparison.placement import Box, Mark, place
from edgebert.comparison.plot import Bubble, Words, render
from edgebert_runtime.errors import InputError

WORDS = Words("title", "p50 latency in ms", "accuracy", ("2024-01-01", "Machine x"))
BUBBLES = [
    Bubble("a tflite", "tflite", 0.7, (0.68, 0.75), 0.90, 18_000_000, True),
    Bubble("a onnx", "onnx", 1.7, (1.6, 1.9), 0.91, 70_000_000, True),
    Bubble("a torchscript", "torchscript", 1.9, (1.9, 1.9), 0.89, 18_500_000, False),
]


def bubbles_of(svg: bytes) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    return {
        name: element
        for element in root.iter()
        if (name := element.get("id", "")).startswith("bubble-")
    }


def place_of(element: ElementTree.Element) -> tuple[float, float]:
    (mark,) = (each for each in element.iter() if each.tag.endswith("}use"))
    return float(mark.attrib["x"]), float(mark.attrib["y"])


def test_an_svg_has_every_bubble_where_it_belongs() -> None:
    found = bubbles_of(render(BUBBLES, WORDS, "svg"))
    assert sorted(found) == ["bubble-0", "bubble-1", "bubble-2"]
    (first, second, third) = (place_of(found[f"bubble-{index}"]) for index in range(3))
    assert first[0] < second[0] < third[0]
    # SVG counts from the top: the better, the smaller.
    assert second[1] < first[1] < third[1]


def test_the_same_svg_twice() -> None:
    assert render(BUBBLES, WORDS, "svg") == render(BUBBLES, WORDS, "svg")


def test_a_png_has_the_colours_of_the_front_and_not_of_the_dominated() -> None:
    with Image.open(io.BytesIO(render(BUBBLES, WORDS, "png"))) as image:
        assert image.format == "PNG"
        assert image.size == (1350, 900)
        # The legend, to the right, has all colours.
        colours = image.convert("RGB").crop((0, 0, 1080, 760)).getcolors(1 << 20)
    assert colours is not None
    counts = {colour: count for count, colour in colours}

    def covered(wanted: tuple[int, int, int]) -> int:
        return sum(
            count
            for colour, count in counts.items()
            if all(abs(a - b) <= 30 for a, b in zip(colour, wanted, strict=True))
        )

    orange, blue, green = (
        covered((0xE6, 0x9F, 0)),
        covered((0, 0x72, 0xB2)),
        covered((0, 0x9E, 115)),
    )
    assert blue > 2.5 * orange > 2.5 * green
    assert green > 0


@pytest.mark.parametrize(
    "bubbles",
    [
        BUBBLES[:1],
        [BUBBLES[0]] * 3,
        [dataclasses.replace(BUBBLES[0], score=0.0), BUBBLES[1]],
        [dataclasses.replace(BUBBLES[0], latency_ms=0.001, between_ms=(0.0005, 0.002)), BUBBLES[1]],
        [dataclasses.replace(BUBBLES[0], bytes=1), dataclasses.replace(BUBBLES[1], bytes=2**31)],
        [dataclasses.replace(BUBBLES[0], score=-0.5), dataclasses.replace(BUBBLES[1], score=1.0)],
        [dataclasses.replace(BUBBLES[index % 3], score=0.9 + index / 100) for index in range(40)],
    ],
    ids=["one", "equal", "score 0", "fast", "tiny and huge", "negative", "forty"],
)
def test_extremes_are_drawn(bubbles: list[Bubble]) -> None:
    assert len(bubbles_of(render(bubbles, WORDS, "svg"))) == len(bubbles)


@pytest.mark.parametrize(
    "name", ["$x^$", "$\\frac{", "评论 模型", "<b>&amp;--", "a" * 300, "%s {0}", ""]
)
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_any_name_is_drawn_as_it_is(name: str, kind: str) -> None:
    words = Words(name, name, name, (name,))
    content = render([dataclasses.replace(BUBBLES[0], label=name)], words, kind)
    if kind == "svg":
        assert len(bubbles_of(content)) == 1
    else:
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (1350, 900)


def test_labels_stay_apart_and_inside() -> None:
    frame = Box(0, 0, 1000, 600)
    marks = [Mark(100 + 60 * index, 300 + 5 * index, 20, 150, 14) for index in range(8)]
    marks.append(Mark(990, 300, 20, 150, 14))
    boxes = place(marks, frame)
    for index, box in enumerate(boxes):
        assert box.overlap(frame) == pytest.approx(box.area)
        for other in boxes[index + 1 :]:
            assert box.overlap(other) == 0
        for mark in marks:
            assert box.overlap(Box.around(mark.x, mark.y, 30, 30)) == 0


def test_a_label_keeps_off_what_is_taken() -> None:
    mark = Mark(500, 300, 20, 150, 14)
    frame, line = Box(0, 0, 1000, 600), Box(500, 299, 1000, 301)
    (first,) = place([mark], frame)
    assert first.overlap(line) > 0
    (second,) = place([mark], frame, [line])
    assert second.overlap(line) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.pdf", "got the suffix '.pdf', expected .png or .svg"),
        ("x", "got the suffix '', expected .png or .svg"),
        (".png", "got the suffix '', expected"),
        ("missing/x.png", "folder to write it in does not exist"),
        ("folder.svg", "is a folder"),
        ("nul\0.png", "expected a path"),
        ("\udcff/x.png", "does not exist"),
        ("x" * 300 + "/x.png", "expected a path"),
        ("x" * 300 + ".png", "expected a path"),
    ],
)
def test_a_place_that_cannot_be(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(InputError) as caught:
        picture.format_of(tmp_path / name)
    assert message in str(caught.value)


def test_formats(tmp_path: Path) -> None:
    assert picture.format_of(tmp_path / "x.png") == "png"
    assert picture.format_of(tmp_path / "x.SVG") == "svg"


def test_a_full_disk_leaves_the_older_picture(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    picture.write(path, b"old")
    program = (
        "import sys\nfrom pathlib import Path\nfrom edgebert.comparison import picture\n"
        "try:\n    picture.write(Path(sys.argv[1]), b'x' * 10**6)\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    limited = 'trap "" XFSZ; ulimit -f 1; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "bash", sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout.startswith(
        f"InputError plot {str(path)!r} cannot be written (File too large"
    )
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["x.png"]
