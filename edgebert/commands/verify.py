"""`edgebert verify`."""

from __future__ import annotations

import argparse
import os

from edgebert import table
from edgebert.commands import arguments as common
from edgebert.escaping import printable
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import ManifestError
from edgebert_runtime.manifest import FILE_NAME, Artifact, File

HELP = "check a bundle's manifest, and the size and hash of every file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert verify`."""
    common.add_bundle(parser)
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 if all is well, 1 if not. Files that the manifest does not list are never opened.

    Raises:
        ManifestError: if nothing is there; a manifest that cannot be read is a check that failed.
    """
    try:
        bundle = Bundle(arguments.bundle)
    except ManifestError as error:
        if not os.path.exists(arguments.bundle):  # noqa: PTH110 - a Path would raise for some
            raise
        _print([[FILE_NAME, ""]], {FILE_NAME: str(error)}, [], as_json=arguments.json)
        return 1
    problems: dict[str, str] = {}
    listed: list[File | Artifact] = [bundle.manifest.tokenizer, *bundle.manifest.artifacts]
    for file in listed:
        try:
            bundle.check(file)
        except ManifestError as error:
            problems[file.file] = str(error)
    known = {FILE_NAME, *(file.file for file in listed)}
    unlisted = [name for name in bundle.names() if name not in known]
    files = [[file.file, f"{file.bytes:,}"] for file in listed]
    _print(files, problems, unlisted, as_json=arguments.json)
    return 1 if problems else 0


def _print(
    files: list[list[str]], problems: dict[str, str], unlisted: list[str], *, as_json: bool
) -> None:
    if as_json:
        found = {name: problems.get(name) for name, _ in files}
        common.print_json({"ok": not problems, "problems": found, "unlisted": unlisted})
        return
    rows = [[name, size, "FAILED" if name in problems else "ok"] for name, size in files]
    common.write(table.render(["file", "bytes", "hash"], rows))
    for problem in problems.values():
        common.write(problem)
    if unlisted:
        names = ", ".join(map(printable, unlisted))
        common.write(f"not listed in the manifest, never opened: {names}")
