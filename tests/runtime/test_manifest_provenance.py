"""What a manifest tells of how its artifacts came about: hostile values, and what `inspect` shows.

The bundles are made by hand: nothing in them is run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from edgebert.cli import main
from edgebert_runtime import Bundle, Manifest, ManifestError
from edgebert_runtime.manifest import Artifact, File, Parity, Source
from edgebert_runtime.provenance import Calibration, Pruning, Search, Trial

MODEL = b"\x08\x0a" + b"model" * 1000
TOKENIZER = b'{"model": {}}'


def _file(name: str, content: bytes) -> File:
    return File(name, hashlib.sha256(content).hexdigest(), len(content))


def _manifest(model: bytes = MODEL) -> Manifest:
    file = _file("int8_static.onnx", model)
    artifact = Artifact(
        backend="onnx",
        file=file.file,
        sha256=file.sha256,
        bytes=file.bytes,
        recipe="int8_static",
        float_layers=("encoder.layers.0.value",),
        calibration=Calibration("percentile", 256, {"largest": 0.5, "percentile": 0.75}),
        sparsity=0.25,
        lengths=(),
        inputs={"input_ids": "int64", "attention_mask": "int64"},
        outputs={"logits": 2},
        components={"embeddings": 1000},
        parity=Parity(63, 0.5, 0.25, 0.75),
    )
    return Manifest(
        task="classification",
        labels=("bad", "good"),
        max_length=64,
        tokenizer=_file("tokenizer.json", TOKENIZER),
        source=Source("student", "bert", "0" * 64, {"embeddings": 250}, 64),
        artifacts=(artifact,),
        pruning=Pruning((1, 2), (30, 64), 400_000, 0.25),
        search=Search(
            "dev.tsv",
            120,
            "accuracy",
            0.875,
            2.5,
            300,
            (Trial("onnx", "int8_static", (), 0.85, 1.5, 5000, False, True),),
        ),
    )


def _write(folder: Path, text: str, model: bytes = MODEL) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    (folder / "int8_static.onnx").write_bytes(model)
    (folder / "tokenizer.json").write_bytes(TOKENIZER)
    return folder


def _altered(place: str, value: Any) -> str:
    data = json.loads(_manifest().to_json())
    *path, last = place.split(".")
    target = data
    for name in path:
        target = target[int(name) if isinstance(target, list) else name]
    target[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        ("search.float_value", 1e308, r"got 1e\+308, expected -1 to 1"),
        ("search.float_value", -1.01, "expected -1 to 1"),
        ("search.trials.0.value", 1.01, "expected -1 to 1"),
        ("search.trials.0.p50_ms", -0.5, "got -0.5, expected at least 0"),
        ("search.max_drop", -3, "expected 0 to 100"),
        ("search.max_drop", 1e300, "expected 0 to 100"),
        ("search.trials", [None], r"trials\[0\]: got None, expected an object"),
        ("search.trials", [[[]]], "expected an object"),
        ("artifacts.0.float_layers", ["a"] * 100_001, "a list of at most 100000 items"),
        ("artifacts", [None] * 101, "a list of at most 100 items"),
        ("source.parameters", {str(name): 1 for name in range(1001)}, "at most 1000 names"),
        (
            "artifacts.0.calibration.agreement",
            {str(name): 1 for name in range(1001)},
            "at most 1000 methods",
        ),
        ("artifacts.0.calibration.agreement", {"x" * 1000: None}, "got None, expected a finite"),
        ("artifacts.0.components", {"x" * 1000: 2**60}, "expected a whole number"),
        ("pruning", "\ud800", r"got '\\ud800', expected an object"),
    ],
)
def test_nonsense(place: str, value: Any, match: str) -> None:
    with pytest.raises(ManifestError, match=match) as caught:
        Manifest.from_json(_altered(place, value))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("search.float_value", value) for value in (-1, 0, 1)),
        *(("search.trials.0.value", value) for value in (-1, 0, 1)),
        *(("search.max_drop", value) for value in (0, 100)),
        ("search.trials.0.p50_ms", 0),
        ("search.trials", []),
        ("artifacts.0.sparsity", 1),
        ("artifacts.0.sparsity", None),
        ("artifacts.0.float_layers", []),
        # A coefficient of determination has no lower bound.
        ("artifacts.0.calibration.agreement", {"percentile": -1e9}),
    ],
)
def test_the_ends_of_what_is_allowed(place: str, value: Any) -> None:
    text = _altered(place, value)
    assert json.loads(Manifest.from_json(text).to_json()) == json.loads(text)


def test_sizes_of_a_download(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compressed alone, each file is as large as any zip file would hold it."""
    bundle = _write(tmp_path / "bundle", _manifest().to_json())
    assert main(["inspect", str(bundle), "--json"]) == 0
    sizes = json.loads(capsys.readouterr().out)["compressed_bytes"]
    # zlib's own form has a header of 2 bytes and a checksum of 4 around the same data.
    assert sizes == {
        "int8_static.onnx": len(zlib.compress(MODEL)) - 6,
        "tokenizer.json": len(zlib.compress(TOKENIZER)) - 6,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "'int8_static.onnx' cannot be read"),
        (MODEL[:-1], "was altered or cut short"),
        (MODEL[:-1] + b"x", "was altered or cut short"),
        (MODEL + b"x", "more than 5002 bytes"),
    ],
    ids=["missing", "short", "altered", "long"],
)
def test_inspect_on_another_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    bundle = _write(tmp_path / "bundle", _manifest().to_json())
    if content is None:
        (bundle / "int8_static.onnx").unlink()
    else:
        (bundle / "int8_static.onnx").write_bytes(content)
    for options in ([], ["--json"]):
        assert main(["inspect", str(bundle), *options]) == 2
        output, error = capsys.readouterr()
        assert output == ""
        assert message in error
        assert error.count("\n") == 1


