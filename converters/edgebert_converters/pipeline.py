"""Export, run and compare every artifact, then write the bundle: all or nothing."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgebert_converters import components, onnx, parity, publish, tflite, torchscript
from edgebert_converters.checkpoint import Checkpoint, load_checkpoint
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import DEFAULT_RECIPE, Recipe, recipe
from edgebert_converters.sentence_transformers import POOLINGS
from edgebert_runtime.backends import open_backend
from edgebert_runtime.errors import (
    ConversionError,
    EdgeBertError,
    InputError,
    ManifestError,
)
from edgebert_runtime.examples import read_texts
from edgebert_runtime.manifest import FILE_NAME, Artifact, File, Manifest, Parity
from edgebert_runtime.model import Model
from edgebert_runtime.processors import available_processors
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer

FORMATS = ("onnx", "tflite", "torchscript")
LENGTHS = (8, 16, 32, 64, 128, 256)
_SUFFIXES = {"onnx": "onnx", "tflite": "tflite", "torchscript": "pt"}
_INTERFACES = {
    "onnx": (onnx.INPUT_DTYPE, onnx.OUTPUT),
    "tflite": (tflite.INPUT_DTYPE, tflite.OUTPUT),
    "torchscript": (torchscript.INPUT_DTYPE, torchscript.OUTPUT),
}
_MOST_SENTENCES = 1000
_WORK = "edgebert-convert-"


@dataclass(frozen=True)
class ConvertOptions:
    """What to make of a checkpoint."""

    formats: tuple[str, ...] = FORMATS
    recipes: tuple[str, ...] = (DEFAULT_RECIPE,)
    lengths: tuple[int, ...] | None = None
    """Token lengths of TFLite's signatures; the last is the bundle's limit. None: the defaults
    below the model's own limit, and that limit."""
    calibration: Path | None = None
    """Sentences to compare on (text, TSV, CSV or JSONL; the first 1,000); None: our own."""
    pooling: str | None = None
    """"mean" or "cls": make an embedding model of a bare encoder."""
    force: bool = False
    """Replace a bundle that is there already."""


