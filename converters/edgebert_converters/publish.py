"""Put a finished bundle in its place, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from pathlib import Path

from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError, ManifestError, ManifestVersionError, shortened

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Fixed, so that the same files make the same zip."""


def as_path(path: object, name: str) -> Path:
    """A caller's argument as a path.

    Raises:
        InputError: if it is none.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"{name}: got {shortened(path)}, expected a path")
    return Path(path)


def check_target(target: Path, *, force: bool) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Raises:
        InputError: if there is something already (unless `force`, and it is a bundle), or if the
            folder to write in does not exist.
    """
    if not target.name or not target.parent.is_dir():
        raise InputError(
            f"output {str(target)!r}: the folder to write it in does not exist; create it first"
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"output {str(target)!r}: no permission to write in its folder")
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise InputError(f"output {str(target)!r} exists; choose another name, or add --force")
    try:
        Bundle(target)
    except ManifestVersionError:
        return
    except ManifestError:
        raise InputError(
            f"output {str(target)!r} exists and is no bundle that can be read, so --force does not "
            "replace it; remove it yourself, or choose another name"
        ) from None


def publish(folder: Path, target: Path) -> None:
    """Make `folder` the bundle at `target`: a folder, or a zip file if it ends with .edgebert.

    An older bundle there stays until the new one is complete beside it. `folder` may be moved.

    Raises:
        OSError: if writing fails; then nothing was changed and nothing is left behind.
    """
    remove_abandoned(target.parent, f".{target.name}.")
    partial = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        if target.suffix == ".edgebert":
            _zip(folder, partial)
        else:
            # Its files may be closed to other users, as safetensors makes them.
            shutil.copytree(folder, partial, copy_function=shutil.copyfile)
        _synchronize(partial)
        _replace(partial, target)
    finally:
        _remove(partial)


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove what killed conversions left: named `prefix`, a dead process's id, a suffix."""
    for path in parent.glob(f"{prefix}*"):
        process = path.name.removeprefix(prefix).partition(".")[0]
        if process.isdigit() and not _alive(int(process)):
            _remove(path)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _replace(partial: Path, target: Path) -> None:
    if not target.is_dir():
        partial.replace(target)
        return
    old = target.parent / f".{target.name}.{os.getpid()}.old"
    target.rename(old)
    try:
        partial.rename(target)
    except BaseException:
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(file.name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w") as copy:
                shutil.copyfileobj(source, copy)


def _synchronize(path: Path) -> None:
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
