"""Take a folder for a run: a new one, the run that is there to go on, or another in its place."""

from __future__ import annotations

import fcntl
import fnmatch
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from edgebert.distillation.options import RunOptions
from edgebert.distillation.run import RECORD, Run
from edgebert_converters.publish import remove_abandoned
from edgebert_runtime.errors import EdgeBertError, InputError

_KEYS = {"options", "made_with", "started", "finished", "stages"}
_OWN = (
    *("run.json", "metrics.jsonl", "run.png", "checkpoints", "stages", "data", ".*.partial"),
    *("config.json", "model*.safetensors*", "tokenizer*", "special_tokens_map.json", "*.model"),
    *("vocab.*", "merges.txt", "added_tokens.json", "README.md"),
)
"""What a run, or whoever made a card for its model, puts into its folder."""


@contextmanager
def claimed(
    accelerate: Accelerator, run: Run, options: RunOptions, inputs: Sequence[Path | None]
) -> Iterator[None]:
    """Make a run's folder its own until it ends; one process takes it for all.

    A run that is there is continued with `options.resume`, or moved aside with `options.force`: it
    goes when the new one has a checkpoint. A mistake found before that puts it back.

    Raises:
        InputError: if something is there that would be lost, if it is another run's, or if the
            folder is one of the `inputs` or holds one.
    """
    with accelerate.main_process_first():
        if not accelerate.is_main_process:
            run.record = _read_record(run.folder)
            aside = lock = None
        else:
            _check_place(run.folder, inputs)
            aside, lock = _take(run, options)
    try:
        yield
    except (EdgeBertError, OSError, KeyboardInterrupt):
        if lock is not None and not run.last_checkpoint() and not run.finished_stages():
            shutil.rmtree(run.folder, ignore_errors=True)
            if aside is not None:
                aside.rename(run.folder)
                aside = None
        raise
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _check_place(folder: Path, inputs: Sequence[Path | None]) -> None:
    if not folder.name or not folder.parent.is_dir():
        raise InputError(
            f"output {str(folder)!r}: the folder to write it in does not exist; create it first"
        )
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"output {str(folder)!r} is a file or a link; choose another name")
    for path in inputs:
        if path is not None and path.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"output {str(folder)!r} is, or holds, {str(path)!r}, which this run reads; choose "
                "another name"
            )


def _take(run: Run, options: RunOptions) -> tuple[Path | None, int]:
    """Where an older run was moved to, and the lock on the folder."""
    folder = run.folder
    remove_abandoned(folder.parent, f".{folder.name}.")
    aside = None
    if folder.exists() and any(not _is_partial(path) for path in folder.iterdir()):
        lock = _lock(folder)
        try:
            found = _read_record(folder)
            if options.resume:
                _check_options(folder, found["options"], run.record["options"])
                run.record = found
                return None, lock
            _check_replaceable(folder, force=options.force)
        except BaseException:
            os.close(lock)
            raise
        aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        folder.rename(aside)
        os.close(lock)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"output {str(folder)!r} cannot be made ({error.strerror})") from None
    lock = _lock(folder)
    for path in folder.iterdir():
        path.unlink()
    run.write_record()
    return aside, lock


def _check_replaceable(folder: Path, *, force: bool) -> None:
    if not force:
        raise InputError(
            f"output {str(folder)!r} holds a run already; add --resume to continue it, --force to "
            "replace it, or choose another"
        )
    others = [path.name for path in folder.iterdir() if not _is_own(path)]
    if others:
        raise InputError(
            f"output {str(folder)!r} holds {others[0]!r}, which is no part of a run, so --force "
            "does not replace it; move it elsewhere, or choose another name"
        )


def _lock(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(
            f"output {str(folder)!r}: another run is writing there; wait, or choose another name"
        ) from None
    return descriptor


def _is_partial(path: Path) -> bool:
    """What a run that was killed while it began leaves."""
    return fnmatch.fnmatch(path.name, ".*.partial") and not path.is_dir()


def _is_own(path: Path) -> bool:
    return any(fnmatch.fnmatch(path.name, pattern) for pattern in _OWN)


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not path.is_file():
        raise InputError(f"output {str(folder)!r} exists and is no training run; choose another")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not set(record) >= _KEYS:
        raise InputError(
            f"{str(path)!r} is no record of a training run, or is damaged; choose another output"
        )
    return record


def _check_options(folder: Path, before: Any, now: Any) -> None:
    """A run goes on as it began: name the first value that differs."""
    ours, theirs = _flat(json.loads(json.dumps(now))), _flat(before)
    for name in sorted(set(ours) | set(theirs)):
        if ours.get(name) != theirs.get(name):
            raise InputError(
                f"the run in {str(folder)!r} was started with {name} {theirs.get(name)!r}, now it "
                f"is {ours.get(name)!r}; resume with the same options"
            )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    flat: dict[str, Any] = {}
    for key, each in value.items():
        flat |= _flat(each, f"{name}.{key}" if name else key)
    return flat
