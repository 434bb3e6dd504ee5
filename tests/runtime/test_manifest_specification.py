"""docs/bundle-format.md says what the reader does: fields, types, bounds, versions, names."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import Any

import hand_made
import pytest

from edgebert_runtime import (
    Artifact,
    Manifest,
    ManifestError,
    file_kinds,
    json_fields,
    manifest,
    zip_reading,
)
from edgebert_runtime.manifest import File, Parity, Source
from edgebert_runtime.manifest_versions import SCHEMA_VERSION
from edgebert_runtime.provenance import Calibration, Pruning, Search, Trial

TEXT = (Path(__file__).parent.parent.parent / "docs" / "bundle-format.md").read_text("utf-8")
WHOLE = hand_made.manifest().to_json()
KINDS = {
    kind.__name__: kind
    for kind in (Manifest, File, Artifact, Parity, Calibration, Source, Pruning, Search, Trial)
}


def rows(heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    section = TEXT.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


FIELDS = {(name, row[0].strip("`")): row for name in KINDS for row in rows(f"### {name}")}
PLACES = {
    "Manifest": "",
    "File": "tokenizer.",
    "Artifact": "artifacts.0.",
    "Parity": "artifacts.0.parity.",
    "Calibration": "artifacts.0.calibration.",
    "Source": "source.",
    "Pruning": "pruning.",
    "Search": "search.",
    "Trial": "search.trials.0.",
}
TYPES = {
    "text": str,
    "integer": int,
    "number": float,
    "share": float,
    "true or false": bool,
    "list of text": tuple[str, ...],
    "list of integer": tuple[int, ...],
    "counts": typing.Mapping[str, int],
    "figures": typing.Mapping[str, float],
    "object": typing.Mapping[str, str],
    "share or null": float | None,
    "list of Artifact": tuple[Artifact, ...],
    "list of Trial": tuple[Trial, ...],
    "Calibration or null": Calibration | None,
    "Pruning or null": Pruning | None,
    "Search or null": Search | None,
    **{kind.__name__: kind for kind in (File, Source, Parity)},
}


@pytest.mark.parametrize("name", KINDS)
def test_the_fields_of_an_object(name: str) -> None:
    fields = [field.name for field in dataclasses.fields(KINDS[name])]
    assert [row[0].strip("`") for row in rows(f"### {name}")] == fields


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_the_type_of_a_field(name: str, field: str) -> None:
    said = FIELDS[name, field][1].partition(",")[0]
    module = typing.get_type_hints(KINDS[name])
    assert repr(TYPES[said]).replace("typing.", "collections.abc.") == repr(module[field])


def altered(text: str, place: str, value: Any) -> str:
    data = json.loads(text)
    *path, last = place.split(".")
    target = data
    for name in path:
        target = target[int(name) if isinstance(target, list) else name]
    target[last] = [value] if isinstance(target[last], list) else value
    return json.dumps(data)


def refusal(text: str) -> str:
    """Why the text is no manifest; empty where it is one."""
    try:
        Manifest.from_json(text)
    except ManifestError as error:
        return str(error)
    return ""


BOUNDED = {key: row[1] for key, row in FIELDS.items() if "," in row[1] and "`" not in row[1]}


@pytest.mark.parametrize(("name", "field"), BOUNDED)
def test_the_bounds_of_a_number(name: str, field: str) -> None:
    kind, _, bounds = BOUNDED[name, field].partition(", ")
    low, high = (*map(int, re.findall(r"-?\d+", bounds)), None)[:2]
    assert low is not None
    assert bounds == (f"from {low}" if high is None else f"{low} to {high}")
    step = 0.01 if kind == "number" else 1
    for value in [low - step] + ([] if high is None else [high + step]):
        with pytest.raises(ManifestError, match=rf"{field}.*: got |schema_version is "):
            Manifest.from_json(altered(WHOLE, PLACES[name] + field, value))
    for value in [low] + ([] if high is None else [high]):
        # Another rule may be broken by it, but not this one.
        message = refusal(altered(WHOLE, PLACES[name] + field, value))
        assert not re.match(rf".*{field}[^ ]*: got {value}, ", message)


def test_a_field_is_as_old_as_it_says() -> None:
    """Version 1 is what has no younger field."""
    old = json.loads(WHOLE) | {"schema_version": 1}
    for (name, field), row in FIELDS.items():
        if row[3] == "1" or name not in ("Manifest", "Artifact"):
            continue
        assert row[3] == "2"
        for target in old["artifacts"] if name == "Artifact" else [old]:
            del target[field]
    assert Manifest.from_json(json.dumps(old)).schema_version == SCHEMA_VERSION


def test_versions() -> None:
    assert f"\nSchema version {SCHEMA_VERSION}." in TEXT
    section = TEXT.partition("\n## Versions\n")[2]
    assert [int(found) for found in re.findall(r"\*\*Version (\d+)\*\*", section)] == list(
        range(1, SCHEMA_VERSION + 1)
    )
    assert FIELDS["Manifest", "schema_version"][1] == f"integer, 1 to {SCHEMA_VERSION}"


def test_tasks() -> None:
    table = rows("## What a model takes and gives")
    names = [row[0].partition("`")[2].partition("`")[0] for row in table]
    assert sorted(names) == sorted(manifest.TASKS)
    tokens = {row[0].partition("`")[2].partition("`")[0] for row in table if "(token)" in row[0]}
    assert tokens == set(manifest.TOKEN_TASKS)
    unnamed = {name for name, row in zip(names, table, strict=True) if row[2] == "none"}
    assert unnamed == {"embedding", "question-answering", "masked-lm"}


def test_kinds_of_files() -> None:
    listed = {row[0].split("`")[1] for row in rows("## Listed files")}
    assert listed == {"tokenizer", *manifest.BACKENDS}
    assert f"within {file_kinds.HEAD_BYTES} bytes" in TEXT


def test_numbers_in_the_text() -> None:
    mebibyte = 1024 * 1024
    assert 4 * mebibyte == manifest.MAX_BYTES
    assert "at most 4 MiB, one JSON object" in TEXT
    assert f"more than\n{json_fields.MOST_VALUES:,} of the characters" in TEXT
    assert (100, mebibyte) == (zip_reading.MOST_RATIO, zip_reading.FREE_BYTES)
    assert "at most 100 times the compressed size and 1 MiB" in TEXT
    assert zip_reading._MOST_ENTRIES == 1000
    assert mebibyte == zip_reading._MOST_DIRECTORY_BYTES
    assert "At most 1000 entries and 1 MiB of central directory" in TEXT


@pytest.mark.parametrize("name", [*manifest.INPUTS, *manifest.DTYPES, *manifest.BACKENDS])
def test_every_name_is_mentioned(name: str) -> None:
    assert f"`{name}`" in TEXT
