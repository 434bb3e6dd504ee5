"""The document of a profile: models, devices, and what was measured of each on each."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert.profiler import checking
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.manifest import Artifact as ManifestArtifact
from edgebert_runtime.manifest import Manifest
from edgebert_runtime.measurement import Measurement, Settings, Timing, decoded
from edgebert_runtime.provenance import Pruning

SCHEMA_VERSION = 2

_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """A device that was profiled. What it says about itself is in each measurement's `facts`."""

    name: str
    """As reports show it: "local", "kitchen"."""
    address: str
    """How it was reached: "local", "ssh://pi@kitchen.local", "adb:SERIAL"."""
    remark: str | None = None
    """What a reader should know: that it is emulated, for one."""


@dataclass(frozen=True)
class Artifact:
    """One file of a model."""

    backend: str
    recipe: str
    bytes: int
    components: Mapping[str, int]
    """Bytes of weights by part of the model; the rest of the file is its graph."""
    agreement: float
    """With the float model: share of equal answers, or as docs/bundle-format.md says by task."""
    agreement_sentences: int
    """How many sentences were compared."""
    score: float | None
    """Of the model's `scoring` figure; None where nobody scored it on labelled rows."""


@dataclass(frozen=True)
class Scoring:
    """The labelled rows that artifacts were scored on as they were converted."""

    figure: str
    """"accuracy" or "correlation"."""
    data: str
    rows: int
    float_score: float
    """Of the float model on the same rows."""


@dataclass(frozen=True)
class Model:
    """A bundle that was profiled."""

    name: str
    """As reports show it; each model of a profile has its own."""
    path: str
    """On the workstation."""
    task: str
    max_length: int
    """Tokens that an answer can look at."""
    parameters: int | None
    """Float parameters of the checkpoint; None where it doesn't say."""
    tokenizer_bytes: int
    manifest_bytes: int
    artifacts: tuple[Artifact, ...]
    scoring: Scoring | None
    pruning: Pruning | None
    """What was cut out before it was converted; None for nothing."""

    def artifact(self, backend: str, recipe: str) -> Artifact | None:
        """The artifact of a format and recipe."""
        kinds = {(each.backend, each.recipe): each for each in self.artifacts}
        return kinds.get((backend, recipe))

    def device_bytes(self, artifact_bytes: int) -> int:
        """What a device must hold to run an artifact: it, the tokenizer and the manifest."""
        return artifact_bytes + self.tokenizer_bytes + self.manifest_bytes


@dataclass(frozen=True)
class Result:
    """One artifact on one device."""

    device: str
    """Name of one of the profile's devices."""
    model: str
    """Name of one of the profile's models."""
    measurement: Measurement

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """Device, model, backend, recipe and threads: the same in the next profile of it."""
        measured = self.measurement
        return self.device, self.model, measured.backend, measured.recipe, measured.threads

    @property
    def artifact(self) -> str:
        """Backend and recipe, as a person reads them."""
        return f"{self.measurement.backend} {self.measurement.recipe}"

    def timing(self, tokens: int, batch: int = 1) -> Timing | None:
        """The model alone on texts of that length; None if that was not measured."""
        return next(
            (
                each
                for each in self.measurement.lengths
                if each.tokens == tokens and each.batch == batch
            ),
            None,
        )


@dataclass(frozen=True)
class Skipped:
    """An artifact that was not measured on a device, and why."""

    device: str
    model: str
    settings: Settings
    reason: str


