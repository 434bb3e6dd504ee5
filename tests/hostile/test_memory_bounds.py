"""The memory that reading a bundle takes, measured in a process of its own against its bounds."""

from __future__ import annotations

import dataclasses
import itertools
import json
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import hand_made
import pytest

from edgebert_runtime import ManifestError
from edgebert_runtime.json_fields import MOST_VALUES, parse
from edgebert_runtime.manifest import MAX_BYTES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

OPENING_MIB = 96
"""What opening any bundle may take."""
STREAMING_MIB = 16
"""What reading a file in parts may take; `read` holds it once besides."""

PROGRAM = """
import sys, time
from edgebert_runtime import Bundle, ManifestError

def kibibytes(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

before, start = kibibytes("VmRSS"), time.process_time()
refused = ""
try:
    bundle = Bundle(sys.argv[1])
    artifact = bundle.manifest.artifacts[0]
    if sys.argv[2] == "read":
        assert len(bundle.read(artifact)) == artifact.bytes
    elif sys.argv[2] == "stream":
        assert sum(map(len, bundle.stream(artifact))) == artifact.bytes
except ManifestError as error:
    refused = str(error)
print(kibibytes("VmHWM") - before, time.process_time() - start, refused)
"""


def measured(path: Path, what: str = "open") -> tuple[float, float, str]:
    """MiB at the peak beyond the imported runtime, processor seconds, and the refusal."""
    arguments = [sys.executable, "-c", PROGRAM, str(path), what]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=300)
    kibibytes, seconds, refused = done.stdout.rstrip("\n").split(" ", 2)
    return int(kibibytes) / 1024, float(seconds), refused


def _names(count: int) -> list[str]:
    letters = string.ascii_letters + string.digits
    return ["".join(each) for each in itertools.islice(itertools.product(letters, repeat=4), count)]


def _filled(text: str) -> str:
    """With a string of wide characters to the allowed size: four bytes a character in memory."""
    return text[:-1] + ',"' + "🙂" * ((MAX_BYTES - len(text.encode()) - 40) // 4) + '":0}'


def _valid(**fields: object) -> str:
    data = json.loads(hand_made.manifest().to_json())
    return json.dumps({**data, **fields}, ensure_ascii=False)


def _labels() -> str:
    labels = _names(99_000)
    artifacts = json.loads(hand_made.manifest().to_json())["artifacts"]
    for each in artifacts:
        each["outputs"] = {"logits": len(labels)}
    return _valid(labels=labels, artifacts=artifacts)


def _pairs(values: list[str]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in enumerate(values)) + "}"


MANIFESTS: dict[str, Callable[[], str]] = {
    "names": lambda: _filled("{" + ",".join(f'"{n}":1' for n in _names(199_000)) + "}"),
    "objects": lambda: _filled('{"a":[' + ",".join(['{"":0}'] * 99_900) + "]}"),
    "lists": lambda: _filled('{"a":[' + ",".join(["[0]"] * 99_900) + "]}"),
    "numbers": lambda: _filled('{"a":[' + ",".join(["1e9"] * 199_000) + "]}"),
    "digits": lambda: _pairs(["9" * 4000] * 1000),
    "fractions": lambda: _pairs(["0." + "9" * 400_000] * 10),
    "exponents": lambda: _pairs(["1e" + "9" * 400_000] * 10),
    "escapes": lambda: '{"a":"' + "\\ud83d\\ude42" * (MAX_BYTES // 12 - 10) + '"}',
    "spaces": lambda: " " * (MAX_BYTES - 2) + "{}",
    "depth": lambda: "[" * 199_000,
    "brackets": lambda: "[" + "[]," * (MAX_BYTES // 3 - 10) + "[]]",
    "commas": lambda: "[" + "," * (MAX_BYTES - 2) + "]",
    "labels": _labels,
    "layers": lambda: _valid().replace(
        '"encoder.layers.0.value"', ",".join(f'"{name}"' for name in _names(66_000))
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_of_the_largest_size(memory: Path, name: str) -> None:
    text = MANIFESTS[name]()
    assert len(text.encode()) <= MAX_BYTES
    folder = hand_made.write_folder(memory / "bundle")
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    mebibytes, seconds, refused = measured(folder)
    assert mebibytes < OPENING_MIB
    assert seconds < 30
    assert bool(refused) == (name not in ("labels", "layers"))


def test_values_are_counted_before_they_are_made() -> None:
    assert len(parse("[" + "0," * (MOST_VALUES - 2) + "0]")) == MOST_VALUES - 1
    with pytest.raises(ManifestError, match="expected at most 200000 commas and brackets"):
        parse("[" + "0," * MOST_VALUES + "0]")


def test_the_largest_directory(memory: Path) -> None:
    path = hand_made.write_zip(memory / "x.edgebert")
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(995):
            archive.writestr(f"{number:0950}", b"")
    mebibytes, _, refused = measured(path, "read")
    assert refused == ""
    assert mebibytes < STREAMING_MIB


def _with_large_model(path: Path, content: bytes) -> Path:
    contents = {**hand_made.CONTENTS, "int8_static.onnx": content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", hand_made.manifest(contents).to_json())
        for name, each in contents.items():
            archive.writestr(name, each)
    return path


SIZE = 64 * 1024 * 1024
CHUNK = hand_made.CONTENTS["int8_static.onnx"]


@pytest.fixture(scope="module")
def dense() -> bytes:
    """64 MiB that deflate makes some 50 times smaller."""
    from random import Random

    chunk = CHUNK + Random(0).randbytes(20_000)
    return (chunk + bytes(2**20 - len(chunk))) * (SIZE // 2**20)


@pytest.mark.parametrize("what", ["stream", "read"])
def test_a_large_file_of_a_zip(memory: Path, dense: bytes, what: str) -> None:
    path = _with_large_model(memory / "x.edgebert", dense)
    assert SIZE / 100 < path.stat().st_size < SIZE / 30
    mebibytes, _, refused = measured(path, what)
    assert refused == ""
    held = 1.125 * SIZE / 2**20 if what == "read" else 0
    assert held <= mebibytes + 0.125 * SIZE / 2**20
    assert mebibytes < held + STREAMING_MIB


def test_a_large_file_of_a_folder(memory: Path, dense: bytes) -> None:
    contents = {**hand_made.CONTENTS, "int8_static.onnx": dense}
    folder = hand_made.write_folder(memory / "x", contents)
    mebibytes, _, refused = measured(folder, "stream")
    assert refused == ""
    assert mebibytes < STREAMING_MIB


def test_a_bomb(memory: Path) -> None:
    path = _with_large_model(memory / "x.edgebert", CHUNK + bytes(SIZE))
    mebibytes, _, refused = measured(path, "read")
    assert "more than 100 times as many" in refused
    assert mebibytes < STREAMING_MIB


@pytest.mark.parametrize("claimed", [2**31, SIZE + 1])
def test_a_size_that_is_claimed_is_not_set_aside(memory: Path, claimed: int) -> None:
    folder = hand_made.write_folder(memory / "bundle")
    manifest = hand_made.manifest()
    large = dataclasses.replace(manifest.artifacts[0], bytes=claimed)
    whole = dataclasses.replace(manifest, artifacts=(large, *manifest.artifacts[1:]))
    (folder / "manifest.json").write_text(whole.to_json(), encoding="utf-8")
    mebibytes, _, refused = measured(folder, "read")
    assert "altered or cut short" in refused
    assert mebibytes < STREAMING_MIB
