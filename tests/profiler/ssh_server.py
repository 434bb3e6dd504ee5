"""A real sshd on loopback with keys of its own, and a client that knows no others."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import this_machine

PATIENCE_S = 60
"""A busy machine is slow; nothing here measures time."""

SHELL = f"PATH={sys.base_prefix}/bin:/usr/bin:/bin exec /bin/sh"
"""With the python3 that our own environment was made from."""

_SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv {variables}
# Behind a shell's start files, which may have set another path.
ForceCommand {shell} -c "$SSH_ORIGINAL_COMMAND"
"""
_CLIENT = """
Host *
    User {user}
    IdentityFile {folder}/{key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {folder}/known
    GlobalKnownHostsFile none
"""


class Server:
    """sshd in a folder of its own, whose sessions have this cache and `shell`."""

    def __init__(self, folder: Path, cache: Path, shell: str = SHELL) -> None:
        self.folder = folder
        self.port = this_machine.free_port()
        self.address = f"ssh://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        for name in ("host", "user", "stranger"):
            self.make_key(name)
        variables = f"XDG_CACHE_HOME={cache} OMP_NUM_THREADS=1"
        (folder / "sshd_config").write_text(
            _SERVER.format(port=self.port, folder=folder, variables=variables, shell=shell)
        )
        self.trust()

    def make_key(self, name: str) -> None:
        """A new key pair in the place of an old one."""
        for path in (self.folder / name, self.folder / f"{name}.pub"):
            path.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
        subprocess.run(command, check=True)

    def trust(self) -> None:
        """The client knows the host key that the server has now."""
        key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {key}\n")

    def client(self, key: str = "user") -> Path:
        """A folder with an `ssh`, to be first on the path: the system's, and our configuration."""
        folder = self.folder / f"client-{key}"
        folder.mkdir(exist_ok=True)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout
        configuration = folder / "config"
        configuration.write_text(_CLIENT.format(user=user.strip(), folder=self.folder, key=key))
        script = folder / "ssh"
        script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {configuration} "$@"\n')
        script.chmod(0o755)
        return folder

    def start(self) -> None:
        """Start, and wait until it answers."""
        with contextlib.suppress(PermissionError):
            Path("/run/sshd").mkdir(exist_ok=True)
        log = self.folder / "log"
        command = ["/usr/sbin/sshd", "-D", "-f", str(self.folder / "sshd_config"), "-E", str(log)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        patience = time.monotonic() + PATIENCE_S
        while time.monotonic() < patience:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None:
                pytest.skip(f"sshd does not start here: {log.read_text()}")
            time.sleep(0.05)
        raise TimeoutError(f"sshd does not answer on port {self.port}")

    def stop(self) -> None:
        """End it and its sessions."""
        if self._process is not None:
            for process in [*self.sessions(), self._process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGTERM)
            self._process.wait()

    def sessions(self) -> list[int]:
        """Its processes that serve a login."""
        assert self._process is not None
        return _descendants(self._process.pid)


def running_in(folder: Path) -> list[int]:
    """Processes with a file or folder of this one in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.fsencode(folder) in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found


def _descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    try:
        found = [int(each) for each in children.read_text().split()]
    except OSError:
        return []
    return [*found, *(each for child in found for each in _descendants(child))]
