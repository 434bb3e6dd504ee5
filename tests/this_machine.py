"""What tests need of this machine: programs of Debian packages, and ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest


def need(tool: str, package: str) -> None:
    """Install a Debian package for a tool that is missing, or skip the test and say why."""
    if found(tool):
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    # RUNLEVEL keeps Debian from starting the daemon that a package brings.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{tool} is missing, and {package} could not be installed: {error}")


def found(tool: str) -> str | None:
    """Where a tool is, or None; those of daemons too."""
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def free_port() -> int:
    """A port of loopback that nobody had a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
