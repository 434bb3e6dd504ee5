"""`edgebert profile`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from edgebert.commands import arguments as common
from edgebert.profiler.local import Local
from edgebert.profiler.report import Skipped, as_json, as_text
from edgebert_runtime.arguments import whole_numbers
from edgebert_runtime.benchmark import seconds
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, InputError, MissingBackendError
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.measurement import Measurement, Settings, fitting_lengths
from edgebert_runtime.processors import available_processors

HELP = "measure speed, memory and size of bundles on this machine"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert profile`."""
    parser.add_argument(
        "bundles", nargs="+", metavar="BUNDLE", help="bundle folder or .edgebert file"
    )
    parser.add_argument(
        "--backend", type=common.names, metavar="NAMES", help="such as onnx,tflite; default: all"
    )
    parser.add_argument(
        "--recipe", type=common.names, metavar="NAMES", help="such as int8_dynamic; default: all"
    )
    parser.add_argument(
        "--lengths",
        type=whole_numbers,
        metavar="TOKENS",
        help="such as 8,16,32; default: 8,16,32,64,128 as far as they fit",
    )
    parser.add_argument(
        "--threads",
        type=whole_numbers,
        metavar="COUNTS",
        help="such as 1,2; default: 1 and all this process may use",
    )
    parser.add_argument(
        "--budget",
        type=seconds,
        default=5.0,
        metavar="SECONDS",
        help="for each artifact and thread count; default: 5",
    )
    common.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure one artifact after another, each in a process of its own.

    A measurement that fails is reported beside those that don't; the status is then 1. A backend
    that is not installed is reported only.

    Raises:
        InputError: for bundles that hold no such artifact, or a length that doesn't fit.
        MissingBackendError: if nothing could be measured, for want of a library.
        DeviceError: if nothing could be measured.
    """
    device = Local()
    measurements: list[Measurement] = []
    skipped: list[Skipped] = []
    errors: list[MissingBackendError | DeviceError] = []
    with tqdm(_jobs(arguments), disable=None, leave=False) as jobs:
        for bundle, settings in jobs:
            jobs.set_description(
                f"{settings.backend} {settings.recipe}, {settings.threads} threads"
            )
            try:
                measurements.append(device.measure(bundle, settings))
            except (MissingBackendError, DeviceError) as error:
                errors.append(error)
                skipped.append(Skipped(str(bundle), settings, str(error)))
    if not measurements:
        raise errors[0]
    if arguments.json:
        common.print_json(as_json(measurements, skipped))
    else:
        common.write(as_text(measurements, skipped))
    return int(any(isinstance(error, DeviceError) for error in errors))


def _jobs(arguments: argparse.Namespace) -> list[tuple[Path, Settings]]:
    """Each artifact and thread count that was asked for."""
    backends = arguments.backend or BACKENDS
    if unknown := [name for name in backends if name not in BACKENDS]:
        raise InputError(f"backend: got {unknown[0]!r}, expected one of {', '.join(BACKENDS)}")
    threads = sorted(set(arguments.threads or (1, available_processors())))
    jobs = []
    for path in dict.fromkeys(arguments.bundles):
        bundle = Bundle(path)
        lengths = fitting_lengths(arguments.lengths, bundle.manifest.max_length)
        jobs += [
            (
                bundle.path,
                Settings(artifact.backend, artifact.recipe, count, lengths, arguments.budget),
            )
            for artifact in bundle.manifest.artifacts
            for count in threads
            if artifact.backend in backends
            and (arguments.recipe is None or artifact.recipe in arguments.recipe)
        ]
    if not jobs:
        wanted = ", ".join([*(arguments.backend or ()), *(arguments.recipe or ())])
        raise InputError(
            f"got {wanted}, and no bundle holds such an artifact; see 'edgebert inspect BUNDLE'"
        )
    return jobs
