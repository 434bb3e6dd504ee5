"""What starts the example's service in tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import environments

EXAMPLE = environments.ROOT / "examples" / "raspberry_pi"
PATIENCE_S = 120
"""A busy machine is slow; nothing here measures time."""

Start = Callable[..., "subprocess.Popen[bytes]"]
"""Options and environment variables → a service that runs."""


def last_line(service: subprocess.Popen[bytes]) -> bytes:
    """The last line that an ended service wrote on standard error."""
    assert service.stderr is not None
    return service.stderr.read().splitlines()[-1]
