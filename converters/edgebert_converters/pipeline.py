"""Export, run and compare every artifact, then write the bundle: all or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert_converters import comparison_texts, parity, publish
from edgebert_converters.checkpoint import Checkpoint, load_checkpoint
from edgebert_converters.conversion import FORMATS, Conversion
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import DEFAULT_RECIPE, Recipe, check_backend, recipe
from edgebert_converters.sentence_transformers import POOLINGS
from edgebert_runtime.errors import (
    ConversionError,
    EdgeBertError,
    InputError,
    ManifestError,
)
from edgebert_runtime.manifest import FILE_NAME, Manifest
from edgebert_runtime.tokenization import Text, Tokenizer

LENGTHS = (8, 16, 32, 64, 128, 256)
"""Where a TFLite file cannot have one signature for any length."""
WORK = "edgebert-convert-"
"""Before the id of the process in the names of temporary folders; see `remove_abandoned`."""


@dataclass(frozen=True)
class ConvertOptions:
    """What to make of a checkpoint."""

    formats: tuple[str, ...] = FORMATS
    recipes: tuple[str, ...] | None = None
    """None: int8_dynamic; with an accuracy gate, those that it tries."""
    lengths: tuple[int, ...] | None = None
    """Token lengths that TFLite's file has a signature for each of, and no other; the last is the
    bundle's limit. None: any length up to the model's own limit."""
    calibration: Path | None = None
    """Sentences to compare on (text, TSV, CSV or JSONL; the first 1,000); None: our own.

    For question answering, pairs of a question and a context; of sentences that stand alone, such
    pairs are made. For a masked LM some tokens are masked."""
    pooling: str | None = None
    """"mean" or "cls": make an embedding model of a bare encoder."""
    force: bool = False
    """Replace a bundle that is there already."""


Select = Callable[[Conversion, Sequence[tuple[str, Recipe]]], Manifest]
"""Makes artifacts in the conversion's folder, of these formats and recipes; the manifest lists
those that are to be published."""


def every(conversion: Conversion, pairs: Sequence[tuple[str, Recipe]]) -> Manifest:
    """An artifact for each pair of format and recipe, each held to its recipe's tolerance.

    Raises:
        AccuracyError: if one strays further from the float model.
    """
    artifacts = []
    for form, each in pairs:
        artifact = conversion.make(form, each)
        parity.check(conversion.checkpoint.task, each, artifact.parity, form)
        artifacts.append(artifact)
    return conversion.manifest(artifacts)


def convert(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: ConvertOptions | None = None,
    report: Callable[[str], None] = lambda line: None,
    select: Select = every,
) -> Manifest:
    """Convert a checkpoint folder into a bundle at `output`; returns its manifest.

    `report` gets a line of progress before each step; `select` makes the artifacts.

    Raises:
        InputError: for an option or output that cannot be used.
        ConversionError: for a checkpoint that cannot be converted, or an exporter that fails.
        AccuracyError: if an artifact strays from the float model further than its recipe allows.
        In each case nothing is written at `output`.
    """
    options = options or ConvertOptions()
    folder, target = publish.as_path(checkpoint, "checkpoint"), publish.as_path(output, "output")
    pairs = _check(options)
    publish.check_target(target, force=options.force)
    sentences = comparison_texts.read(options.calibration)
    report(f"reading {checkpoint}")
    with quiet():
        loaded = load_checkpoint(folder, options.pooling)
    temporary = Path(tempfile.gettempdir())
    publish.remove_abandoned(temporary, WORK)
    try:
        with tempfile.TemporaryDirectory(
            prefix=f"{WORK}{os.getpid()}.", ignore_cleanup_errors=True
        ) as work:
            # The temporary folder is closed to other users, and a copy of it would be too.
            bundle = Path(work) / "bundle"
            bundle.mkdir()
            conversion = _conversion(loaded, bundle, options.lengths, report, sentences)
            manifest = select(conversion, pairs)
            _write(manifest, bundle)
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


def _conversion(
    loaded: Checkpoint,
    folder: Path,
    given: tuple[int, ...] | None,
    report: Callable[[str], None],
    sentences: list[Text],
) -> Conversion:
    """Everything that artifacts are made with; runs the float model on the sentences."""
    lengths = _lengths(given, loaded.max_length)
    try:
        tokenizer = Tokenizer(loaded.tokenizer, lengths[-1])
    except ManifestError as error:
        raise InputError(f"lengths: {error}") from None
    encodings = comparison_texts.encoded(sentences, loaded, tokenizer)
    report(f"running the float model on {len(encodings)} sentences")
    expected = parity.float_outputs(loaded, encodings)
    return Conversion(
        loaded,
        folder,
        lengths,
        report,
        tokenizer,
        encodings,
        expected,
        fixed_lengths=given is not None,
    )


def _check(options: ConvertOptions) -> list[tuple[str, Recipe]]:
    if options.pooling not in (None, *POOLINGS):
        raise InputError(f"pooling: got {options.pooling!r}, expected {' or '.join(POOLINGS)}")
    recipes = (DEFAULT_RECIPE,) if options.recipes is None else options.recipes
    for name, values in (("formats", options.formats), ("recipes", recipes)):
        if isinstance(values, str):
            raise InputError(f"{name}: got {values!r}, expected a tuple of names: ({values!r},)")
        if not values or len(set(values)) != len(values):
            raise InputError(f"{name}: got {', '.join(values)!r}, expected each once, one at least")
    for form in options.formats:
        if form not in FORMATS:
            raise InputError(f"format: got {form!r}, expected one of {', '.join(FORMATS)}")
    pairs = [(form, recipe(name)) for form in options.formats for name in recipes]
    for form, each in pairs:
        check_backend(each, form)
    return pairs


def _write(manifest: Manifest, folder: Path) -> None:
    """The manifest, and nothing else that it doesn't list."""
    text = manifest.to_json()
    Manifest.from_json(text)
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    listed = {FILE_NAME, manifest.tokenizer.file, *(each.file for each in manifest.artifacts)}
    for path in folder.iterdir():
        if path.name not in listed:
            path.unlink()


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
