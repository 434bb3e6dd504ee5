"""Virtual environments apart from ours, made once and kept in .cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CACHE = ROOT / ".cache" / "environments"


def environment(name: str, requirements: list[str], python: str = sys.executable) -> Path:
    """The interpreter of an environment with these packages and nothing else."""
    digest = hashlib.sha256("\n".join([python, *requirements]).encode()).hexdigest()[:12]
    folder = _CACHE / f"{name}-{digest}"
    interpreter = folder / "bin" / "python"
    _CACHE.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes, and two may want the same one.
    with (_CACHE / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([python, "-m", "venv", str(folder)], check=True)
            install = [str(interpreter), "-m", "pip", "install", "--quiet", *requirements]
            subprocess.run(install, check=True)
            (folder / "complete").touch()
    return interpreter


def installed(interpreter: Path) -> set[str]:
    """Names of the packages in an environment, in lower case with hyphens."""
    done = subprocess.run(
        [str(interpreter), "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.partition("==")[0].lower().replace("_", "-") for line in done.stdout.splitlines()}
