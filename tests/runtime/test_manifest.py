"""A manifest is read strictly: each field, each way to get it wrong, one line that names it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import edgebert
from edgebert_runtime import Bundle, Manifest, ManifestError
from edgebert_runtime.manifest import TOKEN_TASKS

HASH = "0" * 64
MISSING = object()


@pytest.fixture(scope="module")
def text(explained: str) -> str:
    """Its TFLite file has lengths, as in every version."""
    data = json.loads(explained)
    for each in data["artifacts"]:
        if each["backend"] == "tflite":
            each["lengths"] = [8, 64]
    return json.dumps(data)


def altered(text: str, place: str, value: Any) -> str:
    """The manifest with `value` at a place such as `artifacts.0.parity.agreement`."""
    data = json.loads(text)
    *path, last = place.split(".")
    target = data
    for name in path:
        target = target[int(name) if isinstance(target, list) else name]
    if value is MISSING:
        del target[last]
    else:
        target[int(last) if isinstance(target, list) else last] = value
    return json.dumps(data)


def refuse(text: str, match: str) -> None:
    with pytest.raises(ManifestError, match=match) as caught:
        Manifest.from_json(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert "convert" in message


OBJECTS = {
    "": (
        *("task", "labels", "max_length", "tokenizer", "source", "artifacts"),
        *("pruning", "search", "schema_version"),
    ),
    "tokenizer.": ("file", "sha256", "bytes"),
    "source.": ("checkpoint", "family", "sha256", "parameters", "position_limit"),
    "artifacts.1.": (
        *("backend", "file", "sha256", "bytes", "recipe", "float_layers", "calibration"),
        *("sparsity", "lengths", "inputs", "outputs", "components", "parity"),
    ),
    "artifacts.1.calibration.": ("method", "sentences", "agreement"),
    "artifacts.1.parity.": ("sentences", "max_difference", "mean_difference", "agreement"),
    "pruning.": ("heads", "feed_forward", "parameters_before", "sparsity"),
    "search.": (
        *("data", "rows", "figure", "float_value", "max_drop"),
        *("recovery_steps", "trials"),
    ),
    "search.trials.1.": (
        *("backend", "recipe", "float_layers", "value", "p50_ms"),
        *("bytes", "recovered", "kept"),
    ),
}
FIELDS = [prefix + name for prefix, names in OBJECTS.items() for name in names]
NULLABLE = {"artifacts.1.calibration", "artifacts.1.sparsity", "pruning", "search"}
BOOLEAN = {"search.trials.1.recovered", "search.trials.1.kept"}
NUMBERS = {f"artifacts.1.parity.{name}" for name in OBJECTS["artifacts.1.parity."][1:]}
FIGURES = {"search.float_value", "search.trials.1.value"}
AMOUNTS = {"search.max_drop", "search.trials.1.p50_ms"}


def test_the_list_of_fields_is_complete(text: str) -> None:
    def places(data: Any, prefix: str) -> Iterator[str]:
        for name, value in data.items():
            yield prefix + name
            if name in ("tokenizer", "source", "parity", "calibration", "pruning", "search"):
                yield from places(value, f"{prefix}{name}.")
            elif name in ("artifacts", "trials"):
                yield from places(value[1], f"{prefix}{name}.1.")

    assert sorted(places(json.loads(text), "")) == sorted(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field(text: str, field: str) -> None:
    refuse(altered(text, field, MISSING), rf"got 'no {field.split('.')[-1]}', expected that field")


@pytest.mark.parametrize("prefix", OBJECTS)
def test_an_unknown_field(text: str, prefix: str) -> None:
    refuse(altered(text, f"{prefix}sh\na", 1), r"got \['sh\\na'\], expected no fields but ")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [None, True, 1.5, -1, "", "\ud800", [None], {"a": None}, 10**400, "x" * 200_000],
    ids=lambda value: repr(value)[:12],
)
def test_a_field_of_the_wrong_type(text: str, field: str, value: Any) -> None:
    right = (
        (value is None and field in NULLABLE)
        or (value is True and field in BOOLEAN)
        or (value == -1 and field in NUMBERS | FIGURES)
        or (value == 1.5 and field in NUMBERS | AMOUNTS)
    )
    if right:
        assert Manifest.from_json(altered(text, field, value))
    else:
        place = field.split(".")[-1]
        refuse(altered(text, field, value), rf"{place}.*: got |schema_version is ")


@pytest.mark.parametrize("version", [0, 5, -1, 10**4000], ids=lambda value: repr(value)[:12])
def test_another_schema_version(text: str, version: int) -> None:
    refuse(
        altered(text, "schema_version", version),
        r"^bundle schema_version is .*, this edgebert reads 1 to 4; upgrade edgebert",
    )


def as_version_1(text: str) -> dict[str, Any]:
    """The manifest as version 1 would have said it."""
    old: dict[str, Any] = json.loads(text) | {"schema_version": 1}
    del old["pruning"], old["search"]
    for artifact in old["artifacts"]:
        del artifact["float_layers"], artifact["calibration"], artifact["sparsity"]
    return old


def test_a_manifest_of_version_1(text: str) -> None:
    new = Manifest.from_json(text)
    artifacts = tuple(
        dataclasses.replace(each, float_layers=(), calibration=None, sparsity=None)
        for each in new.artifacts
    )
    expected = dataclasses.replace(new, artifacts=artifacts, pruning=None, search=None)
    assert Manifest.from_json(json.dumps(as_version_1(text))) == expected


@pytest.mark.parametrize("version", [2, 3])
def test_a_manifest_of_version_2_or_3(text: str, version: int) -> None:
    assert Manifest.from_json(altered(text, "schema_version", version)) == Manifest.from_json(text)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_any_length_ahead_of_its_version(text: str, version: int) -> None:
    old = as_version_1(text) if version == 1 else json.loads(text) | {"schema_version": version}
    tflite = next(each for each in old["artifacts"] if each["backend"] == "tflite")
    tflite["lengths"] = []
    place = old["artifacts"].index(tflite)
    refuse(
        json.dumps(old),
        rf"^artifacts\[{place}\]\.lengths: got \[\], expected one of tflite at least",
    )
    read = Manifest.from_json(altered(text, f"artifacts.{place}.lengths", []))
    assert read.artifacts[place].lengths == ()


@pytest.mark.parametrize("field", ["pruning", "search"])
def test_a_field_ahead_of_its_version(text: str, field: str) -> None:
    old = json.dumps(as_version_1(text) | {field: None})
    refuse(old, rf"^manifest: got \['{field}'\], expected no fields of a later schema version")


@pytest.mark.parametrize("field", ["float_layers", "calibration", "sparsity"])
def test_an_artifact_ahead_of_its_version(text: str, field: str) -> None:
    old = as_version_1(text)
    old["artifacts"][1][field] = None
    refuse(json.dumps(old), rf"^artifacts\[1\]: got \['{field}'\], expected no fields of a later")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("task", TOKEN_TASKS)
def test_a_task_ahead_of_its_version(text: str, version: int, task: str) -> None:
    old = as_version_1(text) if version == 1 else json.loads(text) | {"schema_version": 2}
    refuse(json.dumps(old | {"task": task}), "expected a task of schema version 2 or before")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("field", [*OBJECTS[""][:6], "artifacts.1", "artifacts.1.parity"])
@pytest.mark.parametrize("value", [None, 1.5, [], {}, [1]], ids=repr)
def test_an_earlier_version_is_read_as_strictly(
    text: str, version: int, field: str, value: Any
) -> None:
    old = as_version_1(text) if version == 1 else json.loads(text) | {"schema_version": 2}
    place = field.split(".")[0]
    with pytest.raises(ManifestError, match=rf"{place}.*: got "):
        Manifest.from_json(altered(json.dumps(old), field, value))


@pytest.mark.parametrize("version", ["1", True, None, 1.0, [1]])
def test_a_schema_version_that_is_no_number(text: str, version: Any) -> None:
    refuse(altered(text, "schema_version", version), r"^schema_version: got .*, expected a whole")


WRONG = {
    "task": ("task", "summarization", "expected one of classification"),
    "max_length 0": ("max_length", 0, "from 1 to 64"),
    "max_length beyond the positions": ("max_length", 65, "from 1 to 64"),
    "max_length unlike lengths": ("max_length", 63, "from 1 to 63|end with 63"),
    "file larger than any": ("tokenizer.bytes", 2**31 + 1, "from 1 to 2147483648"),
    "empty file": ("tokenizer.bytes", 0, "from 1"),
    "hash in capitals": ("tokenizer.sha256", "A" * 64, "64 hexadecimal digits"),
    "short hash": ("tokenizer.sha256", "a" * 63, "64 hexadecimal digits"),
    "hash with a newline": ("tokenizer.sha256", "a" * 64 + "\n", "64 hexadecimal digits"),
    "no artifacts": ("artifacts", [], "at least one artifact"),
    "backend": ("artifacts.0.backend", "coreml", "expected one of tflite"),
    "dtype": ("artifacts.0.inputs", {"input_ids": "int64", "attention_mask": "float32"}, "int64"),
    "no mask": ("artifacts.0.inputs", {"input_ids": "int64"}, "attention_mask at least"),
    "input": (
        "artifacts.0.inputs",
        {"input_ids": "int64", "attention_mask": "int64", "position_ids": "int64"},
        "one of input_ids",
    ),
    "no output": ("artifacts.0.outputs", {}, "one output"),
    "two outputs": ("artifacts.0.outputs", {"a": 2, "b": 2}, "one output"),
    "no columns": ("artifacts.0.outputs", {"a": 0}, "one output of 1 to 1048576 columns"),
    "more columns than labels": ("artifacts.0.outputs", {"a": 3}, "3 labels, one for each"),
    "part with a newline": ("source.parameters", {"a\nb": -1}, r"parameters\['a\\nb'\]: got -1"),
    "NaN": ("artifacts.0.parity.agreement", float("nan"), "finite numbers"),
    "infinity": ("artifacts.0.parity.agreement", float("-inf"), "finite numbers"),
    "labels twice": ("labels", ["a", "a"], "each label once"),
    "an empty label": ("labels", ["a", ""], "1 to 1000 characters"),
    "a lone surrogate": ("labels", ["a", "\udfff"], "without lone surrogates"),
    "too few labels": ("labels", ["a"], "2 labels, one for each output"),
    "no labels": ("labels", [], "2 labels, one for each output"),
    "labels for embeddings": ("task", "embedding", "no labels for embedding"),
    "labels for answers": ("task", "question-answering", "no labels for question-answering"),
    "labels for the vocabulary": ("task", "masked-lm", "no labels for masked-lm"),
    "lengths descending": ("artifacts.1.lengths", [64, 8], "ascending"),
    "lengths twice": ("artifacts.1.lengths", [8, 8, 64], "ascending"),
    "lengths beyond": ("artifacts.1.lengths", [8, 64, 128], "from 1 to 64"),
    "lengths short of it": ("artifacts.1.lengths", [8, 32], "end with 64"),
    "length 0": ("artifacts.1.lengths", [0, 64], "from 1 to 64"),
    "lengths for onnx": ("artifacts.0.lengths", [64], "none but for tflite"),
    "a nameless layer": ("artifacts.0.float_layers", ["a", ""], "1 to 1000 characters"),
    "more zeros than weights": ("artifacts.0.sparsity", 1.01, "a share from 0 to 1"),
    "fewer than no zeros": ("artifacts.0.sparsity", -0.01, "a share from 0 to 1"),
    "a method never tried": (
        "artifacts.0.calibration.method",
        "entropy",
        "one of the methods in agreement",
    ),
    "no method tried": (
        "artifacts.0.calibration.agreement",
        {},
        "one of the methods in agreement",
    ),
    "a nameless method": (
        "artifacts.0.calibration.agreement",
        {"percentile": 1.0, "": 1.0},
        "1 to 1000 characters",
    ),
    "a method that is no Unicode": (
        "artifacts.0.calibration.agreement",
        {"percentile": 1.0, "\udfff": 1.0},
        "without lone surrogates",
    ),
    "a method with a newline": (
        "artifacts.0.calibration.agreement",
        {"percentile": 1.0, "a\nb": None},
        r"agreement\['a\\nb'\]: got None",
    ),
    "no sentences": ("artifacts.0.calibration.sentences", 0, "from 1"),
    "a layer without heads": ("pruning.heads", [0, 2], "heads: got 0, expected .* from 1"),
    "a layer without neurons": ("pruning.feed_forward", [30, 0], "got 0, expected .* from 1"),
    "no layers": ("pruning.heads", [], "heads: got .*, one for each layer"),
    "heads of a layer more": ("pruning.heads", [1, 2, 2], "3 numbers, one for each layer"),
    "pruned from nothing": ("pruning.parameters_before", 0, "from 1"),
    "more pruned than weights": ("pruning.sparsity", 1.5, "a share from 0 to 1"),
    "another figure": ("search.figure", "F1", "one of accuracy, correlation"),
    "no rows": ("search.rows", 0, "from 1"),
    "steps backwards": ("search.recovery_steps", -1, "from 0"),
    "a whole number for yes": ("search.trials.0.kept", 1, "true or false"),
    "an empty artifact": ("search.trials.0.bytes", 0, "from 1"),
    "a trial's nameless layer": ("search.trials.0.float_layers", [""], "1 to 1000 characters"),
}


@pytest.mark.parametrize(("field", "value", "match"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value(text: str, field: str, value: Any, match: str) -> None:
    refuse(altered(text, field, value), match)


def with_columns(text: str, task: str, labels: list[str], width: int) -> str:
    data = json.loads(text) | {"task": task, "labels": labels}
    for artifact in data["artifacts"]:
        artifact["outputs"] = {"logits": width}
    return json.dumps(data)


@pytest.mark.parametrize(
    ("task", "labels", "width"),
    [
        ("token-classification", ["O", "B-PER", "I-PER"], 3),
        ("token-classification", ["O"], 1),
        ("question-answering", [], 2),
        ("masked-lm", [], 21_128),
        ("embedding", [], 312),
    ],
)
def test_columns_of_a_task(text: str, task: str, labels: list[str], width: int) -> None:
    manifest = Manifest.from_json(with_columns(text, task, labels, width))
    assert (manifest.task, manifest.labels) == (task, tuple(labels))
    assert all(artifact.outputs == {"logits": width} for artifact in manifest.artifacts)


@pytest.mark.parametrize(
    ("task", "labels", "width", "match"),
    [
        ("token-classification", ["O", "B-PER"], 3, "3 labels, one for each output"),
        ("token-classification", [], 3, "3 labels, one for each output"),
        ("token-classification", ["O", "O"], 2, "each label once"),
        ("question-answering", [], 1, "2 for question-answering: start and end"),
        ("question-answering", [], 3, "2 for question-answering: start and end"),
        ("question-answering", ["start", "end"], 2, "no labels for question-answering"),
        ("masked-lm", ["a", "b", "c"], 3, "no labels for masked-lm"),
    ],
)
def test_columns_of_another_task(
    text: str, task: str, labels: list[str], width: int, match: str
) -> None:
    refuse(with_columns(text, task, labels, width), match)


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "../x", "..", ".", "a/b", "a\\b", "C:x", "tokenizer.json/", "", " "),
        *("a\0b", ".hidden", "-x", "é", "a*", "a\n", "x" * 101, "manifest.json", "MANIFEST.json"),
    ],
)
@pytest.mark.parametrize("place", ["tokenizer.file", "artifacts.0.file"])
def test_a_file_name_that_leads_elsewhere(text: str, place: str, name: str) -> None:
    refuse(altered(text, place, name), r"\.file: got .*, expected a (plain file|file other)")


@pytest.mark.parametrize("name", ["int8_dynamic.tflite", "INT8_dynamic.TFLITE", "tokenizer.json"])
def test_one_file_for_two(text: str, name: str) -> None:
    refuse(altered(text, "artifacts.0.file", name), "a file of its own for each")


def test_one_backend_and_recipe_twice(text: str) -> None:
    again = json.loads(text)["artifacts"][0] | {"file": "again.onnx"}
    data = json.loads(text)
    data["artifacts"].append(again)
    refuse(json.dumps(data), "each backend and recipe once")


NO_JSON = {
    "empty": ("", "not valid JSON"),
    "a list": ("[]", "^manifest: got .*, expected an object"),
    "a number of 10,000 digits": ('{"schema_version": ' + "9" * 10_000 + "}", "not valid JSON"),
    "a repeated key": ('{"task": 1, "task": 1}', "a repeated key"),
    "a byte order mark": ("\ufeff{}", "not valid JSON"),
    "deep": ("[" * 100_000, "nesting too deep"),
    "closed deep": ("[" * 100_000 + "]" * 100_000, "nesting too deep"),
}


@pytest.mark.parametrize(("text", "match"), NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_manifest(text: str, match: str) -> None:
    refuse(text, match)


def test_nesting_up_to_what_the_parser_takes(text: str) -> None:
    for depth in range(1, 1100, 7):
        nested = "[" * depth + "]" * depth
        refuse(text.replace('"negative"', nested), r"labels: got |nesting too deep")


def test_a_truncated_manifest(text: str) -> None:
    for end in range(0, len(text.rstrip()), 50):
        refuse(text[:end], "not valid JSON")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\xff\xfe{}", "not UTF-8 text"),
        (b" " * (4 * 1024 * 1024 + 1), "more than 4194304 bytes"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
    ids=["UTF-16", "5 MB", "BOM"],
)
def test_a_manifest_file_that_is_no_text(copy: Path, content: bytes, match: str) -> None:
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(ManifestError, match=match):
        edgebert.load(copy)


def test_writing_and_reading_give_the_same(bundle: Path, text: str) -> None:
    plain = (bundle / "manifest.json").read_text(encoding="utf-8")
    assert Bundle(bundle).manifest == Manifest.from_json(plain)
    for written in (plain, text):
        manifest = Manifest.from_json(written)
        assert Manifest.from_json(manifest.to_json()) == manifest
        assert json.loads(written) == json.loads(json.dumps(dataclasses.asdict(manifest)))


def test_what_a_conversion_does_not_do_is_null(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["pruning"] is manifest["search"] is None
    for artifact in manifest["artifacts"]:
        assert artifact["calibration"] is None
        assert artifact["float_layers"] == []
        assert 0 < artifact["sparsity"] < 0.1
