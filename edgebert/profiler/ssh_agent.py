"""What runs on a device that is reached by ssh, on the python3 that it has.

It is sent as text for every call, so it may import the standard library only, and nothing has to
be installed first. All it keeps lies in one folder, `~/.cache/edgebert`:

    wheels/SHA256/NAME                 bundles/SHA256/NAME
    environments/WHEEL-EXTRA-PYTHON/   `complete` is written last
    lock                               shared by everyone at work here

Files get their names once their hashes are right. What killed calls left, and what nobody used for
a month, is removed by the next call that is alone.

Standard input is the connection: as long as there is one, something comes at least every
`SILENCE_S` seconds. When it ends, so does everything that was started here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SILENCE_S = 30.0
"""Longer than a radio link stumbles."""
_UNUSED_S = 30 * 24 * 3600
_PROGRESS = "edgebert: progress: "
_CHUNK = 1024 * 1024
_STATE = """
import dataclasses, json
from edgebert.profiler.local import Local
print(json.dumps(dataclasses.asdict(Local().state())))
"""


def main(arguments: list[str]) -> int:
    """`look|receive|environment|state` with JSON, or `run` with a command."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    task, *rest = arguments
    try:
        if task == "run":
            return _run(rest)
        answer = _TASKS[task](**json.loads(rest[0]))
    except OSError as error:
        return _failed(_explained(error))
    except _RefusedError as error:
        return _failed(str(error))
    print(json.dumps(answer), flush=True)
    return 0


class _RefusedError(Exception):
    """Something is missing here; the message says what to do."""


def _look(files: list[tuple[str, str]], environment: str, clean: bool = False) -> dict[str, Any]:
    """Which of `files`, pairs of path and sha256, are not here, and the environment's python.

    Who begins asks for cleaning: later a clock that was set meanwhile would make all look old.
    """
    with _at_work(clean=clean) as cache:
        missing = []
        for path, sha256 in files:
            if _sha256(cache / path) != sha256:
                missing.append(path)
            else:
                os.utime((cache / path).parent)
        return {"missing": missing, "python": _python(_environment(cache, environment))}


def _receive(files: list[tuple[str, str, int]]) -> None:
    """Store path, sha256 and size of each, whose contents follow each other on standard input."""
    with _at_work() as cache:
        for path, sha256, size in files:
            target = cache / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # A system without any space left suffers more than this call.
            if size > _free_bytes(cache):
                raise OSError(errno.ENOSPC, f"{size:,} bytes are needed")
            descriptor, part = tempfile.mkstemp(suffix=".part", dir=target.parent)
            try:
                with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor
                    digest = _copy(stream, size)
                    stream.flush()
                    os.fsync(stream.fileno())
                if digest != sha256:
                    raise _RefusedError(f"{target.name} arrived altered; profile again")
                Path(part).replace(target)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    Path(part).unlink()


def _copy(stream: Any, size: int) -> str:
    digest = hashlib.sha256()
    while size:
        ready, _, _ = select.select([0], [], [], SILENCE_S)
        chunk = os.read(0, min(size, _CHUNK)) if ready else b""
        if not chunk:
            raise _RefusedError("the connection was lost while copying; profile again")
        stream.write(chunk)
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def _make_environment(
    environment: str, extra: str, wheel: str, links: list[str] | None
) -> dict[str, Any]:
    """An environment with the wheel and its extra; `links` are folders that replace an index."""
    threading.Thread(target=_watch, daemon=True).start()
    with _at_work() as cache:
        folder = _environment(cache, environment)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent / f"{folder.name}.lock"):
            if not _python(folder):
                shutil.rmtree(folder, ignore_errors=True)
                try:
                    _install(cache, folder, f"{cache / wheel}[{extra}]", links)
                    os.sync()
                    (folder / "complete").touch()
                except BaseException:
                    # Not left for the next call: it may be what fills the disk.
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
            return {"python": _python(folder)}


