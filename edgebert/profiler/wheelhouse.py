"""A folder of wheels for a device that has no package index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgebert.profiler import Progress, running, silent
from edgebert.profiler.wheel import running_wheel
from edgebert_runtime.errors import InputError
from edgebert_runtime.manifest import BACKENDS

PLATFORMS = {"linux-x86_64": "x86_64", "linux-aarch64": "aarch64", "linux-armv7l": "armv7l"}
"""Name of a platform → its machine, as `uname -m` gives it there."""

_OLDEST_LIBRARY, _NEWEST_LIBRARY = 5, 35
"""Minor versions of glibc 2. Every system with Python 3.10 or later has 2.35, or a later one."""

_PYTHON = re.compile(r"3\.(?:[1-9][0-9])", re.ASCII)

_AS_ON_THE_DEVICE = """
import platform, runpy, sys
machine, python = sys.argv[1:3]
platform.machine = lambda: machine
platform.python_version = lambda: python + ".0"
platform.python_version_tuple = lambda: (*python.split("."), "0")
sys.argv[:3] = ["pip"]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
"""pip chooses wheels by --platform, but reads conditions of requirements, as in
"numpy<2; platform_machine == 'armv7l'", as of the machine that it runs on."""


def build(
    output: Path,
    platform: str,
    python: str = "3.11",
    backends: Sequence[str] = ("onnx", "tflite"),
    *,
    extra_index_url: str | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Fill a new folder with the running edgebert's wheel and all that it needs there.

    Args:
        output: the folder, which must not exist.
        platform: one of PLATFORMS.
        python: version of the device's python3, as in "3.11".
        backends: whose libraries to add.
        extra_index_url: an index beside pip's own.
        progress: told what pip downloads.

    Returns:
        The wheels, by name.

    Raises:
        InputError: for what there is no platform, Python or backend of, a folder that can't be
            made, and wheels that pip does not find.
        DeviceError: if edgebert runs without having been installed.
    """
    _check(output, platform, python, backends)
    wheel = running_wheel()
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
            folder = Path(temporary) / output.name
            folder.mkdir()
            own = folder / wheel.name
            own.write_bytes(wheel.content)
            requirement = f"{own.resolve()}[{','.join(backends)}]"
            index = [] if extra_index_url is None else [f"--extra-index-url={extra_index_url}"]
            options = [*_target(platform, python), *index, f"--dest={folder}"]
            command = [sys.executable, "-c", _AS_ON_THE_DEVICE, PLATFORMS[platform], python]
            status, lines = _run([*command, "download", *options, requirement], progress)
            if status:
                raise InputError(_failure(lines, platform, python))
            folder.rename(output)
    except OSError as error:
        raise InputError(
            f"wheelhouse {str(output)!r} can't be written ({error.strerror}); choose another folder"
        ) from None
    return sorted(output.iterdir())


def _check(output: Path, platform: str, python: str, backends: Sequence[str]) -> None:
    if platform not in PLATFORMS:
        raise InputError(f"platform: got {platform!r}, expected one of {', '.join(PLATFORMS)}")
    if not _PYTHON.fullmatch(python):
        raise InputError(f"python: got {python!r}, expected a version such as 3.11, 3.10 at least")
    if unknown := [name for name in backends if name not in BACKENDS]:
        raise InputError(f"backend: got {unknown[0]!r}, expected one of {', '.join(BACKENDS)}")
    if not backends:
        raise InputError(f"backend: got none, expected some of {', '.join(BACKENDS)}")
    if not output.name or not output.parent.is_dir():
        raise InputError(
            f"wheelhouse {str(output)!r}: the folder to make it in does not exist; create it first"
        )
    if output.exists() or output.is_symlink():
        raise InputError(f"wheelhouse {str(output)!r} exists; remove it, or choose another name")


def _target(platform: str, python: str) -> list[str]:
    """Options of pip: what runs there, the names of PEP 600 and those before it."""
    machine = PLATFORMS[platform]
    library = [f"manylinux_2_{minor}" for minor in range(_NEWEST_LIBRARY, _OLDEST_LIBRARY - 1, -1)]
    names = [*library, "manylinux2014", "manylinux2010", "manylinux1", "linux"]
    tag = f"cp{python.replace('.', '')}"
    return [
        "--only-binary=:all:",
        *(f"--platform={name}_{machine}" for name in names),
        f"--python-version={python}",
        "--implementation=cp",
        *(f"--abi={name}" for name in (tag, "abi3", "none")),
        "--progress-bar=off",
        "--disable-pip-version-check",
        "--no-input",
    ]


def _run(command: Sequence[str], progress: Progress) -> tuple[int, list[str]]:
    """The status of pip and what it printed; it never outlives the call."""
    process: subprocess.Popen[str] | None = None
    lines = []
    try:
        with running.interrupts_wait():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if lines[-1].startswith(("Collecting ", "Downloading ")):
                progress(lines[-1])
        return process.wait(), lines
    finally:
        if process is not None:
            process.kill()
            with process:
                process.wait()


def _failure(lines: Sequence[str], platform: str, python: str) -> str:
    where = f"wheelhouse for {platform}, Python {python}"
    if any("No module named pip" in line for line in lines):
        return f"{where}: pip is not installed here; run: {sys.executable} -m ensurepip"
    said = [line for line in lines if line.startswith("ERROR: ")] or list(lines) or ["no message"]
    if any("No space left on device" in line for line in lines):
        return f"{where}: no space left on this machine's disk; free some, or choose another"
    if any("Retrying (" in line for line in lines):
        return f"{where}: pip can't reach its index ({said[-1]}); check this machine's network"
    reason = said[-1].removeprefix("ERROR: ")
    return (
        f"{where}: pip has not all wheels ({reason}); try another --python, leave a --backend out, "
        "or name an index that has them by --extra-index-url (piwheels for 32-bit Raspberry Pi OS)"
    )
