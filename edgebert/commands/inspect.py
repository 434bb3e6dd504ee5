"""`edgebert inspect`."""

from __future__ import annotations

import argparse
import dataclasses

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.commands.convert import parity_table
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.manifest import Manifest

HELP = "show what is in a bundle: task, labels, limits, parameters and bytes by part"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert inspect`."""
    common.add_bundle(parser)
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the manifest; files are not read, see `edgebert verify`."""
    manifest = Bundle(arguments.bundle).manifest
    if arguments.json:
        common.print_json(dataclasses.asdict(manifest))
        return 0
    source = manifest.source
    facts = [
        ["task", manifest.task],
        ["labels", ", ".join(map(repr, manifest.labels)) or "none"],
        ["longest text", f"{manifest.max_length} tokens (positions for {source.position_limit})"],
        ["made from", f"{source.checkpoint} ({source.family}, sha256 {source.sha256[:12]}…)"],
        ["parameters", f"{sum(source.parameters.values()):,}"],
    ]
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        common.write(f"{name.ljust(width)}  {value}")
    common.write("")
    common.write(parity_table(manifest))
    common.write("")
    common.write(_component_table(manifest))
    for artifact in manifest.artifacts:
        inputs = ", ".join(f"{name} {dtype}" for name, dtype in artifact.inputs.items())
        lengths = ", ".join(map(str, artifact.lengths)) or f"any to {manifest.max_length}"
        common.write(f"\n{artifact.file}: inputs {inputs}; lengths {lengths}")
    return 0


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