def _install(cache: Path, folder: Path, requirement: str, links: list[str] | None) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise _RefusedError(_NO_VENV)
    extra = requirement.rpartition("[")[2].rstrip("]")
    _step("making a virtual environment")
    status, lines = _supervised([sys.executable, "-I", "-m", "venv", str(folder)])
    if status:
        _check_space(lines)
        raise _RefusedError(f"python3 -m venv failed: {lines[-1] if lines else status}; {_NO_VENV}")
    _step(f"installing edgebert[{extra}]")
    # Compiling numpy, tokenizers or a backend's library would take a small board hours.
    options = ["--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    if links is not None:
        options += ["--no-index", *(f"--find-links={cache / link}" for link in links)]
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--progress-bar=off"]
    status, lines = _supervised([*pip, *options, requirement])
    if status:
        _check_space(lines)
        last = next((each for each in reversed(lines) if each.startswith("ERROR: ")), None)
        raise _RefusedError(
            _pip_failure(extra, last or (lines or ["no message"])[-1], lines, links)
        )


def _pip_failure(extra: str, last: str, lines: list[str], links: list[str] | None) -> str:
    last = last.removeprefix("ERROR: ")
    if any("Retrying (" in line for line in lines):
        return (
            f"pip can't reach its index there ({last}); connect the device, or give a folder that "
            "'edgebert wheelhouse' made"
        )
    if "No matching distribution" in last or "ResolutionImpossible" in last:
        where = "the device's index" if links is None else "the wheelhouse"
        return (
            f"{where} has not all wheels for backend {extra!r} ({last}); give a folder that "
            f"'edgebert wheelhouse --backend {extra}' made for this device, or make this work "
            f"there: pip install 'edgebert[{extra}]'"
        )
    return f"pip failed there: {last}"


def _run(command: list[str]) -> int:
    """A command whose paths are relative to the folder, with our standard output and error."""
    threading.Thread(target=_watch, daemon=True).start()
    with _at_work() as cache:
        os.chdir(cache)
        status, _ = _supervised(command, inherited=True)
    if status < 0:
        name = signal.Signals(-status).name
        hint = "; the device may be out of memory" if name == "SIGKILL" else ""
        return _failed(f"the measuring process was killed by {name}{hint}")
    return status


def _state(environment: str) -> dict[str, Any]:
    """What is here; changes nothing."""
    cache = _cache()
    made = sorted((cache / "environments").glob(f"{environment}-*-{_PYTHON}/complete"))
    states = []
    for complete in made:
        command = [str(complete.parent / "bin" / "python"), "-I", "-B", "-c", _STATE]
        with contextlib.suppress(subprocess.SubprocessError, OSError, ValueError):
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            states.append(json.loads(done.stdout))
    libraries = {name: version for each in states for name, version in each["libraries"].items()}
    system = platform.uname()
    return {
        "python": platform.python_version(),
        "system": f"{system.system} {system.release} {system.machine}",
        "libraries": libraries,
        "free_bytes": _free_bytes(cache),
        "facts": states[0]["facts"] if states else None,
        "problem": None if importlib.util.find_spec("ensurepip") else _NO_VENV,
    }


_TASKS: dict[str, Callable[..., Any]] = {
    "look": _look,
    "receive": _receive,
    "environment": _make_environment,
    "state": _state,
}
_PYTHON = "python{}.{}".format(*sys.version_info)
_NO_VENV = "python3 there can't make virtual environments; run there: sudo apt install python3-venv"


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    parent = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return parent / "edgebert"


def _environment(cache: Path, name: str) -> Path:
    # The python3 of a system may be another one after its next upgrade.
    return cache / "environments" / f"{name}-{_PYTHON}"


def _python(folder: Path) -> str | None:
    # The interpreter that it links to may be gone since.
    if not ((folder / "complete").exists() and (folder / "bin" / "python").exists()):
        return None
    os.utime(folder)
    return str(folder / "bin" / "python")


@contextlib.contextmanager
def _at_work(*, clean: bool = False) -> Iterator[Path]:
    """The folder, which nobody cleans meanwhile; cleaned beforehand if nobody else is at work."""
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "lock").open("w") as lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if clean:
                _clean(cache)
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield cache


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clean(cache: Path) -> None:
    for part in [*cache.glob("wheels/*/*.part"), *cache.glob("bundles/*/*.part")]:
        part.unlink()
    for entry in [path for kind in ("wheels", "bundles") for path in cache.glob(f"{kind}/*")]:
        if _unused(entry):
            shutil.rmtree(entry, ignore_errors=True)
    for entry in cache.glob("environments/*"):
        if entry.suffix == ".lock":
            entry.unlink()
        elif not (entry / "complete").exists() or _unused(entry):
            shutil.rmtree(entry, ignore_errors=True)


def _unused(entry: Path) -> bool:
    return time.time() - entry.stat().st_mtime > _UNUSED_S


def _sha256(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _free_bytes(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


_child: subprocess.Popen[str] | None = None
_starting = threading.Lock()


def _supervised(command: list[str], *, inherited: bool = False) -> tuple[int, list[str]]:
    """The status of a command, which never outlives the call, and the lines that it printed."""
    global _child
    with _starting:
        _child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=None if inherited else subprocess.PIPE,
            stderr=None if inherited else subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # pip may start processes of its own, which end with its group.
            start_new_session=True,
        )
    lines = []
    try:
        for line in _child.stdout or ():
            lines.append(line.strip())
            if line.startswith(("Collecting ", "Downloading ", "Installing ", "  Downloading ")):
                _step(line.strip())
        return _child.wait(), [line for line in lines if line]
    finally:
        _end_child()


def _end_child() -> None:
    if _child is not None and _child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(_child.pid, signal.SIGKILL)


def _watch() -> None:
    """Wait until the connection is lost, and end everything then."""
    while select.select([0], [], [], SILENCE_S)[0] and os.read(0, 4096):
        pass
    with _starting:
        _end_child()
        os._exit(1)


def _terminated(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _check_space(lines: list[str]) -> None:
    if any("No space left on device" in line for line in lines):
        raise OSError(errno.ENOSPC, "No space left on device")


def _explained(error: OSError) -> str:
    cache = _cache()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left in {cache} there ({error.strerror}, {_free_bytes(cache):,} are free); "
            "free some, or set XDG_CACHE_HOME there to a folder on a larger disk"
        )
    return (
        f"{error}; expected a folder {cache} there that can be written: repair it, or set "
        "XDG_CACHE_HOME there"
    )


def _step(step: str) -> None:
    print(f"{_PROGRESS}{step}", file=sys.stderr, flush=True)


def _failed(message: str) -> int:
    print(f"edgebert: error: {message}", file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
