"""The manifest of a bundle: what it holds, written and read strictly.

The format is specified in the README under "Bundle format". Whatever this version does not know
is an error, never a guess: an unknown field may change the meaning of a known one.
"""

from __future__ import annotations

import dataclasses
import json
import re
import reprlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from edgebert_runtime.errors import ManifestError

SCHEMA_VERSION = 1
FILE_NAME = "manifest.json"
MAX_BYTES = 4 * 1024 * 1024
MAX_FILE_BYTES = 2**31
"""No format of a model file goes beyond it, so a larger claim is a mistake or an attack."""

TASKS = ("classification", "multi-label-classification", "regression", "embedding")
BACKENDS = ("tflite", "onnx", "torchscript")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
DTYPES = ("int32", "int64")

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_SHORT = reprlib.Repr()
"""Shows a value of any size and depth in about a line."""
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80


@dataclass(frozen=True)
class File:
    """A file beside the manifest: plain name, sha256 in hexadecimal, size in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Parity:
    """An artifact against the float model on the same sentences, run through this runtime.

    Differences are of probabilities for classification, of values for regression, of vector
    elements for embeddings. `agreement` is the share of equal labels, the mean cosine of
    embeddings, or the coefficient of determination of regression values.
    """

    sentences: int
    max_difference: float
    mean_difference: float
    agreement: float


@dataclass(frozen=True)
class Artifact:
    """One model file of one backend, with all that is needed to feed it."""

    backend: str
    file: str
    sha256: str
    bytes: int
    recipe: str
    lengths: tuple[int, ...]
    """Token lengths that the file has signatures for; empty when it takes any length."""
    inputs: Mapping[str, str]
    """Input name → integer dtype."""
    outputs: Mapping[str, int]
    """Output name → width of its float32 rows."""
    components: Mapping[str, int]
    """Bytes of weights by part of the model; the rest of the file is its graph."""
    parity: Parity


@dataclass(frozen=True)
class Source:
    """The checkpoint that a bundle was made from."""

    checkpoint: str
    family: str
    sha256: str
    """Of the weight file."""
    parameters: Mapping[str, int]
    """Number of float parameters by part of the model."""
    position_limit: int
    """Tokens the position table has rows for; `Manifest.max_length` may be shorter."""


@dataclass(frozen=True)
class Manifest:
    """Everything that a bundle says about itself."""

    task: str
    labels: tuple[str, ...]
    """In the order of the outputs; empty for embeddings."""
    max_length: int
    """Tokens that an answer can look at, special tokens included; longer text is truncated."""
    tokenizer: File
    source: Source
    artifacts: tuple[Artifact, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read the text of a manifest.json.

        Raises:
            ManifestError: naming the field, what it held and what was expected.
        """
        try:
            data = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
        except RecursionError:
            _fail("manifest", "nesting too deep", "JSON nested a few levels deep")
        except ManifestError:
            raise
        except ValueError as error:
            raise ManifestError(
                f"manifest.json is not valid JSON ({error}); copy the bundle anew or convert again"
            ) from None
        version = data.get("schema_version") if isinstance(data, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            raise ManifestError(
                f"bundle schema_version is {shortened(version)}, this edgebert reads "
                f"{SCHEMA_VERSION}; upgrade edgebert, or convert the checkpoint again"
            )
        return _manifest(_fields(data, "manifest", cls))


def shortened(value: object) -> str:
    """A value for a message, in about a line whatever its size and depth."""
    try:
        shown = _SHORT.repr(value)
    except ValueError:
        shown = "a number of thousands of digits"
    return shown if len(shown) <= 120 else shown[:117] + "..."


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        _fail("manifest", "a repeated key", "each key once")
    return data


def _no_constant(name: str) -> NoReturn:
    _fail("manifest", name, "finite numbers")


def _fail(where: str, given: object, expected: str) -> NoReturn:
    raise ManifestError(
        f"{where}: got {shortened(given)}, expected {expected}; copy the bundle anew or convert "
        "again"
    )


def _fields(data: Any, where: str, kind: type) -> dict[str, Any]:
    expected = {field.name for field in dataclasses.fields(kind)}
    if not isinstance(data, dict):
        _fail(where, data, "an object")
    if unknown := sorted(data.keys() - expected):
        _fail(where, unknown, f"no fields but {', '.join(sorted(expected))}")
    if missing := sorted(expected - data.keys()):
        _fail(where, f"no {', '.join(missing)}", "that field")
    return data


def _integer(data: Any, where: str, low: int, high: int = 2**53) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or not low <= data <= high:
        _fail(where, data, f"a whole number from {low} to {high}")
    return data


def _number(data: Any, where: str) -> float:
    # NaN is not at most anything, and a whole number may be too large for a float.
    number = isinstance(data, int | float) and not isinstance(data, bool)
    if not number or not abs(data) <= sys.float_info.max:
        _fail(where, data, "a finite number")
    return float(data)


def _text(data: Any, where: str, allowed: Sequence[str] = ()) -> str:
    if not isinstance(data, str) or not data or len(data) > 1000:
        _fail(where, data, "a text of 1 to 1000 characters")
    if any("\ud800" <= character <= "\udfff" for character in data):
        _fail(where, data, "a text without lone surrogates")
    if allowed and data not in allowed:
        _fail(where, data, f"one of {', '.join(allowed)}")
    return data


def _matching(data: Any, where: str, pattern: re.Pattern[str], expected: str) -> str:
    if not isinstance(data, str) or not pattern.fullmatch(data):
        _fail(where, data, expected)
    return data


def _list(data: Any, where: str) -> list[Any]:
    if not isinstance(data, list) or len(data) > 100_000:
        _fail(where, data, "a list")
    return data


def _counts(data: Any, where: str) -> dict[str, int]:
    if not isinstance(data, dict):
        _fail(where, data, "an object of name and number")
    return {
        _text(key, where): _integer(value, f"{where}[{key!r}]", 0) for key, value in data.items()
    }


def _file_fields(data: dict[str, Any], where: str) -> File:
    name = _matching(data["file"], f"{where}.file", _FILE, "a plain file name inside the bundle")
    if name.lower() == FILE_NAME:
        _fail(f"{where}.file", name, "a file other than the manifest")
    digest = _matching(data["sha256"], f"{where}.sha256", _SHA256, "64 hexadecimal digits")
    return File(name, digest, _integer(data["bytes"], f"{where}.bytes", 1, MAX_FILE_BYTES))


def _parity(data: Any, where: str) -> Parity:
    fields = _fields(data, where, Parity)
    return Parity(
        _integer(fields["sentences"], f"{where}.sentences", 1),
        _number(fields["max_difference"], f"{where}.max_difference"),
        _number(fields["mean_difference"], f"{where}.mean_difference"),
        _number(fields["agreement"], f"{where}.agreement"),
    )


def _artifact(data: Any, where: str, max_length: int) -> Artifact:
    fields = _fields(data, where, Artifact)
    file = _file_fields(fields, where)
    lengths = tuple(
        _integer(length, f"{where}.lengths", 1, max_length)
        for length in _list(fields["lengths"], f"{where}.lengths")
    )
    if list(lengths) != sorted(set(lengths)) or (lengths and lengths[-1] != max_length):
        _fail(f"{where}.lengths", lengths, f"ascending lengths that end with {max_length}")
    backend = _text(fields["backend"], f"{where}.backend", BACKENDS)
    if bool(lengths) != (backend == "tflite"):
        _fail(f"{where}.lengths", lengths, "lengths for tflite, and none for other backends")
    inputs = fields["inputs"]
    if not isinstance(inputs, dict) or not {"input_ids", "attention_mask"} <= inputs.keys():
        _fail(f"{where}.inputs", inputs, "input_ids and attention_mask at least")
    outputs = _counts(fields["outputs"], f"{where}.outputs")
    if len(outputs) != 1 or 0 in outputs.values():
        _fail(f"{where}.outputs", outputs, "one output of at least one column")
    return Artifact(
        backend=backend,
        file=file.file,
        sha256=file.sha256,
        bytes=file.bytes,
        recipe=_text(fields["recipe"], f"{where}.recipe"),
        lengths=lengths,
        inputs={
            _text(name, f"{where}.inputs", INPUTS): _text(dtype, f"{where}.inputs.{name}", DTYPES)
            for name, dtype in inputs.items()
        },
        outputs=outputs,
        components=_counts(fields["components"], f"{where}.components"),
        parity=_parity(fields["parity"], f"{where}.parity"),
    )


def _source(data: Any) -> Source:
    fields = _fields(data, "source", Source)
    return Source(
        checkpoint=_text(fields["checkpoint"], "source.checkpoint"),
        family=_text(fields["family"], "source.family"),
        sha256=_matching(fields["sha256"], "source.sha256", _SHA256, "64 hexadecimal digits"),
        parameters=_counts(fields["parameters"], "source.parameters"),
        position_limit=_integer(fields["position_limit"], "source.position_limit", 1, 1_000_000),
    )


def _manifest(fields: dict[str, Any]) -> Manifest:
    _integer(fields["schema_version"], "schema_version", SCHEMA_VERSION, SCHEMA_VERSION)
    task = _text(fields["task"], "task", TASKS)
    labels = tuple(_text(label, "labels") for label in _list(fields["labels"], "labels"))
    if len(set(labels)) != len(labels):
        _fail("labels", labels, "each label once")
    source = _source(fields["source"])
    max_length = _integer(fields["max_length"], "max_length", 1, source.position_limit)
    artifacts = tuple(
        _artifact(data, f"artifacts[{index}]", max_length)
        for index, data in enumerate(_list(fields["artifacts"], "artifacts"))
    )
    if not artifacts:
        _fail("artifacts", artifacts, "at least one artifact")
    tokenizer = _file_fields(_fields(fields["tokenizer"], "tokenizer", File), "tokenizer")
    names = [tokenizer.file, *(artifact.file for artifact in artifacts)]
    if len({name.lower() for name in names}) != len(names):
        _fail("artifacts", names, "a file of its own for each, also where case is ignored")
    kinds = [(artifact.backend, artifact.recipe) for artifact in artifacts]
    if len(set(kinds)) != len(kinds):
        _fail("artifacts", kinds, "each backend and recipe once")
    for artifact in artifacts:
        (width,) = artifact.outputs.values()
        if (labels and width != len(labels)) or (not labels and task != "embedding"):
            _fail("labels", labels, f"{width} labels, one for each output")
        if labels and task == "embedding":
            _fail("labels", labels, "no labels for embeddings")
    return Manifest(task, labels, max_length, tokenizer, source, artifacts)
