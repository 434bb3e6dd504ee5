import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgebert.profiler import output, pictures
from edgebert.profiler.output import check_report, write_report
from edgebert.profiler.profile import Profile
from edgebert_runtime.errors import InputError, MissingBackendError


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def colours(content: bytes) -> set[tuple[int, ...]]:
    return set(map(tuple, np.unique(pixels(content).reshape(-1, 3), axis=0).tolist()))


def rgb(name: str) -> tuple[int, ...]:
    return tuple(int(name[place : place + 2], 16) for place in (1, 3, 5))


def test_each_artifact_has_its_colour(full_profile: Profile) -> None:
    kinds = {(each.model, each.artifact) for each in full_profile.results}
    found = colours(pictures.render(full_profile))
    shown = [colour for colour in pictures._COLOURS if rgb(colour) in found]
    assert shown == list(pictures._COLOURS[: len(kinds)])


def test_a_picture_grows_with_devices_and_bars(profile: Profile, full_profile: Profile) -> None:
    one, three = pixels(pictures.render(profile)), pixels(pictures.render(full_profile))
    assert three.shape[1] > 2 * one.shape[1]
    less = pixels(pictures.render(replace(profile, results=profile.results[:1])))
    assert less.shape[0] < one.shape[0]


def test_a_profile_of_nothing_is_a_picture_too(profile: Profile) -> None:
    assert pixels(pictures.render(replace(profile, results=()))).size


def test_names_are_no_formulas(profile: Profile) -> None:
    name = r"$\undefined{$ \n"
    model = replace(profile.models[0], name=name)
    renamed = tuple(replace(each, model=name) for each in profile.results)
    assert pictures.render(replace(profile, models=(model,), results=renamed))


def test_without_matplotlib(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    for call in (lambda path: write_report(path, profile), check_report):
        with pytest.raises(MissingBackendError, match=r"run: pip install 'edgebert\[compare\]'"):
            call(tmp_path / "profile.png")
    assert list(tmp_path.iterdir()) == []
    write_report(tmp_path / "profile.csv", profile)


def test_each_kind_of_report_is_written(full_profile: Profile, tmp_path: Path) -> None:
    starts = {".json": b"{", ".html": b"<!DOCTYPE html>", ".csv": b"device,", ".png": b"\x89PNG"}
    assert starts.keys() == output._KINDS.keys()
    for suffix, start in starts.items():
        path = tmp_path / f"profile{suffix.upper()}"
        path.write_bytes(b"old")
        check_report(path)
        write_report(path, full_profile)
        assert path.read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == len(starts)
    assert Profile.read(tmp_path / "profile.JSON") == full_profile


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("profile.pdf", r"expected .json, .html, .csv or .png"),
        ("profile", r"expected .json, .html, .csv or .png"),
        ("none/profile.html", "does not exist"),
        ("folder.html", "is a folder"),
        ("a\0b.html", "expected a path"),
    ],
)
def test_what_cannot_be_written_is_said_before(
    profile: Profile,
    tmp_path: Path,
    *,
    measured: bool,
    name: str,
    message: str,
) -> None:
    (tmp_path / "folder.html").mkdir()
    refuse = partial(write_report, profile=profile) if measured else check_report
    with pytest.raises(InputError, match=message):
        refuse(tmp_path / name)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.html"]