def test_names_stay_on_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with a line break cannot pass for a line of the table."""
    manifest = _manifest()
    assert manifest.search is not None
    (artifact,), (trial,) = manifest.artifacts, manifest.search.trials
    forged = "x\nforged\x1b[31m"
    manifest = dataclasses.replace(
        manifest,
        source=dataclasses.replace(
            manifest.source, checkpoint=forged, family=forged, parameters={forged: 1}
        ),
        artifacts=(
            dataclasses.replace(
                artifact,
                recipe=forged,
                float_layers=(forged,),
                calibration=Calibration(forged, 1, {forged: 1.0}),
            ),
        ),
        search=dataclasses.replace(
            manifest.search, data=forged, trials=(dataclasses.replace(trial, recipe=forged),)
        ),
    )
    bundle = _write(tmp_path / "bundle", manifest.to_json())
    assert main(["inspect", str(bundle)]) == 0
    output = capsys.readouterr().out
    assert output.count("x\\nforged\\x1b[31m") == 12
    assert not [line for line in output.splitlines() if line.startswith("forged")]
    assert "\x1b" not in output


def _zip_of_much(path: Path, chunk: bytes, size: int) -> Path:
    """A zip file whose model file repeats a chunk, with right size and hash."""
    digest = hashlib.sha256()
    for _ in range(size // len(chunk)):
        digest.update(chunk)
    manifest = _manifest()
    artifact = dataclasses.replace(
        manifest.artifacts[0], sha256=digest.hexdigest(), bytes=size, components={}
    )
    manifest = dataclasses.replace(manifest, artifacts=(artifact,))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest.to_json())
        archive.writestr("tokenizer.json", TOKENIZER)
        with archive.open("int8_static.onnx", "w") as entry:
            for _ in range(size // len(chunk)):
                entry.write(chunk)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_a_file_that_unpacks_to_more_than_memory(tmp_path: Path) -> None:
    """256 MB in a fiftieth of it are weighed with 128 MB to spare for everything."""
    chunk = MODEL[:2] + random.Random(0).randbytes(20_000) + bytes(2**20 - 20_002)
    large = _zip_of_much(tmp_path / "large.edgebert", chunk, 2**28)
    program = (
        "import resource, sys; from edgebert.cli import main; import edgebert.commands.inspect; "
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (now + 2**27, now + 2**27)); "
        "sys.exit(main(['inspect', sys.argv[1], '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(large)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert 2**22 < json.loads(done.stdout)["compressed_bytes"]["int8_static.onnx"] < 2**23


def test_a_stream_ends_with_a_check(tmp_path: Path) -> None:
    bundle = Bundle(_write(tmp_path / "bundle", _manifest().to_json(), MODEL[:-1] + b"x"))
    stream = bundle.stream(bundle.manifest.artifacts[0])
    assert next(stream) == MODEL[:-1] + b"x"
    with pytest.raises(ManifestError, match="altered or cut short"):
        next(stream)