@dataclass(frozen=True)
class Profile:
    """Everything that one `edgebert profile` found out."""

    schema_version: int
    created: str
    """When it was written: ISO 8601, in UTC."""
    edgebert: str
    """Version that wrote it."""
    devices: tuple[Machine, ...]
    models: tuple[Model, ...]
    results: tuple[Result, ...]
    skipped: tuple[Skipped, ...]

    @classmethod
    def of(
        cls,
        devices: Sequence[Machine],
        models: Sequence[Model],
        results: Sequence[Result],
        skipped: Sequence[Skipped] = (),
    ) -> Profile:
        """What was measured, dated now.

        Raises:
            InputError: if a result names no device or model of these, or two have one name.
        """
        now = datetime.datetime.now(datetime.timezone.utc)
        profile = cls(
            schema_version=SCHEMA_VERSION,
            created=now.isoformat(timespec="seconds"),
            edgebert=importlib.metadata.version("edgebert"),
            devices=tuple(devices),
            models=tuple(models),
            results=tuple(results),
            skipped=tuple(skipped),
        )
        try:
            checking.check_names(profile)
        except ValueError as error:
            raise InputError(f"profile: {error}") from None
        return profile

    def model(self, name: str) -> Model:
        """The model of a result."""
        return next(each for each in self.models if each.name == name)

    def on(self, device: str) -> tuple[Result, ...]:
        """The results of one device, in the order that they were measured."""
        return tuple(each for each in self.results if each.device == device)

    def tokens(self) -> tuple[int, ...]:
        """The lengths that any text was measured at alone, ascending."""
        timings = (timing for each in self.results for timing in each.measurement.lengths)
        return tuple(sorted({timing.tokens for timing in timings if timing.batch == 1}))

    def to_json(self) -> str:
        """The text of a profile's file, in ASCII."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "profile") -> Profile:
        """Read what `to_json` wrote. `name` stands for it in messages.

        Raises:
            InputError: if it is not a profile of this schema version.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or "schema_version" not in data:
                raise ValueError("it has no schema_version")
            if data["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"its schema_version is {shortened(data['schema_version'])}")
            profile: Profile = decoded(cls, data, "profile")
            checking.check_numbers(data, "profile")
            checking.check_names(profile)
            for model in profile.models:
                checking.check_sizes(model)
            for each in profile.results:
                checking.check_measurement(each.measurement)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{shortened(name)} is no profile of schema_version {SCHEMA_VERSION} "
                f"({_one_line(error)}); write one with 'edgebert profile BUNDLE --output FILE.json'"
            ) from None
        return profile

    @classmethod
    def read(cls, path: Path) -> Profile:
        """Read a profile's file.

        Raises:
            InputError: if there is none, or it is not a profile of this schema version.
        """
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise ValueError(f"over {_MOST_BYTES} bytes")
            text = content.decode("utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or _one_line(error)
            raise InputError(
                f"profile {shortened(str(path))} cannot be read ({reason}); expected a JSON file "
                "that 'edgebert profile' wrote"
            ) from None
        return cls.from_json(text, str(path))


def model_names(paths: Sequence[Path]) -> dict[Path, str]:
    """What tells bundles apart: the last part of their paths, where that is enough."""
    short = {path: path.name or path.resolve().name for path in paths}
    counts = Counter(short.values())
    return {path: name if counts[name] == 1 else str(path) for path, name in short.items()}


def model_of(bundle: Bundle, name: str) -> Model:
    """What a profile says of a bundle, under the name that reports show."""
    manifest = bundle.manifest
    search = manifest.search
    return Model(
        name=name,
        path=str(bundle.path),
        task=manifest.task,
        max_length=manifest.max_length,
        parameters=sum(manifest.source.parameters.values()) or None,
        tokenizer_bytes=manifest.tokenizer.bytes,
        manifest_bytes=len(manifest.to_json().encode("utf-8", "surrogatepass")),
        artifacts=tuple(
            Artifact(
                backend=each.backend,
                recipe=each.recipe,
                bytes=each.bytes,
                components=each.components,
                agreement=each.parity.agreement,
                agreement_sentences=each.parity.sentences,
                score=_score(manifest, each),
            )
            for each in manifest.artifacts
        ),
        scoring=None
        if search is None
        else Scoring(search.figure, search.data, search.rows, search.float_value),
        pruning=manifest.pruning,
    )


def _score(manifest: Manifest, artifact: ManifestArtifact) -> float | None:
    trials = () if manifest.search is None else manifest.search.trials
    kind = artifact.backend, artifact.recipe
    return next(
        (each.value for each in trials if each.kept and (each.backend, each.recipe) == kind), None
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
