"""Files that stay on an Android device by their hash, and programs that never do."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgebert.profiler.adb_client import Answer, Client, Meanwhile
from edgebert_runtime.errors import DeviceError

FOLDER = "/data/local/tmp/edgebert"
"""Where Android lets its shell run programs; apps may read there."""
_REMOVE_ABANDONED = (
    f"find {FOLDER} -maxdepth 1 '(' -name 'part-*' -o -name 'run-*' ')' -mtime +0 "
    "-exec rm -rf '{}' +"
)
"""What a connection that was lost left there more than a day ago."""
_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV"}
"""As Linux numbers them on ARM and x86."""


def keep(client: Client, source: Path, place: str, *, program: bool = False) -> str:
    """Copy a folder to `place` below `FOLDER`, unless it is there; the path on the device.

    It comes under its name when all of it is there.

    Raises:
        DeviceError: if the device goes away, or its disk is full.
    """
    target = f"{FOLDER}/{place}"
    if client.shell(f"[ -d {target} ]").status == 0:
        return target
    part = f"{FOLDER}/part-{secrets.token_hex(8)}"
    try:
        _do(client, f"mkdir -p {part} {target.rpartition('/')[0]}")
        client.shell(_REMOVE_ABANDONED)
        client.push(source, part)
        # Apps read as other users do. Another session may have been faster.
        mode = "755" if program else "a+rX"
        _do(client, f"chmod -R {mode} {part} && {{ [ -d {target} ] || mv {part} {target}; }}")
    finally:
        client.clean(f"rm -rf {part}")
    return target


class Programs:
    """What runs on a device: each program in a folder of its own, by whose name it is known."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._folders: set[str] = set()

    @contextlib.contextmanager
    def folder(self, files: Path | None = None) -> Iterator[str]:
        """A folder on the device with some files; what runs there ends with it.

        Raises:
            DeviceError: if the device goes away, or its disk is full.
        """
        folder = f"{FOLDER}/run-{secrets.token_hex(8)}"
        with self._lock:
            self._folders.add(folder)
        try:
            _do(self._client, f"mkdir -p {folder}")
            if files is not None:
                self._client.push(files, folder)
            yield folder
        finally:
            self._end(folder)

    def run(
        self,
        folder: str,
        command: Sequence[str],
        seconds: float,
        meanwhile: Meanwhile | None = None,
    ) -> Answer:
        """Run a command in a folder, however it ends.

        Raises:
            DeviceError: if the device goes away, or it takes longer than `seconds`.
        """
        # If the folder is gone, so is who would want an answer, and nothing is started.
        line = f"cd {folder} && echo $$ > pid && exec {shlex.join(command)}"
        answer = self._client.shell(line, seconds, meanwhile)
        if answer.status:
            self._client.check()
        return answer

    def stop(self) -> None:
        """End all of them, from any thread."""
        with self._lock:
            folders = list(self._folders)
        for folder in folders:
            self._end(folder)

    def _end(self, folder: str) -> None:
        # The number may be another program's by now.
        self._client.clean(
            f'p=$(cat {folder}/pid) && [ "$(readlink /proc/$p/cwd)" = {folder} ] && kill -9 $p; '
            f"rm -rf {folder}"
        )
        with self._lock:
            self._folders.discard(folder)


def failure(answer: Answer) -> str:
    """Why a program on the device ended, in one line."""
    status = answer.status
    if status in (126, 127) or "CANNOT LINK EXECUTABLE" in answer.errors + answer.output:
        return (
            f"the tool does not start on the device: {answer.last_line}; give one built for "
            "Android, with the libraries that it needs beside it"
        )
    if status > 128 and (name := _SIGNALS.get(status - 128)):
        hint = "; the device may be out of memory" if name == "SIGKILL" else ""
        return f"the tool was ended by {name}: {answer.last_line}{hint}"
    return f"the tool ended with status {status}: {answer.last_line}"


def _do(client: Client, command: str) -> None:
    answer = client.shell(command)
    if answer.status:
        client.check()
        if "No space left" in answer.errors:
            raise DeviceError(f"the disk of {client.name} is full; make room on it")
        raise DeviceError(f"{client.name} refuses to work in {FOLDER}: {answer.last_line}")
