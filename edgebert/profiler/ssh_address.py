"""Addresses of the form ssh://user@host:port."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from edgebert_runtime.errors import InputError

_PATTERN = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.+-]*)@)?"
    r"(?:(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)|\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Address:
    """Where to log in. None is what ssh's own configuration may say."""

    user: str | None
    host: str
    """A name, an alias of ssh's configuration, or an IP address without brackets."""
    port: int | None

    @property
    def destination(self) -> str:
        """As `ssh` takes it behind its options."""
        return self.host if self.user is None else f"{self.user}@{self.host}"

    @property
    def command(self) -> str:
        """What a person types to get there, behind the name of a program of OpenSSH."""
        return self.destination if self.port is None else f"-p {self.port} {self.destination}"

    @property
    def known_as(self) -> str:
        """Its name in known_hosts."""
        return self.host if self.port in (None, 22) else f"'[{self.host}]:{self.port}'"


def parse(text: str) -> Address:
    """Read an address.

    Raises:
        InputError: for anything but a user, a host and a port, all but the host optional.
    """
    found = _PATTERN.fullmatch(text)
    if found is None or int(found["port"] or 22) > 65535:
        raise _refused(text)
    if found["ipv6"]:
        try:
            ipaddress.IPv6Address(found["ipv6"])
        except ValueError:
            raise _refused(text) from None
    port = None if found["port"] is None else int(found["port"])
    return Address(found["user"], found["host"] or found["ipv6"], port)


def _refused(text: str) -> InputError:
    return InputError(
        f"device: got {text!r}, expected ssh://HOST, ssh://USER@HOST or ssh://USER@HOST:PORT, with "
        "brackets around an IPv6 address and no path; passwords and keys are ssh's own business"
    )
