"""A model → the files of each library, kept until something changes that they depend on."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import resources

from peers import catalogue, libraries
from peers.catalogue import OURS, Peer
from peers.checkpoints import CACHE, Subject

INSIDE = Path(__file__).resolve().parent / "inside"
_LIMIT_SECONDS = 1800
_CALIBRATION_SENTENCES = 1000


class MakingError(Exception):
    """A library could not convert the model; says how it ended."""


_failures: dict[Path, MakingError] = {}
"""Folder → why it could not be made in this run: some peers share one."""


def python(library: str) -> Path:
    """The interpreter that has a library; for ours, this one."""
    return Path(sys.executable) if library == OURS else libraries.interpreter(library)


def files(peer: Peer, subject: Subject) -> Path:
    """The folder that the peer reads, made now if it is not there.

    Raises:
        MakingError: if the peer's library fails.
        subprocess.CalledProcessError: if its environment cannot be made.
    """
    maker = catalogue.MADE_BY.get(peer.library, peer.library)
    if maker == OURS:
        return _made(maker, subject, _our_sources(subject)) / peer.folder
    if maker not in catalogue.MAKERS:
        return subject.theirs
    scripts = [INSIDE / catalogue.MAKERS[maker], INSIDE / "float_model.py"]
    return _made(maker, subject, [*scripts, *_checkpoint_files(subject.theirs)]) / peer.folder


def _made(library: str, subject: Subject, sources: Iterable[Path]) -> Path:
    key = hashlib.sha256()
    if library != OURS:
        key.update("\n".join(libraries.pins(library)).encode())
    for source in sources:
        key.update(source.read_bytes())
    folder = CACHE / subject.name / f"{library}-{key.hexdigest()[:12]}"
    if folder in _failures:
        raise _failures[folder]
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            _run(_command(library, subject, folder))
        except MakingError as error:
            _failures[folder] = error
            raise
        (folder / "complete").touch()
    return folder


def _command(library: str, subject: Subject, folder: Path) -> list[str]:
    if library == OURS:
        texts = folder / "sentences.txt"
        lines = resources.sentences(_CALIBRATION_SENTENCES)
        texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        convert = [sys.executable, "-m", "edgebert", "convert", str(subject.ours)]
        return [*convert, "--calibration", str(texts), "-o", str(folder / "bundle")]
    script = str(INSIDE / catalogue.MAKERS[library])
    return [str(python(library)), script, str(subject.theirs), subject.task, str(folder)]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            timeout=_LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise MakingError(f"not done in {_LIMIT_SECONDS} s") from error
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["nothing said"]
        raise MakingError(f"status {done.returncode}: {lines[-1].strip()}")


def _our_sources(subject: Subject) -> list[Path]:
    packages = ("converters", "runtime", "edgebert")
    code = [path for name in packages for path in sorted((libraries.ROOT / name).rglob("*.py"))]
    return [libraries.ROOT / "constraints.txt", *code, *_checkpoint_files(subject.ours)]


def _checkpoint_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors"))
