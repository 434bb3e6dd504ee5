"""`edgebert verify`."""

from __future__ import annotations

import argparse

from edgebert import table
from edgebert.commands import arguments as common
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import ManifestError
from edgebert_runtime.manifest import FILE_NAME, Artifact, File

HELP = "check a bundle's manifest, and the size and hash of every file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert verify`."""
    common.add_bundle(parser)
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 if all is well, 1 if not. Files that the manifest does not list are never opened."""
    bundle = Bundle(arguments.bundle)
    problems: dict[str, str] = {}
    listed: list[File | Artifact] = [bundle.manifest.tokenizer, *bundle.manifest.artifacts]
    for file in listed:
        try:
            bundle.locate(file)
        except ManifestError as error:
            problems[file.file] = str(error)
    known = {FILE_NAME, *(file.file for file in listed)}
    unlisted = [name for name in bundle.names() if name not in known]
    if arguments.json:
        files = {file.file: problems.get(file.file) for file in listed}
        common.print_json({"ok": not problems, "problems": files, "unlisted": unlisted})
    else:
        rows = [
            [file.file, f"{file.bytes:,}", "FAILED" if file.file in problems else "ok"]
            for file in listed
        ]
        common.write(table.render(["file", "bytes", "hash"], rows))
        for problem in problems.values():
            common.write(problem)
        if unlisted:
            common.write(f"not listed in the manifest, never opened: {', '.join(unlisted)}")
    return 1 if problems else 0
