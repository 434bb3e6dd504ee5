"""The manifest of a bundle: what it holds, written and read strictly.

The format is specified in docs/bundle-format.md. Whatever this version does not know
is an error, never a guess: an unknown field may change the meaning of a known one.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgebert_runtime.json_fields import (
    parse,
    reject,
    take_counts,
    take_fields,
    take_integer,
    take_list,
    take_matching,
    take_number,
    take_share,
    take_text,
    take_texts,
)
from edgebert_runtime.manifest_versions import SCHEMA_VERSION, upgraded
from edgebert_runtime.provenance import (
    Calibration,
    Pruning,
    Search,
    calibration,
    pruning,
    search,
)

FILE_NAME = "manifest.json"
MAX_BYTES = 4 * 1024 * 1024
MAX_FILE_BYTES = 2**31
"""No format of a model file goes beyond it, so a larger claim is a mistake or an attack."""

MAX_WIDTH = 2**20
"""Four times the largest vocabularies; memory for a row of answers is set aside by it."""

TOKEN_TASKS = ("token-classification", "question-answering", "masked-lm")
"""Tasks whose artifacts answer [rows, tokens, width]: a row for each token of each text."""
TASKS = (
    "classification",
    "multi-label-classification",
    "regression",
    "embedding",
    *TOKEN_TASKS,
)
BACKENDS = ("tflite", "onnx", "torchscript")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
DTYPES = ("int32", "int64")

_MOST_ARTIFACTS = 100

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def tflite_signature(length: int | None) -> str:
    """The signature of a TFLite file for rows of `length` tokens; None: for rows of any."""
    return "tokens" if length is None else f"tokens_{length}"


@dataclass(frozen=True)
class File:
    """A file beside the manifest: plain name, sha256 in hexadecimal, size in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Parity:
    """An artifact against the float model on the same sentences, run through this runtime.

    Differences are of probabilities, of values for regression, of vector elements for embeddings;
    in `TOKEN_TASKS` the mean is of the total variation distance. `agreement` is the share of equal
    labels, spans or best tokens, the mean cosine of embeddings, or the coefficient of
    determination of regression values.
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
    float_layers: tuple[str, ...]
    """Layers that were left in float32, by their names in the model."""
    calibration: Calibration | None
    """None: no fixed ranges."""
    sparsity: float | None
    """Share of zeros among the weights of linear layers and tables; None: nobody counted."""
    lengths: tuple[int, ...]
    """Token lengths that the file has signatures for; empty when it takes any length."""
    inputs: Mapping[str, str]
    """Input name → integer dtype."""
    outputs: Mapping[str, int]
    """Output name → width of its float32 rows, a row for each text or, in `TOKEN_TASKS`, token."""
    components: Mapping[str, int]
    """Bytes of weights by part of the model; the rest of the file is its graph."""
    parity: Parity

    def row_length(self, tokens: int) -> int:
        """Tokens that a text of so many runs as: those of the smallest signature that holds it."""
        return next((length for length in self.lengths if length >= tokens), tokens)


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
    """In the order of the outputs; empty for tasks whose columns have no names."""
    max_length: int
    """Tokens that an answer can look at, special tokens included; longer text is truncated."""
    tokenizer: File
    source: Source
    artifacts: tuple[Artifact, ...]
    pruning: Pruning | None = None
    search: Search | None = None
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read the text of a manifest.json of this or an earlier schema version.

        Raises:
            ManifestVersionError: if a newer version of edgebert wrote it.
            ManifestError: naming the field, what it held and what was expected.
        """
        return _manifest(take_fields(upgraded(parse(text)), "manifest", cls))


def _file_fields(data: dict[str, Any], where: str) -> File:
    name = take_matching(
        data["file"], f"{where}.file", _FILE, "a plain file name inside the bundle"
    )
    if name.lower() == FILE_NAME:
        reject(f"{where}.file", name, "a file other than the manifest")
    digest = take_matching(data["sha256"], f"{where}.sha256", _SHA256, "64 hexadecimal digits")
    return File(name, digest, take_integer(data["bytes"], f"{where}.bytes", 1, MAX_FILE_BYTES))


def _parity(data: Any, where: str) -> Parity:
    fields = take_fields(data, where, Parity)
    return Parity(
        take_integer(fields["sentences"], f"{where}.sentences", 1),
        take_number(fields["max_difference"], f"{where}.max_difference"),
        take_number(fields["mean_difference"], f"{where}.mean_difference"),
        take_number(fields["agreement"], f"{where}.agreement"),
    )


