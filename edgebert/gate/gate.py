"""`convert` with a limit on what it may cost, and a search for what costs least."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert.gate import development
from edgebert.gate.search import RECIPES_TRIED, RecipeSearch, Tried
from edgebert_converters import parity, pipeline
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.conversion import Conversion
from edgebert_converters.pipeline import ConvertOptions
from edgebert_converters.publish import as_path
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import Recipe
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.examples import Columns, stream_texts
from edgebert_runtime.manifest import Manifest
from edgebert_runtime.provenance import Search


@dataclass(frozen=True)
class Gate:
    """Labelled rows, and how many points less than the float model an artifact may score."""

    data: Path
    max_drop: float = 0.5
    columns: Columns = Columns()
    recover: Path | None = None
    """Texts to learn from with rounded weights, if 8-bit recipes lose too much."""
    recover_steps: int = 300

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; paths may be given as strings."""
        for name in ("data", "recover"):
            value = getattr(self, name)
            if value is not None or name == "data":
                object.__setattr__(self, name, as_path(value, name))
        drop, steps = self.max_drop, self.recover_steps
        if isinstance(drop, bool) or not isinstance(drop, int | float) or not 0 <= drop <= 100:
            raise InputError(
                f"max_drop: got {shortened(drop)}, expected points from 0 to 100 (0.5 allows "
                "87.0 % where the float model has 87.5 %)"
            )
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 1_000_000:
            raise InputError(
                f"recover_steps: got {shortened(steps)}, expected a whole number of at least 1"
            )


def convert(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: ConvertOptions | None = None,
    report: Callable[[str], None] = lambda line: None,
    gate: Gate | None = None,
) -> Manifest:
    """Convert a checkpoint folder into a bundle at `output`; returns its manifest.

    `report` gets a line of progress before each step. Without a gate, an artifact is made for each
    format and recipe. With one, each format gets the fastest recipe within the allowed loss, and
    the manifest tells of every artifact that was tried.

    Raises:
        InputError: for an option, file or output that cannot be used.
        ConversionError: for a checkpoint that cannot be converted, or an exporter that fails.
        AccuracyError: if an artifact strays from the float model further than its recipe allows,
            or with a gate, if nothing of a format is within the allowed loss.
        In each case nothing is written at `output`.
    """
    options = options or ConvertOptions()
    if gate is None:
        return pipeline.convert(checkpoint, output, options, report)
    if not isinstance(gate, Gate):
        raise InputError(f"gate: got {shortened(gate)}, expected edgebert.Gate(…)")
    if options.recipes is None:
        options = dataclasses.replace(options, recipes=RECIPES_TRIED)
    folder = as_path(checkpoint, "checkpoint")
    _check_texts(gate)

    def select(conversion: Conversion, pairs: Sequence[tuple[str, Recipe]]) -> Manifest:
        return _select(conversion, pairs, gate, folder)

    return pipeline.convert(checkpoint, output, options, report, select)


def _check_texts(gate: Gate) -> None:
    """Before minutes of searching, and also where nothing has to be recovered in the end."""
    texts = gate.recover
    if texts is not None and next(stream_texts(texts, gate.columns), None) is None:
        raise InputError(f"recover: {str(texts)!r} has no texts to learn from; give some")


def _select(
    conversion: Conversion,
    pairs: Sequence[tuple[str, Recipe]],
    gate: Gate,
    folder: Path,
) -> Manifest:
    rows = development.read(gate.data, gate.columns, conversion)
    conversion.report(f"scoring the float model on {len(rows.encodings)} rows")
    reference = rows.value(parity.float_outputs(conversion.checkpoint, rows.encodings))
    search = RecipeSearch(conversion, rows, reference - gate.max_drop / 100)
    formats: dict[str, list[Recipe]] = {}
    for form, recipe in pairs:
        formats.setdefault(form, []).append(recipe)
    kept = {form: search.rounded(form, recipes) for form, recipes in formats.items()}
    recovers = gate.recover is not None and None in kept.values()
    if recovers:
        kept = _recovered(search, gate, folder, formats) or kept
    for form, recipes in formats.items():
        kept[form] = kept[form] or search.weaker(form, recipes)
        if kept[form] is None:
            raise search.refuse(form, reference)
    chosen = [each for each in kept.values() if each is not None]
    manifest = search.conversion.manifest([each.artifact for each in chosen])
    found = Search(
        data=gate.data.name,
        rows=len(rows.encodings),
        figure=rows.figure,
        float_value=reference,
        max_drop=float(gate.max_drop),
        recovery_steps=gate.recover_steps if recovers else 0,
        trials=search.trials(chosen),
    )
    return dataclasses.replace(manifest, search=found)


def _recovered(
    search: RecipeSearch, gate: Gate, folder: Path, formats: dict[str, list[Recipe]]
) -> dict[str, Tried | None] | None:
    """Artifacts of a checkpoint that learnt to bear rounding, if that serves every format.

    The search then goes on with that checkpoint, under the name of the one that it came from;
    otherwise as if nothing had been learnt.
    """
    assert gate.recover is not None
    from edgebert.gate.recovery import recover

    given = search.conversion
    given.report(f"recovering: {gate.recover_steps} steps with rounded weights")
    # Where the next conversion cleans up, should this one be killed.
    with tempfile.TemporaryDirectory(prefix="recover-", dir=given.folder.parent) as work:
        output = Path(work) / "recovered"
        try:
            recover(folder, output, gate.recover, gate.columns, gate.recover_steps)
        except KeyboardInterrupt:
            # It tells of a checkpoint to go on from, which is gone with its folder.
            raise KeyboardInterrupt from None
        with quiet():
            checkpoint = load_checkpoint(output)
    source = dataclasses.replace(checkpoint.source, checkpoint=given.checkpoint.source.checkpoint)
    apart = given.folder / "recovered"
    apart.mkdir()
    search.conversion = dataclasses.replace(
        given,
        checkpoint=dataclasses.replace(checkpoint, source=source),
        folder=apart,
        calibrated=None,
    )
    search.recovered = True
    kept = {form: search.rounded(form, recipes) for form, recipes in formats.items()}
    if None in kept.values():
        given.report("learning did not help every format; going on without it")
        search.conversion, search.recovered = given, False
        shutil.rmtree(apart)
        return None
    for path in apart.iterdir():
        path.replace(given.folder / path.name)
    apart.rmdir()
    search.conversion.folder = given.folder
    return kept
