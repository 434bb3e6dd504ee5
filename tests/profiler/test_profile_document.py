import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from edgebert.profiler import page, pictures, spreadsheet
from edgebert.profiler.profile import Machine, Profile, model_of
from edgebert.profiler.report import as_text
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError
from edgebert_runtime.provenance import Pruning, Search, Trial


def test_what_is_written_can_be_read(full_profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(full_profile.to_json(), encoding="ascii")
    assert Profile.read(path) == full_profile


def test_a_model_is_what_its_manifest_says(bundle: Path) -> None:
    opened = Bundle(bundle)
    model = model_of(opened, "small")
    manifest = opened.manifest
    assert (model.task, model.max_length) == (manifest.task, manifest.max_length)
    assert model.manifest_bytes == (bundle / "manifest.json").stat().st_size
    found = model.artifact("onnx", "int8_dynamic")
    assert found is not None
    file = next(each.file for each in manifest.artifacts if each.backend == "onnx")
    files = (file, manifest.tokenizer.file, "manifest.json")
    assert model.device_bytes(found.bytes) == sum((bundle / each).stat().st_size for each in files)
    assert model.artifact("onnx", "float16") is None
    assert (found.score, model.scoring, model.pruning) == (None, None, None)


def test_a_score_is_of_the_kept_trial(bundle: Path) -> None:
    opened = Bundle(bundle)
    trials = tuple(
        Trial("onnx", "int8_dynamic", (), value, 1.0, 1000, False, kept)
        for value, kept in ((0.5, False), (0.875, True))
    )
    opened.manifest = dataclasses.replace(
        opened.manifest,
        search=Search("dev.tsv", 100, "accuracy", 0.9, 1.0, 0, trials),
        pruning=Pruning((2,), (30,), 50_000, 0.0),
    )
    model = model_of(opened, "small")
    found = {each.backend: each.score for each in model.artifacts}
    assert (found["onnx"], found["tflite"]) == (0.875, None)
    assert model.scoring is not None
    assert (model.scoring.float_score, model.scoring.rows) == (0.9, 100)
    assert model.pruning is not None


def test_results_are_found(full_profile: Profile) -> None:
    kitchen = full_profile.on("kitchen")
    assert kitchen
    assert {each.device for each in kitchen} == {"kitchen"}
    assert full_profile.tokens() == (8, 16, 64)
    timing = kitchen[0].timing(16, batch=4)
    assert timing is not None
    assert (timing.tokens, timing.batch) == (16, 4)
    assert kitchen[0].timing(17) is None
    assert kitchen[0].key == ("kitchen", "small", "onnx", "int8_dynamic", 1)
    assert full_profile.model("small").name == "small"


def test_names_must_fit(profile: Profile) -> None:
    with pytest.raises(InputError, match="'local' is none of its devices"):
        Profile.of([Machine("other", "local")], profile.models, profile.results)
    with pytest.raises(InputError, match="two models have one name"):
        Profile.of(profile.devices, [*profile.models, *profile.models], profile.results)


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], object]:
    """A change of one value within a document."""

    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


_TIMING = ("results", 0, "measurement", "lengths", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("schema_version", value=1), "its schema_version is 1"),
        (_set("schema_version", value=[[[[[[[3]]]]]]]), "its schema_version is"),
        (lambda data: data.pop("schema_version"), "it has no schema_version"),
        (lambda data: data.pop("models"), "expected an object of"),
        (_set("surprise", value=1), "expected an object of"),
        (_set("created", value="yesterday"), "expected a date and time"),
        (_set("created", value="2026-01-01T00:00:00"), "expected a date and time"),
        (_set("results", 0, "device", value="moon"), "'moon' is none of its devices"),
        (_set("results", 0, "model", value="moon"), "'moon' is none of its models"),
        (_set("results", 0, "measurement", "threads", value="two"), "threads: expected int"),
        (_set("results", 0, "measurement", "threads", value=True), "threads: expected int"),
        (_set("results", 0, "measurement", "schema_version", value=1), "schema_version 1"),
        (_set("results", 0, "measurement", "bytes", value=2**80), "a number beyond 2^53"),
        (_set(*_TIMING, "p50_ms", value=float("inf")), "p50_ms: expected a finite number"),
        (_set(*_TIMING, "p90_ms", value=float("nan")), "p90_ms: expected a finite number"),
        (_set(*_TIMING, "p50_ms", value=0.0), "timing: expected times from 1e-09 to 1e+12 ms"),
        (_set(*_TIMING, "interval_ms", value=[1.0]), "interval_ms: expected two ends"),
        (_set(*_TIMING, "quantiles_ms", value=[1.0, 2.0]), "quantiles_ms: expected 21"),
        (_set(*_TIMING, "quantiles_ms", value=[float(21 - n) for n in range(21)]), "ascending"),
        (_set("results", 0, "measurement", "bytes", value=-1), "expected bytes of 0 or more"),
        (_set("models", 0, "artifacts", 0, "components", "head", value=-1), "0 or more"),
        (_set(*_TIMING, "runs", value=0), "expected tokens, batch, runs and sentences above 0"),
    ],
)  # fmt: skip
def test_what_is_no_profile_is_refused_in_one_line(
    profile: Profile, tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    data = json.loads(profile.to_json())
    change(data)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        Profile.read(path)
    assert message in str(caught.value)
    assert "changed.json" in str(caught.value)
    assert "edgebert profile" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"[" * 100_000, "no profile"),
        (b"[]", "it has no schema_version"),
        (b'{"schema_version": 2}', "expected an object of"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "changed.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Profile.read(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json", Path("a\0b")):
        with pytest.raises(InputError, match="cannot be read"):
            Profile.read(path)


def _leaves(data: Any) -> Iterator[tuple[Any, Any]]:
    """Container and key of each value that is none."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict | list) and value:
            yield from _leaves(value)
        else:
            yield data, key


def test_what_can_be_read_can_be_shown(full_profile: Profile) -> None:
    """Values changed at random: refused in one line, or shown by every report."""
    random = Random(20)
    values: dict[type, list[Any]] = {
        float: [0.0, 1e-9, 0.5, -40.0, 1e12, 1e300, 5e-324, None],
        int: [0, 1, 2, 5000, 2**53, -1, None],
        str: ["", "\ud800", "=x", "-", "~", "\x1b[2J", "x" * 5000],
        list: [[]],
        dict: [{}],
        bool: [True, None],
        type(None): [None, 0.5, "text", []],
    }
    text = full_profile.to_json()
    shown, refused = 0, []
    for _ in range(140):
        data = json.loads(text)
        for container, key in random.sample(list(_leaves(data)), random.choice([1, 3, 8])):
            container[key] = random.choice(values[type(container[key])])
        try:
            changed = Profile.from_json(json.dumps(data))
        except InputError as error:
            refused.append(str(error))
            continue
        shown += 1
        assert as_text(changed)
        page.render(changed).encode("utf-8")
        spreadsheet.render(changed)
        if shown % 10 == 1:
            pictures.render(changed)
    assert min(shown, len(refused)) > 20
    assert not any("\n" in message for message in refused)
