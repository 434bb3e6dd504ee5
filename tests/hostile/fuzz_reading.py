"""Coverage-guided fuzzing of what reads a bundle, with atheris (libFuzzer for Python).

    python tests/hostile/fuzz_reading.py TARGET CORPUS [LIBFUZZER_OPTION...]

TARGET is `manifest` (the text of manifest.json), `zip` (the bytes of a .edgebert file) or
`tokenizer` (the bytes of tokenizer.json, and texts that it then encodes). CORPUS is a folder: what
is in it is mutated, what reaches new code is added. Anything but an EdgeBertError of one line ends
the run with a traceback and a file that reproduces it; so do an input that takes more than ten
seconds, and memory beyond `MOST_MEGABYTES`. Runs where atheris and the runtime's requirements are
installed; `test_fuzzing.py` makes such a place.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edgebert_runtime", "json"]):
    from edgebert_runtime import Bundle, EdgeBertError, Manifest, provenance
    from edgebert_runtime import manifest as manifest_format
    from edgebert_runtime.tokenization import Tokenizer

MOST_MEGABYTES = 512


def read_manifest(content: bytes) -> None:
    """Refuse the text, or read it so that writing and reading give the same."""
    # Bytes that are not UTF-8 become lone surrogates.
    text = content.decode("utf-8", "surrogateescape")
    try:
        manifest = Manifest.from_json(text)
    except EdgeBertError as error:
        _check_message(error)
    else:
        assert Manifest.from_json(manifest.to_json()) == manifest


def read_zip(content: bytes) -> None:
    """Refuse the file, or read from it what the manifest lists, and nothing else."""
    _PATH.write_bytes(content)
    try:
        bundle = Bundle(_PATH)
    except EdgeBertError as error:
        _check_message(error)
        return
    for file in [bundle.manifest.tokenizer, *bundle.manifest.artifacts]:
        try:
            assert len(bundle.read(file)) == file.bytes
        except EdgeBertError as error:
            _check_message(error)
    assert len(bundle.names()) >= 1


def read_tokenizer(content: bytes) -> None:
    """Refuse the tokenizer, or get no more tokens from it than are asked for."""
    try:
        tokenizer = Tokenizer(content, 16)
        for text in TEXTS:
            assert len(tokenizer.encode(text, offsets=True).ids) <= 16
    except EdgeBertError as error:
        _check_message(error)


def _check_message(error: EdgeBertError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 1000


def _write_dictionary(path: Path) -> None:
    """What a manifest is made of, for the fuzzer to put anywhere."""
    kinds = [
        *(manifest_format.Manifest, manifest_format.Artifact, manifest_format.File),
        *(manifest_format.Source, manifest_format.Parity, provenance.Calibration),
        *(provenance.Pruning, provenance.Search, provenance.Trial),
    ]
    words = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    words |= {*manifest_format.TASKS, *manifest_format.BACKENDS, *manifest_format.INPUTS}
    lines = [f'"\\"{word}\\""' for word in sorted(words)]
    lines += ['"null"', '"true"', '"NaN"', '"1e400"', '"-1"', '"[[["', '"{{{"', '"\\\\ud800"']
    lines += ['"PK\\x01\\x02"', '"PK\\x03\\x04"', '"PK\\x05\\x06"', '"PK\\x06\\x07"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


TEXTS = ["", "a fine day " * 9, "\0\u00e9\u5c4f\u5e55\U0001f642\ud800", ("a", "b" * 300)]
TARGETS: dict[str, Callable[[bytes], None]] = {
    "manifest": read_manifest,
    "zip": read_zip,
    "tokenizer": read_tokenizer,
}

if __name__ == "__main__":
    target, corpus, *options = sys.argv[1:]
    # In memory where there is such a place: most of the time would go into the disk.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        _PATH = Path(folder) / "x.edgebert"
        dictionary = Path(folder) / "words"
        _write_dictionary(dictionary)
        limits = [f"-rss_limit_mb={MOST_MEGABYTES}", "-timeout=10", f"-dict={dictionary}"]
        atheris.Setup([sys.argv[0], corpus, *limits, *options], TARGETS[target])
        atheris.Fuzz()
