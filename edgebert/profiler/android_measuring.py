"""One artifact on an Android device, timed by the tool of another library."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgebert.profiler import Progress
from edgebert.profiler.adb_client import Client, Meanwhile
from edgebert.profiler.adb_programs import Programs, failure, keep
from edgebert.profiler.android_facts import (
    Snapshot,
    doubts,
    energy,
    everything,
    facts,
    heat,
    moment,
    read,
)
from edgebert.profiler.android_tool import RESULTS, Job, Report, Tool
from edgebert.profiler.android_tools import abi_of, is_known, tool_of, version_of
from edgebert_runtime.benchmark import encoding_of_length
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import DeviceError, InputError, MissingBackendError, shortened
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.measurement import (
    SCHEMA_VERSION,
    Conditions,
    Measurement,
    Memory,
    Moment,
    OperatorProfile,
    Settings,
    Startup,
    Timing,
    fitting_lengths,
    operator_tokens,
    place,
)
from edgebert_runtime.sustained import without_rest
from edgebert_runtime.tokenization import Tokenizer

_LIBRARIES = ("libonnxruntime*.so", "libLiteRt*.so", "libtensorflowlite*.so", "libc++_shared.so")
"""What a tool may need, and be built with."""
_HELP_SECONDS = 30.0
_GRACE_SECONDS = 120.0
"""For loading, and for a run that is still going on when its time is up."""
_LEAST_STRETCH_SECONDS = 5.0


@dataclass(frozen=True)
class Installed:
    """A tool on the device."""

    tool: Tool
    path: str
    help_text: str
    label: str
    """For a person: its name, and its version or the beginning of its hash."""


def install(client: Client, programs: Programs, path: Path, device: Snapshot) -> Installed:
    """Copy a tool to the device once, and see what it is.

    Raises:
        InputError: if the file can't be read.
        DeviceError: if it is for other devices, does not start, or is no tool that is known.
    """
    try:
        abi = abi_of(path)
        files = [path, *(each for name in _LIBRARIES for each in sorted(path.parent.glob(name)))]
        contents = {"tool": path.read_bytes()}
        contents |= {each.name: each.read_bytes() for each in files[1:] if each != path}
    except OSError as error:
        raise InputError(f"tool {shortened(str(path))} cannot be read: {error.strerror}") from None
    abis = device.properties.get("ro.product.cpu.abilist", device.abi or "").split(",")
    if abi is not None and any(abis) and abi not in abis:
        raise DeviceError(
            f"tool {shortened(path.name)} is built for {abi}, and {client.name} runs "
            f"{' or '.join(abis)}; give one built for it"
        )
    digest = _digest(contents)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name).write_bytes(content)
        place = keep(client, Path(folder), f"tools/{digest}", program=True)
    with programs.folder() as run:
        answer = programs.run(run, _command(place, ["--help"]), _HELP_SECONDS)
    text = f"{answer.output}\n{answer.errors}"
    # Some tools print their options and call that a failure; one that can't start prints none.
    if answer.status and not is_known(text):
        raise DeviceError(failure(answer))
    tool = tool_of(path.name, text)
    label = f"{tool.name} {version_of(text) or f'(sha256 {digest[:12]})'}"
    return Installed(tool, place, text, label)


class ToolMeasuring:
    """Runs the jobs of one artifact one after another."""

    def __init__(
        self, client: Client, programs: Programs, installed: Installed, progress: Progress
    ) -> None:
        self._client = client
        self._programs = programs
        self._installed = installed
        self._progress = progress
        self._start = time.perf_counter()
        self._moments: list[Moment] = []

    def measure(self, bundle: Bundle, artifact: Artifact, settings: Settings) -> Measurement:
        """Measure an artifact by length and batch.

        Raises:
            MissingBackendError: if the tool is of another backend.
            DeviceError: if the device goes away, or the tool fails or is not understood.
        """
        tool = self._installed.tool
        lengths = fitting_lengths(settings.lengths, bundle.manifest.max_length)
        batches = sorted(set(settings.batches))
        self._check(artifact, batches)
        tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), bundle.manifest.max_length)
        self._progress("copying")
        model = keep_artifact(self._client, bundle, artifact, tool.suffix)

        def job(tokens: int, batch: int, seconds: float) -> Job:
            ids = tuple(encoding_of_length(tokenizer, tokens).ids)
            return Job(artifact, model, "", ids, batch, settings.threads, seconds)

        share = settings.budget_seconds / (len(lengths) * len(batches))
        before, metered = self._look(everything), time.perf_counter()
        reports = []
        for tokens in lengths:
            for batch in batches:
                self._progress(place(tokens, batch))
                reports.append(self._run(job(tokens, batch, share)))
        metered = time.perf_counter() - metered
        after, timed = self._look(everything), len(self._moments)
        memories = [report.memory for report in reports]
        if not tool.remembers:
            self._progress("memory")
            memories = [self._run(job(lengths[-1], 1, share), memory=True).memory]
        timings = tuple(report.timing for report in reports)
        sentences = sum(each.sentences for each in timings)

        def stretch(seconds: float) -> tuple[Timing, Moment]:
            # The tool again and again: only its loading is between the stretches.
            return self._run(job(lengths[-1], 1, seconds)).timing, self._moments[-1]

        sustained = without_rest(
            stretch, settings.minutes * 60, _LEAST_STRETCH_SECONDS, self._progress
        )
        return Measurement(
            schema_version=SCHEMA_VERSION,
            bundle=str(bundle.path),
            backend=artifact.backend,
            recipe=artifact.recipe,
            file=artifact.file,
            bytes=artifact.bytes,
            threads=settings.threads,
            tool=self._installed.label,
            startup=Startup(),
            memory=_most(memories),
            text_to_answer=None,
            lengths=timings,
            conditions=Conditions(
                moments=tuple(self._moments),
                stolen_share=None,
                foreign_share=None,
                waiting_share=None,
                marks=doubts(self._moments[:timed], before, after),
            ),
            sustained=sustained,
            energy=energy(before, after, metered, sentences),
            operators=self._operators(lengths) if settings.operators else None,
            facts=facts(after),
        )

    def _check(self, artifact: Artifact, batches: list[int]) -> None:
        tool = self._installed.tool
        if tool.backend != artifact.backend:
            other = {"tflite": "LiteRT's benchmark_model", "onnx": "onnxruntime_perf_test"}
            with_what = other.get(artifact.backend)
            raise MissingBackendError(
                f"{tool.name} measures {tool.backend}, not {artifact.backend}; "
                + (f"give --tool {with_what}" if with_what else "there is no such tool for Android")
            )
        tool.check(self._installed.help_text, batches)

    def _run(self, job: Job, *, memory: bool = False) -> Report:
        tool = self._installed.tool
        with tempfile.TemporaryDirectory() as folder:
            files = tool.inputs(job)
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            with self._programs.folder(Path(folder) if files else None) as run:
                link = f"{run}/model{tool.suffix}"
                self._client.shell(f"ln -s {job.model} {link} || cp {job.model} {link}")
                placed = replace(job, model=link, folder=run)
                command = _command(self._installed.path, tool.arguments(placed, memory=memory))
                answer = self._programs.run(
                    run,
                    command,
                    2 * job.seconds + _GRACE_SECONDS,
                    Meanwhile(job.seconds / 2, lambda: self._look(heat)),
                )
                if answer.status:
                    raise DeviceError(failure(answer))
                results = self._client.shell(f"cat {run}/{RESULTS}")
        printed = f"{answer.errors}\n{answer.output}"
        return tool.report(placed, printed, results.output)

    def _look(self, script: Callable[[], str]) -> Snapshot:
        snapshot = read(self._client.shell(script()).output)
        self._moments.append(moment(snapshot, time.perf_counter() - self._start))
        return snapshot

    def _operators(self, lengths: tuple[int, ...]) -> OperatorProfile:
        reason = f"{self._installed.tool.name} is not asked for them"
        return OperatorProfile(operator_tokens(lengths), (), reason)


def keep_artifact(client: Client, bundle: Bundle, artifact: Artifact, suffix: str) -> str:
    """Copy the file of an artifact to the device once; its path there.

    Raises:
        ManifestError: if the file is not as the manifest says.
        DeviceError: if the device goes away, or its disk is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, f"model{suffix}").open("wb") as stream:
            for part in bundle.stream(artifact):
                stream.write(part)
        place = keep(client, Path(folder), f"models/{artifact.sha256}")
    return f"{place}/model{suffix}"


def _command(place: str, arguments: list[str]) -> list[str]:
    # Recent versions of ONNX Runtime would report to their makers.
    return [
        "env",
        f"LD_LIBRARY_PATH={place}",
        "ORT_DISABLE_TELEMETRY=1",
        f"{place}/tool",
        *arguments,
    ]


def _most(memories: list[Memory]) -> Memory:
    """Each figure's largest, as every length had a process of its own."""
    peaks = [each.peak_bytes for each in memories if each.peak_bytes is not None]
    steady = [each.steady_bytes for each in memories if each.steady_bytes is not None]
    return Memory(peak_bytes=max(peaks, default=None), steady_bytes=max(steady, default=None))


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
