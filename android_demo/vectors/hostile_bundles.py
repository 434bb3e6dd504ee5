"""Every small bundle and manifest that the hostile tests open, with what Python says of it.

    python android_demo/vectors/hostile_bundles.py FOLDER

Runs those tests with an ear on `Bundle` and `Manifest.from_json`, so that the app is held against
what the tests make, and not against a list of its own. FOLDER/hostile_bundles.jsonl.gz has a line
for each: `kind` ("folder", "zip" or "manifest"), `files` (name → content in base64; a zip file and
a manifest have one), `error` (name of the class, or null) and `message`, with PATH in place of the
path and * in place of what a library of Python's or the system says.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgebert_runtime import Bundle, EdgeBertError, Manifest

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = (
    "tests/hostile/test_bundle_regions.py",
    "tests/hostile/test_file_kinds.py",
    "tests/hostile/test_zip_tricks.py",
    "tests/hostile/test_special_files.py",
    "tests/runtime/test_manifest.py",
    "tests/runtime/test_manifest_properties.py",
    "tests/runtime/test_manifest_provenance.py",
    "tests/runtime/test_zip_form.py",
)
SMALL_BYTES = 100_000
"""Bundles up to this size are all written."""
MOST_BYTES = 3_000_000
"""Of those between, `MOST_LARGE` are; they differ in the middle of weights."""
MOST_LARGE = 60

_LIBRARY_REASONS = (
    (re.compile(r"(manifest\.json is not valid JSON) \(.*\);"), r"\1 (*);"),
    (re.compile(r"(cannot be read) \(\[Errno .*\);"), r"\1 (*);"),
    (re.compile(r"(cannot be read \(not UTF-8 text:) .*\);"), r"\1 *);"),
    (re.compile(r"(cannot be read \(bad zip file:) Error -3 .*\);"), r"\1 *);"),
    (re.compile(r"(bundle) .* (cannot be opened) \(.*\);"), r"\1 * \2 (*);"),
)


class Recorder:
    """Writes each bundle once, as it is opened."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._known: set[tuple[str, tuple[tuple[str, bytes], ...]]] = set()
        self._large = 0
        self.counts = {"folder": 0, "zip": 0, "manifest": 0}

    def bundle(self, path: Path, outcome: Callable[[], object]) -> None:
        """A folder of regular files, or a file."""
        if path.is_file():
            files = {path.name: path}
        elif path.is_dir():
            files = {each.name: each for each in path.iterdir()}
        else:
            return
        if not all(
            each.is_file() and str(each.resolve())[:5] != "/proc" for each in files.values()
        ):
            return
        size = sum(each.stat().st_size for each in files.values())
        if size > MOST_BYTES or (size > SMALL_BYTES and self._large >= MOST_LARGE):
            return
        self._large += size > SMALL_BYTES
        kind = "zip" if path.is_file() else "folder"
        contents = {name: each.read_bytes() for name, each in files.items()}
        self._write(kind, contents, outcome, repr(str(path)))

    def manifest(self, text: object, outcome: Callable[[], object]) -> None:
        """A text that can be written as UTF-8."""
        if not isinstance(text, str):
            return
        try:
            content = text.encode("utf-8")
        except UnicodeEncodeError:
            return
        self._write("manifest", {"manifest.json": content}, outcome, "")

    def _write(
        self, kind: str, files: dict[str, bytes], outcome: Callable[[], object], path: str
    ) -> None:
        key = (kind, tuple(sorted(files.items())))
        if key in self._known:
            return
        self._known.add(key)
        self.counts[kind] += 1
        error, message = None, ""
        try:
            outcome()
        except EdgeBertError as caught:
            error, message = type(caught).__name__, str(caught)
        if path:
            message = message.replace(path, "PATH")
        for pattern, replacement in _LIBRARY_REASONS:
            message = pattern.sub(replacement, message)
        encoded = {name: base64.b64encode(content).decode() for name, content in files.items()}
        row = {"kind": kind, "files": encoded, "error": error, "message": message}
        self._lines.write(json.dumps(row) + "\n")


def listen(recorder: Recorder) -> None:
    """Have the recorder told of all that is opened from now on."""
    open_bundle, read_manifest = Bundle.__init__, Manifest.from_json

    def opened(self: Bundle, path: Any) -> None:
        if not hearing and isinstance(path, (str, Path)):
            hearing.append(True)
            try:
                recorder.bundle(Path(path), lambda: read_all(Path(path)))
            finally:
                hearing.clear()
        open_bundle(self, path)

    def read_all(path: Path) -> None:
        bundle = Bundle(path)
        bundle.read(bundle.manifest.tokenizer)
        for artifact in bundle.manifest.artifacts:
            bundle.read(artifact)

    def read(text: str) -> Manifest:
        if not hearing:
            recorder.manifest(text, lambda: read_manifest(text))
        return read_manifest(text)

    hearing: list[bool] = []
    Bundle.__init__ = opened  # type: ignore[method-assign]
    Manifest.from_json = read  # type: ignore[method-assign]


def main() -> int:
    """Write the file; the exit status of the tests."""
    (folder,) = sys.argv[1:]
    path = Path(folder).resolve() / "hostile_bundles.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as lines:
        recorder = Recorder(lines)
        listen(recorder)
        tests = [str(REPOSITORY / each) for each in TESTS]
        status = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(REPOSITORY), *tests])
    print(path, recorder.counts)
    return status


if __name__ == "__main__":
    sys.exit(main())