def convert(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: ConvertOptions | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Manifest:
    """Convert a checkpoint folder into a bundle at `output`; returns its manifest.

    `report` gets a line of progress before each step.

    Raises:
        InputError: for an option or output that cannot be used.
        ConversionError: for a checkpoint that cannot be converted, or an exporter that fails.
        AccuracyError: if an artifact strays from the float model further than its recipe allows.
        In each case nothing is written at `output`.
    """
    options = options or ConvertOptions()
    folder, target = publish.as_path(checkpoint, "checkpoint"), publish.as_path(output, "output")
    recipes = _check(options)
    publish.check_target(target, force=options.force)
    sentences = _sentences(options.calibration)
    report(f"reading {checkpoint}")
    with quiet():
        loaded = load_checkpoint(folder, options.pooling)
    lengths = _lengths(options.lengths, loaded.max_length)
    temporary = Path(tempfile.gettempdir())
    publish.remove_abandoned(temporary, _WORK)
    try:
        with tempfile.TemporaryDirectory(
            prefix=f"{_WORK}{os.getpid()}.", ignore_cleanup_errors=True
        ) as work:
            # The temporary folder is closed to other users, and a copy of it would be too.
            bundle = Path(work) / "bundle"
            bundle.mkdir()
            manifest = _Conversion(loaded, bundle, lengths, report).run(
                options.formats, recipes, sentences
            )
            report(f"writing {target}")
            publish.publish(bundle, target)
    except OSError as error:
        if isinstance(error, EdgeBertError):
            raise
        raise ConversionError(
            f"the bundle could not be written ({error}); nothing was left at {str(target)!r}: "
            f"check free space there and in {str(temporary)!r}"
        ) from error
    return manifest


@dataclass(frozen=True)
class _Conversion:
    checkpoint: Checkpoint
    folder: Path
    lengths: tuple[int, ...]
    report: Callable[[str], None]

    def run(
        self, formats: tuple[str, ...], recipes: list[Recipe], sentences: list[Text]
    ) -> Manifest:
        """Fill the folder with every artifact and the manifest over them."""
        limit = self.lengths[-1]
        try:
            tokenizer = Tokenizer(self.checkpoint.tokenizer, limit)
        except ManifestError as error:
            raise InputError(f"lengths: {error}") from None
        encodings = [tokenizer.encode(text) for text in sentences]
        self.report(f"running the float model on {len(sentences)} sentences")
        expected = parity.float_outputs(self.checkpoint, encodings)
        (self.folder / "tokenizer.json").write_bytes(self.checkpoint.tokenizer)
        manifest = Manifest(
            task=self.checkpoint.task,
            labels=self.checkpoint.labels,
            max_length=limit,
            tokenizer=_file(self.folder / "tokenizer.json"),
            source=self.checkpoint.source,
            artifacts=(),
        )
        for form in formats:
            for each in recipes:
                self.report(f"exporting {form} {each.name}")
                artifact = self._export(form, each, expected.shape[1])
                model = Model(manifest, artifact, tokenizer)
                compared = self._compare(model, encodings, expected)
                parity.check(manifest.task, each, compared, form)
                artifacts = (*manifest.artifacts, replace(artifact, parity=compared))
                manifest = replace(manifest, artifacts=artifacts)
        text = manifest.to_json()
        Manifest.from_json(text)
        (self.folder / FILE_NAME).write_text(text, encoding="utf-8")
        return manifest

    def _export(self, form: str, each: Recipe, width: int) -> Artifact:
        student = self.checkpoint.student
        path = self.folder / f"{each.name}.{_SUFFIXES[form]}"
        try:
            with quiet():
                if form == "tflite":
                    tflite.export(student, each, path, self.lengths)
                elif form == "onnx":
                    onnx.export(student, each, path)
                else:
                    torchscript.export(student, each, path)
        except (EdgeBertError, OSError, MemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ConversionError(
                f"{form} export failed ({reason}); set EDGEBERT_DEBUG=1 for the exporter's output"
            ) from error
        file = _file(path)
        input_dtype, output = _INTERFACES[form]
        return Artifact(
            backend=form,
            file=file.file,
            sha256=file.sha256,
            bytes=file.bytes,
            recipe=each.name,
            lengths=self.lengths if form == "tflite" else (),
            inputs=dict.fromkeys(student.input_names, input_dtype),
            outputs={output: width},
            components=components.weight_bytes(student, each),
            parity=Parity(1, 0.0, 0.0, 0.0),
        )

    def _compare(
        self, model: Model, encodings: list[Encoding], expected: NDArray[np.float32]
    ) -> Parity:
        artifact = model.artifact
        self.report(f"comparing {artifact.backend} {artifact.recipe} with the float model")
        with quiet():
            backend = open_backend(artifact, self.folder / artifact.file, available_processors())
            with model.attached(backend):
                return parity.compare(model.manifest.task, expected, model.run(encodings))


def _check(options: ConvertOptions) -> list[Recipe]:
    if options.pooling not in (None, *POOLINGS):
        raise InputError(f"pooling: got {options.pooling!r}, expected {' or '.join(POOLINGS)}")
    for name, values in (("formats", options.formats), ("recipes", options.recipes)):
        if isinstance(values, str):
            raise InputError(f"{name}: got {values!r}, expected a tuple of names: ({values!r},)")
        if not values or len(set(values)) != len(values):
            raise InputError(f"{name}: got {', '.join(values)!r}, expected each once, one at least")
    for form in options.formats:
        if form not in FORMATS:
            raise InputError(f"format: got {form!r}, expected one of {', '.join(FORMATS)}")
    return [recipe(name) for name in options.recipes]


def _lengths(given: tuple[int, ...] | None, limit: int) -> tuple[int, ...]:
    if given is None:
        return (*(length for length in LENGTHS if length < limit), limit)
    valid = all(isinstance(length, int) and 1 <= length <= limit for length in given)
    if not given or not valid or sorted(set(given)) != list(given):
        raise InputError(
            f"lengths: got {', '.join(map(str, given))!r}, expected ascending numbers of tokens up "
            f"to the model's limit of {limit}"
        )
    return given


def _sentences(calibration: Path | None) -> list[Text]:
    if calibration is not None:
        texts = [text for text in read_texts(calibration, _MOST_SENTENCES) if text]
        if not texts:
            raise InputError(f"calibration file {str(calibration)!r} has no text in it")
        return texts
    own = importlib.resources.files("edgebert_converters") / "sentences.txt"
    return list(own.read_text(encoding="utf-8").splitlines())


def _file(path: Path) -> File:
    content = path.read_bytes()
    return File(path.name, hashlib.sha256(content).hexdigest(), len(content))
