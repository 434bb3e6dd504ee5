"""Algorithm 1 of TinyBERT by its properties, and files that survive whatever stops a run."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import edgebert
from edgebert.distillation.augmentation import AugmentOptions, augment, copies_of
from edgebert.distillation.candidates import Candidates, WordVectors
from edgebert.distillation.words import Words
from edgebert_runtime.examples import read_examples

# Three words that are near one another, and no others: each has the other two.
VECTORS = "red 1 0\ngreen 1 0.1\nblue 1 0.2\n"
NEAR = {"red": {"green", "blue"}, "green": {"red", "blue"}, "blue": {"red", "green"}}
OPTIONS = AugmentOptions(copies=4)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> WordVectors:
    return WordVectors(vectors(tmp_path_factory.mktemp("vectors")))


def vectors(folder: Path) -> Path:
    (folder / "vectors.txt").write_text(VECTORS)
    return folder / "vectors.txt"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(folder: Path, rows: int = 30) -> Path:
    names = list(NEAR)
    lines = [
        f"A {names[row % 3]} car, {row} {names[row % 2]} (and blue) ones\t{row % 2}\n"
        for row in range(rows)
    ]
    (folder / "data.tsv").write_text("sentence\tlabel\n" + "".join(lines))
    return folder / "data.tsv"


class Stopping:
    """A source of words that stops the run, as Ctrl-C would, after some texts."""

    def __init__(self, source: Candidates, texts: int) -> None:
        self.identity, self._source, self._texts = source.identity, source, texts

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        self._texts -= 1
        if self._texts < 0:
            raise KeyboardInterrupt
        return self._source.at(words, positions, most)


def stop_after(texts: int, source: Path, output: Path, candidates: Candidates) -> Path:
    with pytest.raises(KeyboardInterrupt):
        augment(source, output, Stopping(candidates, texts), OPTIONS)
    assert not output.exists()
    return output.with_name(f".{output.name}.partial")


# Algorithm 1


def test_probability_0_gives_the_original(colours: WordVectors) -> None:
    options = AugmentOptions(copies=3, probability=0.0)
    assert list(copies_of("red, blue", colours, options, 0)) == ["red, blue"] * 3


def test_probability_1_replaces_every_word_that_has_candidates(colours: WordVectors) -> None:
    options = AugmentOptions(copies=8, probability=1.0)
    text = '  "Red" car,\tGREEN (blue)\n red!! 5 red_'
    copies = list(copies_of(text, colours, options, 0))
    assert len(set(copies)) == 8
    for copy in copies:
        assert isinstance(copy, str)
        old, new = text.split(), copy.split()
        assert [copy.find(word) for word in ("car,\t", "(", ")\n ", "!! 5 ", "_", '  "')] != [
            -1
        ] * 6
        for before, after in zip(old, new, strict=True):
            core, other = before.strip('",()!_'), after.strip('",()!_')
            assert after == before.replace(core, other)
            if core.lower() in NEAR:
                assert other.lower() in NEAR[core.lower()]
                assert other.istitle() == core.istitle()
                assert other.isupper() == core.isupper()
            else:
                assert other == core


def test_words_are_replaced_as_often_as_the_options_say(colours: WordVectors) -> None:
    words = 20_000
    (copy,) = copies_of("red " * words, colours, AugmentOptions(copies=1), 0)
    assert isinstance(copy, str)
    counts = Counter(copy.split())
    assert counts.keys() == NEAR.keys()
    replaced = counts["green"] + counts["blue"]
    # Five standard deviations of the binomial distribution.
    assert abs(replaced - 0.4 * words) < 5 * math.sqrt(0.4 * 0.6 * words)
    assert abs(counts["green"] - replaced / 2) < 5 * math.sqrt(replaced / 4)


def test_no_more_candidates_than_asked_for(colours: WordVectors) -> None:
    options = AugmentOptions(copies=1, probability=1.0, candidates=1)
    assert list(copies_of("red " * 50, colours, options, 0)) == ["green " * 50]


def test_copies_differ_as_long_as_they_can(colours: WordVectors) -> None:
    copies = list(copies_of("red red red", colours, AugmentOptions(copies=8), 0))
    assert len({*copies, "red red red"}) == 9
    # Two words can take red's place, so the others are given again.
    options = AugmentOptions(copies=10, probability=1.0)
    assert set(copies_of("red", colours, options, 0)) == {"green", "blue"}


def test_both_texts_of_a_pair(colours: WordVectors) -> None:
    options = AugmentOptions(copies=20, probability=0.5)
    copies = list(copies_of(("red car", "blue car"), colours, options, 0))
    assert {copy[0] for copy in copies} == {"red car", "green car", "blue car"}
    assert {copy[1] for copy in copies} == {"red car", "green car", "blue car"}


def test_a_row_depends_on_its_seed_and_number(colours: WordVectors) -> None:
    def drawn(seed: int, row: int) -> list[Any]:
        return list(copies_of("red " * 20, colours, AugmentOptions(seed=seed), row))

    assert drawn(0, 0) == drawn(0, 0)
    # The seed 1 of row 11 is not the seed 11 of row 1.
    assert len({tuple(drawn(*each)) for each in [(0, 0), (0, 1), (1, 0), (1, 11), (11, 1)]}) == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "7",
        "3.14 2",
        "😀",
        "\0",
        "\ud800",
        "red\0blue",
        "x" * 1_000_000,
        ("", "\ud800"),
    ],
)
def test_texts_without_candidates_stay(text: Any, colours: WordVectors) -> None:
    assert list(copies_of(text, colours, OPTIONS, 0)) == [text] * 4


def test_a_megabyte(colours: WordVectors) -> None:
    copies = list(copies_of("red, " * 200_000, colours, OPTIONS, 0))
    assert len(set(copies)) == 4
    assert all(len(copy.split()) == 200_000 for copy in copies if isinstance(copy, str))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("copies", 0),
        ("candidates", 0),
        ("probability", -0.1),
        ("probability", 1.1),
        ("probability", math.nan),
    ],
)
def test_options_out_of_range(name: str, value: float) -> None:
    with pytest.raises(edgebert.InputError, match=f"{name}: got {value}, expected"):
        dataclasses.replace(OPTIONS, **{name: value})


# Files


def test_what_is_written(tmp_path: Path, colours: WordVectors) -> None:
    source = tmp_path / "x.jsonl"
    source.write_text(
        '{"premise": "red \\ud800", "hypothesis": "é", "label": 1.5}\n'
        '{"text": "blue", "labels": ["a", "b"]}\n{"text": ""}\n'
    )
    options = AugmentOptions(copies=2, probability=1.0, candidates=1)
    summary = augment(source, tmp_path / "out.jsonl", colours, options)
    first, both = {"text_pair": "é", "label": "1.5"}, {"label": ["a", "b"]}
    assert rows_of(tmp_path / "out.jsonl") == [
        {"text": "red \ud800", **first, "augmented": False},
        *[{"text": "green \ud800", **first, "augmented": True}] * 2,
        {"text": "blue", **both, "augmented": False},
        *[{"text": "green", **both, "augmented": True}] * 2,
        {"text": "", "augmented": False},
        *[{"text": "", "augmented": True}] * 2,
    ]
    assert dataclasses.astuple(summary) == (3, 9, pytest.approx(4 / 6), 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "x.jsonl"]


def test_it_is_read_again_with_its_labels(tmp_path: Path, colours: WordVectors) -> None:
    source, output = table(tmp_path), tmp_path / "out.jsonl"
    augment(source, output, colours, OPTIONS)
    before, after = read_examples(source), read_examples(output)
    assert [each.labels for each in after] == [each.labels for each in before for _ in range(5)]
    assert [each.text for each in after[::5]] == [each.text for each in before]


def test_lines_of_a_text_file(tmp_path: Path, colours: WordVectors) -> None:
    (tmp_path / "x.txt").write_text("red\n\nblue\n")
    summary = augment(tmp_path / "x.txt", tmp_path / "out.jsonl", colours, OPTIONS)
    assert (summary.rows, summary.written) == (3, 15)
    assert rows_of(tmp_path / "out.jsonl")[5] == {"text": "", "augmented": False}


REFUSED = {
    "a bad row": ("x.jsonl", '{"text": "red"}\n{"text": 5}\n', "line 2: no text"),
    "no rows": ("x.tsv", "text\tlabel\n", "has no rows"),
    "no lines": ("x.txt", "", "has no rows"),
}


@pytest.mark.parametrize(("name", "content", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_data_that_is_refused_leaves_nothing(
    tmp_path: Path, colours: WordVectors, name: str, content: str, match: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(edgebert.InputError, match=match):
        augment(tmp_path / name, tmp_path / "out.jsonl", colours, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_outputs_that_are_refused(tmp_path: Path, colours: WordVectors) -> None:
    source = tmp_path / "x.jsonl"
    source.write_text('{"text": "red"}\n')
    output = tmp_path / "out.jsonl"
    (tmp_path / "folder.jsonl").mkdir()
    output.write_text("precious")
    for path, force, match in [
        (output, False, "exists; choose another name, or add --force"),
        (source, True, "is a folder, or the data itself"),
        (tmp_path / "folder.jsonl", True, "is a folder"),
        (tmp_path / "out.tsv", False, r"got '.tsv', expected .jsonl"),
        (tmp_path / "no" / "out.jsonl", False, "does not exist; create it first"),
        (tmp_path / f"{'x' * 300}.jsonl", False, "cannot be written"),
        (tmp_path / f"{'x' * 245}.jsonl", False, "cannot be written .*name too long"),
        (Path("a\0.jsonl"), False, "cannot be written"),
    ]:
        with pytest.raises(edgebert.InputError, match=match):
            augment(source, path, colours, OPTIONS, force=force)
    for pipe in (tmp_path, tmp_path / "nowhere.txt"):
        with pytest.raises(edgebert.InputError, match="cannot be read"):
            augment(pipe, output, colours, OPTIONS, force=True)
    assert output.read_text() == "precious"
    augment(source, output, colours, OPTIONS, force=True)
    assert len(rows_of(output)) == 5


# Interruptions


def test_a_run_continues_from_every_byte(tmp_path: Path, colours: WordVectors) -> None:
    source = table(tmp_path, rows=6)
    whole = augment(source, tmp_path / "whole.jsonl", colours, OPTIONS)
    expected = (tmp_path / "whole.jsonl").read_bytes()
    output = tmp_path / "out.jsonl"
    partial = stop_after(5, source, output, colours)
    assert expected.startswith(partial.read_bytes())
    record = partial.with_name(f"{partial.name}.json").read_text()
    groups = [len(b"".join(expected.splitlines(True)[: 5 * row])) for row in range(7)]
    for length in range(0, len(expected) + 1, 11):
        partial.write_bytes(expected[:length])
        partial.with_name(f"{partial.name}.json").write_text(record)
        summary = augment(source, output, colours, OPTIONS)
        assert output.read_bytes() == expected
        assert summary.continued_after == sum(end <= length for end in groups[1:])
        assert summary == dataclasses.replace(whole, continued_after=summary.continued_after)
        output.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.tsv", "whole.jsonl"]


def test_a_changed_run_starts_anew(tmp_path: Path, colours: WordVectors) -> None:
    source, output = table(tmp_path), tmp_path / "out.jsonl"
    (tmp_path / "other.txt").write_text(VECTORS + "pink 1 0.15\n")
    other = WordVectors(tmp_path / "other.txt")
    for candidates, options in [(colours, AugmentOptions(copies=4, seed=1)), (other, OPTIONS)]:
        stop_after(9, source, output, colours)
        assert augment(source, output, candidates, options).continued_after == 0
        continued = output.read_bytes()
        output.unlink()
        augment(source, output, candidates, options)
        assert output.read_bytes() == continued
        output.unlink()
    stop_after(9, source, output, colours)
    source.write_text(source.read_text().replace("29", "30"))
    assert augment(source, output, colours, OPTIONS).continued_after == 0
    assert ", 30 " in rows_of(output)[-5]["text"]


def test_zeros_and_a_broken_record_are_not_continued_from(
    tmp_path: Path, colours: WordVectors
) -> None:
    source, output = table(tmp_path), tmp_path / "out.jsonl"
    augment(source, output, colours, OPTIONS)
    expected = output.read_bytes()
    output.unlink()
    partial = stop_after(9, source, output, colours)
    written = partial.read_bytes()
    partial.write_bytes(written[:700] + bytes(300) + written[1000:])
    assert augment(source, output, colours, OPTIONS).continued_after < 9
    assert output.read_bytes() == expected
    output.unlink()
    stop_after(9, source, output, colours)
    partial.with_name(f"{partial.name}.json").write_text('{"version"')
    assert augment(source, output, colours, OPTIONS).continued_after == 0
    assert output.read_bytes() == expected


def test_two_runs_at_once(tmp_path: Path, colours: WordVectors) -> None:
    source, output = table(tmp_path), tmp_path / "out.jsonl"

    class Second(Stopping):
        def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
            if self._texts == 3:
                with pytest.raises(
                    edgebert.InputError, match=r"another run is writing .*out.jsonl"
                ):
                    augment(source, output, colours, OPTIONS)
                self.refused = True
            return super().at(words, positions, most)

    first = Second(colours, 5)
    with pytest.raises(KeyboardInterrupt):
        augment(source, output, first, OPTIONS)
    assert first.refused
    assert augment(source, output, colours, OPTIONS).continued_after == 5


def command(folder: Path, source: Path, output: Path) -> list[str]:
    arguments = ["augment", str(source), "-o", str(output), "--copies", "4", "--json"]
    return [sys.executable, "-m", "edgebert", *arguments, "--word-vectors", str(vectors(folder))]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **more}


@pytest.mark.slow
def test_killed_and_continued(tmp_path: Path, colours: WordVectors) -> None:
    source, output = table(tmp_path, rows=30_000), tmp_path / "out.jsonl"
    partial = tmp_path / ".out.jsonl.partial"
    arguments = command(tmp_path, source, output)
    with subprocess.Popen(arguments, env=environment(PYTHONHASHSEED="1")) as child:
        deadline = time.monotonic() + 120
        while not partial.exists() or partial.stat().st_size < 100_000:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert not output.exists()
    done = subprocess.run(
        arguments, env=environment(PYTHONHASHSEED="2"), check=True, capture_output=True
    )
    summary = json.loads(done.stdout)
    assert 0 < summary["continued_after"] < 30_000
    whole = augment(source, tmp_path / "whole.jsonl", colours, OPTIONS)
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert summary == {**dataclasses.asdict(whole), "continued_after": summary["continued_after"]}
    assert not partial.exists()


def test_full_disk(tmp_path: Path, colours: WordVectors) -> None:
    source, output = table(tmp_path, rows=300), tmp_path / "out.jsonl"
    # No file may grow beyond 20 KiB. Python ignores the signal and gets the error.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash", *command(tmp_path, source, output)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("edgebert: error: ")
    assert last.endswith("make room, then give the same command again to continue")
    assert "Traceback" not in done.stderr
    assert not output.exists()
    summary = augment(source, output, colours, OPTIONS)
    assert 0 < summary.continued_after < 300
    augment(source, tmp_path / "whole.jsonl", colours, OPTIONS)
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