def _artifact(data: Any, where: str, max_length: int) -> Artifact:
    fields = take_fields(data, where, Artifact)
    file = _file_fields(fields, where)
    lengths = tuple(
        take_integer(length, f"{where}.lengths", 1, max_length)
        for length in take_list(fields["lengths"], f"{where}.lengths")
    )
    if list(lengths) != sorted(set(lengths)) or (lengths and lengths[-1] != max_length):
        reject(f"{where}.lengths", lengths, f"ascending lengths that end with {max_length}")
    backend = take_text(fields["backend"], f"{where}.backend", BACKENDS)
    if lengths and backend != "tflite":
        reject(f"{where}.lengths", lengths, "none but for tflite")
    inputs = fields["inputs"]
    if not isinstance(inputs, dict) or not {"input_ids", "attention_mask"} <= inputs.keys():
        reject(f"{where}.inputs", inputs, "input_ids and attention_mask at least")
    outputs = take_counts(fields["outputs"], f"{where}.outputs")
    if len(outputs) != 1 or not 1 <= max(outputs.values()) <= MAX_WIDTH:
        reject(f"{where}.outputs", outputs, f"one output of 1 to {MAX_WIDTH} columns")
    return Artifact(
        backend=backend,
        file=file.file,
        sha256=file.sha256,
        bytes=file.bytes,
        recipe=take_text(fields["recipe"], f"{where}.recipe"),
        float_layers=take_texts(fields["float_layers"], f"{where}.float_layers"),
        calibration=calibration(fields["calibration"], f"{where}.calibration"),
        sparsity=None
        if fields["sparsity"] is None
        else take_share(fields["sparsity"], f"{where}.sparsity"),
        lengths=lengths,
        inputs={
            take_text(name, f"{where}.inputs", INPUTS): take_text(
                dtype, f"{where}.inputs.{name}", DTYPES
            )
            for name, dtype in inputs.items()
        },
        outputs=outputs,
        components=take_counts(fields["components"], f"{where}.components"),
        parity=_parity(fields["parity"], f"{where}.parity"),
    )


def _source(data: Any) -> Source:
    fields = take_fields(data, "source", Source)
    return Source(
        checkpoint=take_text(fields["checkpoint"], "source.checkpoint"),
        family=take_text(fields["family"], "source.family"),
        sha256=take_matching(fields["sha256"], "source.sha256", _SHA256, "64 hexadecimal digits"),
        parameters=take_counts(fields["parameters"], "source.parameters"),
        position_limit=take_integer(
            fields["position_limit"], "source.position_limit", 1, 1_000_000
        ),
    )


def _check_columns(task: str, labels: tuple[str, ...], width: int) -> None:
    """A name for each column, or none for any."""
    if task in ("embedding", "question-answering", "masked-lm"):
        if labels:
            reject("labels", labels, f"no labels for {task}")
    elif width != len(labels):
        reject("labels", labels, f"{width} labels, one for each output")
    if task == "question-answering" and width != 2:
        reject("artifacts", f"{width} outputs", "2 for question-answering: start and end")


def _manifest(fields: dict[str, Any]) -> Manifest:
    take_integer(fields["schema_version"], "schema_version", SCHEMA_VERSION, SCHEMA_VERSION)
    task = take_text(fields["task"], "task", TASKS)
    labels = tuple(take_text(label, "labels") for label in take_list(fields["labels"], "labels"))
    if len(set(labels)) != len(labels):
        reject("labels", labels, "each label once")
    source = _source(fields["source"])
    max_length = take_integer(fields["max_length"], "max_length", 1, source.position_limit)
    artifacts = tuple(
        _artifact(data, f"artifacts[{index}]", max_length)
        for index, data in enumerate(take_list(fields["artifacts"], "artifacts", _MOST_ARTIFACTS))
    )
    if not artifacts:
        reject("artifacts", artifacts, "at least one artifact")
    tokenizer = _file_fields(take_fields(fields["tokenizer"], "tokenizer", File), "tokenizer")
    names = [tokenizer.file, *(artifact.file for artifact in artifacts)]
    if len({name.lower() for name in names}) != len(names):
        reject("artifacts", names, "a file of its own for each, also where case is ignored")
    kinds = [(artifact.backend, artifact.recipe) for artifact in artifacts]
    if len(set(kinds)) != len(kinds):
        reject("artifacts", kinds, "each backend and recipe once")
    for artifact in artifacts:
        (width,) = artifact.outputs.values()
        _check_columns(task, labels, width)
    cuts, tried = pruning(fields["pruning"]), search(fields["search"])
    return Manifest(task, labels, max_length, tokenizer, source, artifacts, cuts, tried)
