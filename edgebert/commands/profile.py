"""`edgebert profile`."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from edgebert.commands import arguments as common
from edgebert.commands.devices import add_devices_file
from edgebert.escaping import printable
from edgebert_runtime.arguments import add_measuring, whole_numbers
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, EdgeBertError, InputError
from edgebert_runtime.fastest import remember
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.measurement import Measurement, Settings, fitting_lengths
from edgebert_runtime.processors import available_processors

if TYPE_CHECKING:
    from edgebert.profiler import Failure
    from edgebert.profiler.profile import Machine, Profile
    from edgebert.profiler.side_by_side import Job, Outcome, Told

HELP = "measure speed, memory and size of bundles on this machine and others, side by side"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edgebert profile`."""
    parser.add_argument(
        "bundles", nargs="+", metavar="BUNDLE", help="bundle folder or .edgebert file"
    )
    add_devices(parser)
    add_selection(parser)
    add_measuring(parser)
    parser.add_argument(
        "--output",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help=".json, .html, .csv or .png to write; may be repeated",
    )
    parser.add_argument(
        "--remember",
        action="store_true",
        help="keep the times, so that backend='auto' takes what was fastest; this machine alone",
    )
    common.add_json(parser)


def add_devices(parser: argparse.ArgumentParser) -> None:
    """Where to measure."""
    parser.add_argument(
        "--device",
        type=common.names,
        action="append",
        metavar="DEVICES",
        help="local, ssh://USER@HOST:PORT, adb:SERIAL, or a name; may be repeated; default: local",
    )
    add_devices_file(parser)
    parser.add_argument(
        "--wheelhouse",
        type=Path,
        metavar="FOLDER",
        help="wheels for devices of ssh without a package index; see 'edgebert wheelhouse'",
    )
    parser.add_argument(
        "--tool",
        type=Path,
        metavar="PROGRAM",
        help="benchmark program for devices of adb: LiteRT's benchmark_model, or ONNX Runtime's "
        "onnxruntime_perf_test",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Which artifacts, at which lengths."""
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
        help="such as 1,2; default: 1, and on this machine alone all this process may use, too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure one artifact after another on each device, each in a process of its own.

    A measurement that fails is reported beside those that don't; the status is then 1, as for a
    device without any result. A backend that is not installed is reported only.

    Raises:
        InputError: for bundles that hold no such artifact, a length that doesn't fit, or a report
            that can't be written.
        MissingBackendError: if nothing could be measured, for want of a library.
        DeviceError: if nothing could be measured.
    """
    from edgebert.profiler.output import check_report
    from edgebert.profiler.report import as_json, as_text

    for path in arguments.output:
        check_report(path)
        _refuse_bundle(path, arguments.bundles)
    if arguments.remember and (arguments.device or [("local",)]) != [("local",)]:
        raise InputError("--remember is for this machine; run 'edgebert profile' on the other one")
    profile, errors = measure(arguments)
    try:
        if arguments.json:
            common.print_json(as_json(profile))
        else:
            common.write(as_text(profile, arguments.precision))
    finally:
        _write(arguments.output, profile)
    if arguments.remember:
        _remember(profile, arguments.bundles)
    without = len(profile.devices) > len({each.device for each in profile.results})
    return int(without or any(isinstance(error, DeviceError) for error in errors))


def _remember(profile: Profile, bundles: Sequence[str]) -> None:
    """Keep the times of single texts for `load`."""
    measured = [each.measurement for each in profile.results]
    artifacts = {
        (os.fspath(path), each.file): each
        for path in bundles
        for each in Bundle(path).manifest.artifacts
    }
    try:
        for each in measured:
            times = {timing.tokens: timing.p50_ms for timing in each.lengths if timing.batch == 1}
            if times:
                remember(artifacts[each.bundle, each.file], each.threads, times)
    except OSError as error:
        raise InputError(f"the times cannot be kept: {error}") from None


def _refuse_bundle(path: Path, bundles: Sequence[str]) -> None:
    """A report in the place of what is measured would end it."""
    place = path.resolve()
    for bundle in map(Path, bundles):
        if bundle.resolve() in (place, *place.parents):
            raise InputError(f"report {str(path)!r} lies in a bundle; choose another place")


def _write(paths: Sequence[Path], profile: Profile) -> None:
    """Every report that can be written, whatever becomes of another."""
    from edgebert.profiler.output import write_report

    failed: EdgeBertError | None = None
    for path in paths:
        try:
            write_report(path, profile)
        except EdgeBertError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def measure(arguments: argparse.Namespace) -> tuple[Profile, list[Failure]]:
    """What the arguments of `add_devices`, `add_selection` and `add_measuring` ask for.

    Raises:
        MissingBackendError, DeviceError: if nothing could be measured.
    """
    from edgebert.profiler import side_by_side
    from edgebert.profiler.devices import find, read_entries
    from edgebert.profiler.profile import Machine

    given = [text for texts in arguments.device or [("local",)] for text in texts]
    entries = read_entries(arguments.devices_file)
    devices = find(given, entries, arguments.wheelhouse, arguments.tool)
    bundles = [Bundle(path) for path in dict.fromkeys(map(Path, arguments.bundles))]
    here = [name for name, _ in devices] == ["local"]
    jobs = _jobs(arguments, bundles, (1, available_processors()) if here else (1,))
    machines = [
        Machine(name, device.name, entries[name].remark if name in entries else None)
        for name, device in devices
    ]
    with _progress(machines, len(jobs)) as told:
        outcomes = side_by_side.measure([device for _, device in devices], jobs, told)
    errors = [each.found for each in outcomes if not isinstance(each.found, Measurement)]
    if len(errors) == len(outcomes):
        raise errors[0]
    return _profile(machines, bundles, outcomes), errors


def _jobs(
    arguments: argparse.Namespace, bundles: Sequence[Bundle], default_threads: tuple[int, ...]
) -> list[Job]:
    """Each artifact and thread count that was asked for."""
    from edgebert.profiler.side_by_side import Job

    backends = arguments.backend or BACKENDS
    if unknown := [name for name in backends if name not in BACKENDS]:
        raise InputError(f"backend: got {unknown[0]!r}, expected one of {', '.join(BACKENDS)}")
    jobs = [
        Job(
            bundle.path,
            Settings(
                artifact.backend,
                artifact.recipe,
                count,
                fitting_lengths(arguments.lengths, bundle.manifest.max_length),
                arguments.budget,
                arguments.batches,
                arguments.precision,
                arguments.minutes,
                arguments.operators,
            ),
        )
        for bundle in bundles
        for artifact in bundle.manifest.artifacts
        for count in sorted(set(arguments.threads or default_threads))
        if artifact.backend in backends
        and (arguments.recipe is None or artifact.recipe in arguments.recipe)
    ]
    if not jobs:
        wanted = ", ".join([*(arguments.backend or ()), *(arguments.recipe or ())])
        raise InputError(
            f"got {wanted}, and no bundle holds such an artifact; see 'edgebert inspect BUNDLE'"
        )
    return jobs


@contextlib.contextmanager
def _progress(machines: Sequence[Machine], jobs: int) -> Iterator[Told]:
    """A bar for each device."""
    with contextlib.ExitStack() as stack:
        bars = {
            each.address: stack.enter_context(
                tqdm(total=jobs, position=place, disable=None, leave=False)
            )
            for place, each in enumerate(machines)
        }

        def told(device: str, done: int, step: str) -> None:
            bar = bars[device]
            line = step if len(machines) == 1 else f"{device}: {step}"
            bar.set_description(printable(line), refresh=False)
            bar.n = done
            bar.refresh()

        yield told


def _profile(
    machines: Sequence[Machine], bundles: Sequence[Bundle], outcomes: Sequence[Outcome]
) -> Profile:
    from edgebert.profiler.profile import Profile, Result, Skipped, model_names, model_of

    named = model_names([bundle.path for bundle in bundles])
    models = {bundle.path: model_of(bundle, named[bundle.path]) for bundle in bundles}
    names = {each.address: each.name for each in machines}
    results, skipped = [], []
    for outcome in outcomes:
        device, model = names[outcome.device], models[outcome.job.bundle].name
        if isinstance(outcome.found, Measurement):
            results.append(Result(device, model, outcome.found))
        else:
            skipped.append(Skipped(device, model, outcome.job.settings, str(outcome.found)))
    return Profile.of(machines, list(models.values()), results, skipped)
