"""`edgebert devices`."""

from __future__ import annotations

import argparse
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from edgebert.commands import arguments as common
from edgebert.table import render
from edgebert_runtime.errors import DeviceError

if TYPE_CHECKING:
    from edgebert.profiler import Device, State

HELP = "list devices, and check what is there: reachable, Python, libraries, free space"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert devices`."""
    parser.add_argument(
        "devices",
        nargs="*",
        metavar="DEVICE",
        help="local, ssh://USER@HOST:PORT, adb:SERIAL, or a name; default: local and all names",
    )
    add_devices_file(parser)
    common.add_json(parser)


def add_devices_file(parser: argparse.ArgumentParser) -> None:
    """The file that names devices."""
    parser.add_argument(
        "--devices-file",
        type=Path,
        metavar="FILE",
        help="TOML with a table for each name, such as [kitchen] and in it address = "
        '"ssh://pi@kitchen.local"; default: ~/.config/edgebert/devices.toml',
    )


def run(arguments: argparse.Namespace) -> int:
    """Look at all of them at once; the status is 1 if one can't be reached.

    Raises:
        InputError: for what names no device, or a file that can't be read.
    """
    from edgebert.profiler.devices import find, read_entries
    from edgebert.profiler.running import interrupts_wait

    entries = read_entries(arguments.devices_file)
    names = dict.fromkeys(arguments.devices or ["local", *entries])
    # Two names of one device are no mistake here: a phone may have a tool for each backend.
    devices = [found for name in names for found in find([name], entries)]
    with ThreadPoolExecutor(len(devices)) as threads:
        try:
            states = list(threads.map(_look, [device for _, device in devices]))
        except BaseException:
            with interrupts_wait():
                for _, device in devices:
                    device.close()
            raise
    if arguments.json:
        found = zip(names, devices, states, strict=True)
        common.print_json([_as_json(name, device, state) for name, (_, device), state in found])
    else:
        rows = [
            _row(name, device, state)
            for name, (_, device), state in zip(names, devices, states, strict=True)
        ]
        headers = ("device", "address", "reachable", "Python", "libraries", "free MB", "remark")
        common.write(render(headers, rows))
    return int(any(isinstance(state, DeviceError) for state in states))


def _look(device: Device) -> State | DeviceError:
    try:
        return device.state()
    except DeviceError as error:
        return error
    except OSError as error:
        return DeviceError(str(error))
    finally:
        device.close()


def _as_json(name: str, device: Device, state: State | DeviceError) -> dict[str, object]:
    identity = {"device": name, "address": device.name}
    if isinstance(state, DeviceError):
        return {**identity, "reachable": False, "error": str(state)}
    return {**identity, "reachable": True, **dataclasses.asdict(state)}


def _row(name: str, device: Device, state: State | DeviceError) -> tuple[str, ...]:
    from edgebert.profiler.report import megabytes

    if isinstance(state, DeviceError):
        return (name, device.name, "no", "-", "-", "-", str(state))
    libraries = ", ".join(f"{each} {version}" for each, version in state.libraries.items())
    free = megabytes(state.free_bytes)
    remark = state.remark or ""
    return (name, device.name, "yes", state.python or "-", libraries or "-", free, remark)
