"""Devices by their addresses, or by names that a file gives them."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebert.profiler import Device
from edgebert.profiler.adb import Adb
from edgebert.profiler.local import Local
from edgebert.profiler.ssh import Ssh
from edgebert_runtime.errors import InputError, shortened

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FIELDS = ("address", "wheelhouse", "tool", "remark")
_KINDS = "local, ssh://USER@HOST:PORT, adb or adb:SERIAL"


@dataclass(frozen=True)
class Entry:
    """What a file says of a device."""

    name: str
    address: str
    wheelhouse: Path | None = None
    """Wheels for a device without a package index; of ssh."""
    tool: Path | None = None
    """A benchmark program for the device; of adb."""
    remark: str | None = None
    """For who reads a report: that the machine is emulated, for one."""


def default_file() -> Path:
    """`edgebert/devices.toml` where this system keeps configurations."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return Path(base or os.path.expanduser("~/.config")) / "edgebert/devices.toml"  # noqa: PTH111


def read_entries(path: Path | None = None) -> dict[str, Entry]:
    """The devices of a file: a table each, with `address`, and `wheelhouse`, `tool` or `remark`.

    Paths in it are of its folder. None stands for the default file, which may be missing.

    Raises:
        InputError: if the file can't be read, or says something else.
    """
    file = path or default_file()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if path is None:
            return {}
        raise InputError(f"no file of devices at {str(file)!r} ({error.strerror})") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{str(file)!r} cannot be read as TOML: {error}") from None
    return {name: _entry(name, table, file) for name, table in tables.items()}


def _entry(name: str, table: Any, file: Path) -> Entry:
    where = f"{str(file)!r}, device {name!r}"
    if not isinstance(table, dict) or "address" not in table:
        raise InputError(f'{where}: expected a table with address = "…", one of {_KINDS}')
    for key, value in table.items():
        if key not in _FIELDS or not isinstance(value, str):
            raise InputError(
                f"{where}: got {key} = {shortened(value)}, expected texts of {', '.join(_FIELDS)}"
            )
    if name == "local" or _is_address(name):
        raise InputError(f"{where}: a name that is an address already; choose another")
    wheelhouse, tool = (
        file.parent / os.path.expanduser(table[key]) if key in table else None  # noqa: PTH111
        for key in ("wheelhouse", "tool")
    )
    entry = Entry(name, table["address"], wheelhouse, tool, table.get("remark"))
    if not _is_address(entry.address):
        raise InputError(f"{where}: got address {entry.address!r}, expected one of {_KINDS}")
    return entry


def find(
    texts: Sequence[str],
    entries: Mapping[str, Entry],
    wheelhouse: Path | None = None,
    tool: Path | None = None,
) -> list[tuple[str, Device]]:
    """Devices as they were given, each once, with what they are called: addresses or names.

    `wheelhouse` and `tool` stand in where an entry has none.

    Raises:
        InputError: for what is neither.
    """
    found: list[tuple[str, Device]] = []
    addresses = [entries[text].address if text in entries else text for text in texts]
    for option, given, kind in (("wheelhouse", wheelhouse, "ssh"), ("tool", tool, "adb")):
        if given is not None and not any(each.startswith(kind) for each in addresses):
            raise InputError(
                f"--{option} is for devices of {kind}, got {', '.join(texts)}; leave it out"
            )
    for text in dict.fromkeys(texts):
        if _is_address(text):
            entry = Entry(text, text)
        elif text in entries:
            entry = entries[text]
        else:
            close = difflib.get_close_matches(text, entries, 1)
            hint = f"did you mean {close[0]!r}?" if close else "or a name in the file of devices"
            raise InputError(f"device: got {shortened(text)}, expected {_KINDS}; {hint}")
        device = _device(entry, wheelhouse, tool)
        if same := [name for name, other in found if other.name == device.name]:
            raise InputError(f"devices {same[0]!r} and {text!r} are one: {device.name}")
        found.append((text, device))
    return found


def _is_address(text: str) -> bool:
    return text in ("local", "adb") or text.startswith(("ssh://", "adb:"))


def _device(entry: Entry, wheelhouse: Path | None, tool: Path | None) -> Device:
    if entry.address == "local":
        return Local()
    if entry.address.startswith("ssh://"):
        return Ssh(entry.address, entry.wheelhouse or wheelhouse)
    return Adb(entry.address, entry.tool or tool)
