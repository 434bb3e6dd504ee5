"""`edgebert inspect`."""

from __future__ import annotations

import argparse
import dataclasses
import zlib

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.commands.convert import parity_table, search_table
from edgebert.escaping import printable
from edgebert_runtime.backends import is_installed
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.fastest import Ranked, ranked
from edgebert_runtime.manifest import Artifact, File, Manifest
from edgebert_runtime.provenance import Pruning

HELP = "show what is in a bundle: task, labels, limits, parameters and bytes by part"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert inspect`."""
    common.add_bundle(parser)
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the manifest, and what a download would weigh."""
    bundle = Bundle(arguments.bundle)
    manifest = bundle.manifest
    compressed = {artifact.file: _compressed(bundle, artifact) for artifact in manifest.artifacts}
    tokenizer = _compressed(bundle, manifest.tokenizer)
    if arguments.json:
        sizes = {"compressed_bytes": {**compressed, manifest.tokenizer.file: tokenizer}}
        order = [{"file": each.artifact.file, "why": each.why} for each in _order(manifest)]
        common.print_json({**dataclasses.asdict(manifest), **sizes, "auto": order})
        return 0
    source = manifest.source
    facts = [
        ["task", manifest.task],
        ["labels", ", ".join(map(repr, manifest.labels)) or "none"],
        ["longest text", f"{manifest.max_length} tokens (positions for {source.position_limit})"],
        ["made from", f"{source.checkpoint} ({source.family}, sha256 {source.sha256[:12]}…)"],
        ["parameters", f"{sum(source.parameters.values()):,}"],
    ]
    facts += _choice(manifest)
    if manifest.pruning is not None:
        facts += _pruning_facts(manifest.pruning)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        common.write(f"{name.ljust(width)}  {printable(value)}")
    common.write("")
    common.write(parity_table(manifest))
    common.write("")
    common.write(_component_table(manifest))
    common.write("")
    common.write(_size_table(manifest, compressed, tokenizer))
    if manifest.search is not None:
        common.write("")
        common.write(search_table(manifest.search))
    for artifact in manifest.artifacts:
        inputs = ", ".join(f"{name} {dtype}" for name, dtype in artifact.inputs.items())
        lengths = ", ".join(map(str, artifact.lengths)) or f"any to {manifest.max_length}"
        common.write(f"\n{artifact.file}: inputs {inputs}; lengths {lengths}")
        if artifact.float_layers:
            layers = printable(", ".join(artifact.float_layers))
            common.write(f"left in float32: {layers}")
        if (found := artifact.calibration) is not None:
            figures = ", ".join(f"{name} {value:.4f}" for name, value in found.agreement.items())
            method = f"{found.method} on {found.sentences} sentences"
            common.write(printable(f"ranges by {method}; agreement: {figures}"))
    return 0


def _order(manifest: Manifest) -> list[Ranked]:
    """What backend="auto" tries on this machine, without what is not installed."""
    return [each for each in ranked(manifest.artifacts, None) if is_installed(each.artifact)]


def _choice(manifest: Manifest) -> list[list[str]]:
    order = _order(manifest)
    if not order:
        return [["auto, here", "nothing: no library of its artifacts is installed"]]
    first, *others = order
    rest = ", ".join(f"{each.artifact.backend} {each.artifact.recipe}" for each in others)
    chosen = f"{first.artifact.backend} {first.artifact.recipe}"
    return [["auto, here", f"{chosen} ({first.why})" + (f", then {rest}" if rest else "")]]


def _pruning_facts(pruning: Pruning) -> list[list[str]]:
    return [
        ["pruned from", f"{pruning.parameters_before:,} parameters"],
        ["heads", ", ".join(map(str, pruning.heads)) + " by layer"],
        ["neurons", ", ".join(map(str, pruning.feed_forward)) + " by layer"],
        ["set to zero", f"{100 * pruning.sparsity:.1f} % of linear weights"],
    ]


def _compressed(bundle: Bundle, file: File | Artifact) -> int:
    """Bytes of a file as a `.edgebert` file, or any zip, holds it."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    size = sum(len(deflate.compress(part)) for part in bundle.stream(file))
    return size + len(deflate.flush())


def _size_table(manifest: Manifest, compressed: dict[str, int], tokenizer: int) -> str:
    """Zeros, which make a file smaller once it is compressed and no faster, and sizes."""
    rows = [
        [
            f"{artifact.backend} {artifact.recipe}",
            "not counted" if artifact.sparsity is None else f"{100 * artifact.sparsity:.1f} %",
            f"{artifact.bytes:,}",
            f"{compressed[artifact.file]:,}",
        ]
        for artifact in manifest.artifacts
    ]
    rows.append(["tokenizer", "", f"{manifest.tokenizer.bytes:,}", f"{tokenizer:,}"])
    return table.render(["", "zero weights", "bytes", "compressed download"], rows)


def _component_table(manifest: Manifest) -> str:
    """Parameters of each part, and the bytes each artifact spends on it."""
    parts = list(manifest.source.parameters)
    rows = [
        [
            part.replace("_", "-"),
            f"{manifest.source.parameters[part]:,}",
            *(f"{artifact.components.get(part, 0):,}" for artifact in manifest.artifacts),
        ]
        for part in parts
    ]
    graph = [
        f"{artifact.bytes - sum(artifact.components.values()):,}" for artifact in manifest.artifacts
    ]
    names = [f"{artifact.backend} {artifact.recipe}" for artifact in manifest.artifacts]
    headers = ["part", "parameters", *(f"{name}, bytes" for name in names)]
    return table.render(headers, [*rows, ["graph", "", *graph]])
