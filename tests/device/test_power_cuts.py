"""A bundle whose copying was cut short is found out by verify, and never answers wrongly."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import device_power_cut
import pytest

import edgebert
from edgebert import cli
from edgebert_runtime import Bundle, EdgeBertError, Manifest, ManifestError
from edgebert_runtime.manifest import Artifact, File


def files(manifest: Manifest) -> list[File | Artifact]:
    return [manifest.tokenizer, *manifest.artifacts]


def whole(place: Path, original: Path, name: str) -> bool:
    try:
        return (place / name).read_bytes() == (original / name).read_bytes()
    except OSError:
        return False


def check_folder(place: Path, original: Path, label: str) -> bool:
    """Verify and load agree with the files' bytes; returns whether all is well."""
    manifest = Bundle(original).manifest
    try:
        read = Bundle(place).manifest
    except ManifestError:
        read = None
    # Of a manifest, a last newline may be lost without harm.
    assert read in (None, manifest), label
    damaged = [file for file in files(manifest) if not whole(place, original, file.file)]
    well = read is not None and not damaged
    assert (cli.main(["verify", str(place)]) == 0) == well, label
    for artifact in manifest.artifacts:
        if read is None or manifest.tokenizer in damaged or artifact in damaged:
            with pytest.raises(ManifestError):
                edgebert.load(place, backend=artifact.backend, threads=1)
    return well


def test_a_folder_cut_anywhere(bundle: Path, tmp_path: Path) -> None:
    states = well = 0
    for label, place in device_power_cut.interrupted_copies(bundle, tmp_path, 2):
        well += check_folder(place, bundle, label)
        states += 1
    assert states > 300
    # The manifest without its last newline, behind the others or beside them.
    assert well <= 4


def test_a_file_cut_anywhere(zipped: Path, tmp_path: Path) -> None:
    states = 0
    for label, place in device_power_cut.interrupted_copies(zipped, tmp_path, 40):
        assert cli.main(["verify", str(place)]) == 1, label
        with pytest.raises(EdgeBertError):
            edgebert.load(place, backend="onnx", threads=1)
        states += 1
    assert states > 100


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting an image needs root")
@pytest.mark.parametrize("mode", ["ordered", "writeback"])
def test_a_real_file_system(mode: str, bundle: Path, tmp_path: Path) -> None:
    cuts = device_power_cut.cut_disks(bundle, tmp_path, mode, 6)
    found = []
    try:
        for label, place in cuts:
            found.append(check_folder(place, bundle, label))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this system mounts no images: {error.stderr}")
    # What was synchronized is there, and what had only begun isn't.
    assert found[-1]
    assert not found[0]
