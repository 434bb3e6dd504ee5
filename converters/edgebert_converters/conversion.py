"""One artifact at a time: export, run through the runtime, compare with the float model."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgebert_converters import calibration, components, onnx, parity, tflite, torchscript
from edgebert_converters.checkpoint import Checkpoint
from edgebert_converters.heads import Student
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import Ranges, Recipe
from edgebert_runtime.backends import open_backend
from edgebert_runtime.errors import AccuracyError, ConversionError, EdgeBertError
from edgebert_runtime.manifest import TOKEN_TASKS, Artifact, File, Manifest, Parity
from edgebert_runtime.model import Model
from edgebert_runtime.provenance import Calibration, Pruning
from edgebert_runtime.tokenization import Encoding, Tokenizer

FORMATS = ("onnx", "tflite", "torchscript")
_SUFFIXES = {"onnx": "onnx", "tflite": "tflite", "torchscript": "pt"}
_INTERFACES = {
    "onnx": (onnx.INPUT_DTYPE, onnx.OUTPUT),
    "tflite": (tflite.INPUT_DTYPE, tflite.OUTPUT),
    "torchscript": (torchscript.INPUT_DTYPE, torchscript.OUTPUT),
}
_MOST_CALIBRATED = 256
"""Sentences that ranges are seen on."""
_TOKENIZER = "tokenizer.json"


@dataclass
class Conversion:
    """A checkpoint, the folder that its artifacts are written in, and what they must equal."""

    checkpoint: Checkpoint
    folder: Path
    lengths: tuple[int, ...]
    """Numbers of tokens; the last is the bundle's limit."""
    report: Callable[[str], None]
    tokenizer: Tokenizer
    encodings: list[Encoding]
    expected: NDArray[np.float32]
    """Raw outputs [n, width] of the float model on the encodings; see `parity.float_outputs`."""
    fixed_lengths: bool = False
    """Whether TFLite's file is to have a signature for each length, and no other."""
    calibrated: tuple[Mapping[str, Ranges], Calibration] | None = None
    """Fixed ranges of the student's activations, the same for every format, once asked for."""

    def __post_init__(self) -> None:
        """Put the tokenizer beside the artifacts to come."""
        (self.folder / _TOKENIZER).write_bytes(self.checkpoint.tokenizer)

    @property
    def student(self) -> Student:
        """What the exporters take."""
        return self.checkpoint.student

    def manifest(self, artifacts: Sequence[Artifact] = ()) -> Manifest:
        """The manifest over these artifacts."""
        pruned = self.checkpoint.pruning
        return Manifest(
            task=self.checkpoint.task,
            labels=self.checkpoint.labels,
            max_length=self.lengths[-1],
            tokenizer=_file(_TOKENIZER, self.checkpoint.tokenizer),
            source=self.checkpoint.source,
            artifacts=tuple(artifacts),
            pruning=None
            if pruned is None
            else Pruning(
                pruned.heads, pruned.feed_forward, pruned.parameters_before, pruned.sparsity
            ),
        )

    def make(self, form: str, recipe: Recipe) -> Artifact:
        """Export, open and compare; the file's name tells recipe and layers left in float.

        Raises:
            ConversionError: if the exporter fails.
            AccuracyError: if the recipe has no number for a weight.
            BackendError: if the artifact cannot be run.
        """
        found: Calibration | None = None
        if recipe.activations == "static":
            self.calibrated = self.calibrated or self._calibrate()
            ranges, found = self.calibrated
            recipe = replace(recipe, ranges=ranges)
        artifact = replace(self._export(form, recipe), calibration=found)
        self.report(f"comparing {form} {recipe.name} with the float model")
        with self.opened(artifact) as model:
            given = model.run(self.encodings)
        compared = parity.compare(self.checkpoint.task, self.expected, given, self._tokens)
        return replace(artifact, parity=compared)

    @contextlib.contextmanager
    def opened(self, artifact: Artifact) -> Iterator[Model]:
        """The artifact through the runtime, on one thread.

        One short text at a time gains nothing from more, and waiting threads slow a busy machine.
        The library's chatter is kept off the terminal.
        """
        model = Model(self.manifest([artifact]), artifact, self.tokenizer)
        with quiet():
            backend = open_backend(artifact, self.folder / artifact.file, 1)
            with model.attached(backend):
                yield model

    @property
    def _tokens(self) -> list[int]:
        return [len(encoding.ids) for encoding in self.encodings]

    def _calibrate(self) -> tuple[Mapping[str, Ranges], Calibration]:
        """The ranges of the method that agrees best with the float model."""
        sentences = self.encodings[:_MOST_CALIBRATED]
        tokens = self._tokens[:_MOST_CALIBRATED]
        rows = sum(tokens) if self.checkpoint.task in TOKEN_TASKS else len(sentences)
        self.report(f"calibrating on {len(sentences)} sentences")
        observed = calibration.observe(self.student, sentences)
        figures: dict[str, float] = {}
        best: tuple[float, float] | None = None
        for method in calibration.METHODS:
            ranges = calibration.ranges(observed, method)
            given = calibration.outputs(calibration.simulated(self.student, ranges), sentences)
            found = parity.compare(self.checkpoint.task, self.expected[:rows], given, tokens)
            figures[method] = found.agreement
            # Equal labels are few figures; of equal ones the smaller difference decides.
            rank = (found.agreement, -found.mean_difference)
            if best is None or rank > best:
                best, chosen, taken = rank, method, ranges
        return taken, Calibration(chosen, len(sentences), figures)

    def _export(self, form: str, recipe: Recipe) -> Artifact:
        _check_range(self.student, recipe)
        kept = len(recipe.float_layers)
        name = f"{recipe.name}-{kept}-float" if kept else recipe.name
        path = self.folder / f"{name}.{_SUFFIXES[form]}"
        self.report(f"exporting {form} {recipe.name}" + (f", {kept} layers in float" * bool(kept)))
        lengths: tuple[int, ...] = ()
        try:
            with quiet():
                if form == "tflite":
                    lengths = tflite.export(
                        self.student, recipe, path, self.lengths, fixed=self.fixed_lengths
                    )
                elif form == "onnx":
                    onnx.export(self.student, recipe, path)
                else:
                    torchscript.export(self.student, recipe, path)
        except (EdgeBertError, OSError, MemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise ConversionError(
                f"{form} export failed ({reason}); set EDGEBERT_DEBUG=1 for the exporter's output"
            ) from error
        file = _file(path.name, path.read_bytes())
        input_dtype, output = _INTERFACES[form]
        return Artifact(
            backend=form,
            file=file.file,
            sha256=file.sha256,
            bytes=file.bytes,
            recipe=recipe.name,
            float_layers=tuple(sorted(recipe.float_layers)),
            calibration=None,
            sparsity=components.sparsity(self.student, recipe),
            lengths=lengths,
            inputs=dict.fromkeys(self.student.input_names, input_dtype),
            outputs={output: self.expected.shape[1]},
            components=components.weight_bytes(self.student, recipe, form),
            parity=Parity(1, 0.0, 0.0, 0.0),
        )


def _check_range(student: Student, recipe: Recipe) -> None:
    """Refuse float16 where a weight is beyond its largest number, and would become infinite.

    Raises:
        AccuracyError: naming the layer.
    """
    if recipe.weights != "float16":
        return
    most = torch.finfo(torch.float16).max
    for name, module in student.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding) and name not in recipe.float_layers:
            largest = float(module.weight.detach().abs().max())
            if largest > most:
                raise AccuracyError(
                    f"recipe {recipe.name}: {name!r} has a weight of {largest:.3g}, and float16 "
                    f"ends at {most:.0f}; use another recipe"
                )


def _file(name: str, content: bytes) -> File:
    return File(name, hashlib.sha256(content).hexdigest(), len(content))
