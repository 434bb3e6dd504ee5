"""A conversion that fails, is killed or runs out of space leaves nothing; --force swaps whole."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import edgebert
from edgebert_converters import publish as publishing
from edgebert_converters.recipes import RECIPES
from edgebert_runtime.manifest_versions import SCHEMA_VERSION

ONNX = edgebert.ConvertOptions(formats=("onnx",))


def command(checkpoint: Path, target: Path, *options: str) -> list[str]:
    arguments = ["convert", str(checkpoint), "-o", str(target), "--formats", "onnx", *options]
    return [sys.executable, "-m", "edgebert", *arguments]


def environment(temporary: Path) -> dict[str, str]:
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(temporary)}


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_killed(number: signal.Signals, status: int, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    temporary = tmp_path / "temporary"
    with subprocess.Popen(
        command(checkpoint, target / "bundle"),
        stderr=subprocess.PIPE,
        text=True,
        env=environment(temporary),
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "exporting" in line:
                break
        child.send_signal(number)
        rest = child.stderr.read()
    assert child.returncode == status
    assert "Traceback" not in rest
    assert list(target.iterdir()) == []
    left = [path.name for path in temporary.iterdir() if path.name.startswith("edgebert")]
    if number is not signal.SIGKILL:
        assert left == []
        return
    # Nobody can clean up after SIGKILL but the next conversion.
    assert len(left) == 1
    subprocess.run(command(checkpoint, target / "bundle"), env=environment(temporary), check=True)
    assert not any(path.name.startswith("edgebert") for path in temporary.iterdir())


def test_full_disk(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()

    # No file may grow beyond 20 KiB. Python ignores the signal and gets the error.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash", *command(checkpoint, target / "bundle")],
        capture_output=True,
        text=True,
        env={**environment(tmp_path / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("edgebert: error:")
    assert "Traceback" not in done.stderr
    assert list(target.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("name", ["bundle", "bundle.edgebert"])
def test_full_target_disk(name: str, bundle: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)])
    if mounted.returncode:
        pytest.skip("this system allows no mounts")
    try:
        with pytest.raises(OSError, match="No space left"):
            publishing.publish(bundle, disk / name)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_artifact_out_of_tolerance(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = RECIPES["int8_dynamic"]
    strict = dataclasses.replace(given.tolerance, mean_difference=0.0)
    monkeypatch.setitem(RECIPES, "int8_dynamic", dataclasses.replace(given, tolerance=strict))
    with pytest.raises(edgebert.AccuracyError, match=r"mean difference .*, at most 0"):
        edgebert.convert(checkpoint, tmp_path / "bundle", ONNX)
    assert list(tmp_path.iterdir()) == []


def test_existing_bundle_stays_without_force(bundle: Path, checkpoint: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in bundle.iterdir())
    with pytest.raises(edgebert.InputError, match="exists; choose another name, or add --force"):
        edgebert.convert(checkpoint, bundle, ONNX)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in bundle.iterdir()) == before


@pytest.mark.parametrize("name", ["bundle", "bundle.edgebert"])
def test_force_replaces_a_bundle(name: str, bundle: Path, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / name
    publishing.publish(bundle, target)
    options = dataclasses.replace(ONNX, force=True, recipes=("float32",))
    edgebert.convert(checkpoint, target, options)
    with edgebert.load(target) as model:
        assert [each.recipe for each in model.manifest.artifacts] == ["float32"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["old", "old.edgebert"])
def test_force_replaces_a_bundle_of_another_version(
    name: str, bundle: Path, checkpoint: Path, tmp_path: Path
) -> None:
    """What only a newer version can read is a bundle all the same."""
    folder = Path(shutil.copytree(bundle, tmp_path / "work"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    target = tmp_path / name
    publishing.publish(folder, target)
    with pytest.raises(edgebert.ManifestError, match="schema_version is 99"):
        edgebert.load(target)
    edgebert.convert(checkpoint, target, dataclasses.replace(ONNX, force=True))
    with edgebert.load(target, backend="onnx") as model:
        assert model.manifest.schema_version == SCHEMA_VERSION


def test_force_spares_what_is_no_bundle(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("ten years")
    options = dataclasses.replace(ONNX, force=True)
    with pytest.raises(edgebert.InputError, match="is no bundle that can be read"):
        edgebert.convert(checkpoint, tmp_path / "precious", options)
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "ten years"


def test_failed_swap_puts_the_old_bundle_back(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bundle"
    publishing.publish(bundle, target)
    rename = Path.rename

    def fail_on_partial(self: Path, to: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError("disk on fire")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail_on_partial)
    with pytest.raises(OSError, match="disk on fire"):
        publishing.publish(bundle, target)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    with edgebert.load(target) as model:
        model.predict("still here")


@pytest.mark.parametrize("name", ["bundle", "bundle.edgebert"])
def test_a_bundle_is_as_open_as_the_umask_says(name: str, checkpoint: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        edgebert.convert(checkpoint, tmp_path / name, ONNX)
    finally:
        os.umask(before)
    written = tmp_path / name
    assert written.stat().st_mode & 0o777 == (0o755 if written.is_dir() else 0o644)


def test_missing_parent(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(edgebert.InputError, match="does not exist; create it first"):
        edgebert.convert(checkpoint, tmp_path / "no" / "bundle", ONNX)


def test_leftovers_of_dead_processes_go_and_of_living_ones_stay(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    (tmp_path / f".bundle.{child.pid}.partial").mkdir()
    (tmp_path / f".bundle.{os.getpid()}.partial").mkdir()
    (tmp_path / ".bundle.notes").mkdir()
    publishing.remove_abandoned(tmp_path, ".bundle.")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f".bundle.{os.getpid()}.partial", ".bundle.notes"}


def test_the_same_bundle_makes_the_same_zip(bundle: Path, tmp_path: Path) -> None:
    publishing.publish(bundle, tmp_path / "a.edgebert")
    publishing.publish(bundle, tmp_path / "b.edgebert")
    assert (tmp_path / "a.edgebert").read_bytes() == (tmp_path / "b.edgebert").read_bytes()
