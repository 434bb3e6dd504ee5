"""What the benchmark is asked for, and the measurement that it prints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from edgebert_runtime.errors import DeviceError, InputError
from edgebert_runtime.hardware import Facts

SCHEMA_VERSION = 2
PROGRESS = "edgebert: progress: "
"""Begins a line of the benchmark, on standard error, that says what is measured now."""
_OPERATOR_TOKENS = 64
DEFAULT_LENGTHS = (8, 16, 32, 64, 128)
PARTS = ("embeddings", "attention", "feed-forward", "normalization", "head", "other")
"""What operators are folded to, in the order of the model."""


@dataclass(frozen=True)
class Settings:
    """What to measure, and how long."""

    backend: str
    recipe: str | None = None
    """None for the smallest file of that backend."""
    threads: int = 1
    lengths: tuple[int, ...] | None = None
    """Token lengths, special tokens included; None for those of `DEFAULT_LENGTHS` that fit."""
    budget_seconds: float = 5.0
    """For the repeated runs of all lengths and batches together; start-up comes on top."""
    batches: tuple[int, ...] = (1,)
    """Texts in one call."""
    precision: float = 0.02
    """Runs end early once the median's 95 % confidence interval reaches no further than this share
    of it."""
    minutes: float = 0.0
    """Of running without rest at the end, to see what heat does; 0 for none."""
    operators: bool = False
    """Whether to measure each operator of the model, too."""


def fitting_lengths(lengths: tuple[int, ...] | None, max_length: int) -> tuple[int, ...]:
    """The lengths to measure on a model that looks at `max_length` tokens, ascending.

    Raises:
        InputError: for a length that was asked for and doesn't fit.
    """
    if lengths is None:
        return tuple(each for each in DEFAULT_LENGTHS if each <= max_length) or (max_length,)
    if not lengths or min(lengths) < 1 or max(lengths) > max_length:
        shown = ",".join(map(str, lengths))
        raise InputError(
            f"lengths: got {shown!r}, expected numbers of tokens from 1 to {max_length}"
        )
    return tuple(sorted(set(lengths)))


def operator_tokens(lengths: tuple[int, ...]) -> int:
    """The length that operators are measured at: the longest up to 64, as most texts are."""
    return max((each for each in lengths if each <= _OPERATOR_TOKENS), default=lengths[0])


def place(tokens: int, batch: int) -> str:
    """What a timing is of, in words."""
    return f"{tokens} tokens" if batch == 1 else f"{tokens} tokens, batch {batch}"


@dataclass(frozen=True)
class Startup:
    """Milliseconds until the first answer. None where a system or a tool doesn't tell."""

    runtime_import_ms: float | None = None
    """Process start → numpy, tokenizers and the runtime imported; the interpreter's start too."""
    backend_import_ms: float | None = None
    """Importing the library of the backend, after that."""
    import_ms: float | None = None
    """Process start → everything imported."""
    load_ms: float | None = None
    """Opening the bundle: manifest, hashes, tokenizer, and the library opening the file."""
    first_answer_ms: float | None = None
    """The first text → answer on the loaded model."""
    to_first_answer_ms: float | None = None
    """Process start → first answer: all of the above."""


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the process; None where the system doesn't tell."""

    runtime_imported_bytes: int | None = None
    backend_imported_bytes: int | None = None
    loaded_bytes: int | None = None
    first_answer_bytes: int | None = None
    steady_bytes: int | None = None
    """After the last run of the last length."""
    peak_bytes: int | None = None
    """The most at any time until then."""


@dataclass(frozen=True)
class Timing:
    """Repeated runs of one input, one at a time. None is what a tool on the device doesn't tell."""

    tokens: int
    """Of each text, special tokens included."""
    batch: int
    """Texts in one run."""
    warm_up_runs: int
    runs: int
    p50_ms: float
    p90_ms: float | None
    p99_ms: float | None
    mean_ms: float
    standard_deviation_ms: float
    interval_ms: tuple[float, ...] | None
    """Ends of the 95 % confidence interval of the median (by ranks: Conover, Practical
    Nonparametric Statistics, 1999, section 3.2). It takes runs as independent: what changes from
    minute to minute comes on top."""
    quantiles_ms: tuple[float, ...]
    """Least, 5 %, 10 % … 95 %, most; empty if untold."""
    sentences_per_second: float

    @property
    def sentences(self) -> int:
        """That were answered, the runs to warm up included."""
        return (self.warm_up_runs + self.runs) * self.batch

    @property
    def precision(self) -> float | None:
        """How far the confidence interval reaches from the median, as a share of it."""
        if self.interval_ms is None:
            return None
        low, high = self.interval_ms
        return max(high - self.p50_ms, self.p50_ms - low) / self.p50_ms


@dataclass(frozen=True)
class Moment:
    """The processor at one time."""

    seconds: float
    """Since the measurement began."""
    frequency_mhz: float | None
    """Of the fastest processor that this process may use."""
    temperature_celsius: float | None
    """The hottest sensor of the processor."""
    throttling: tuple[str, ...] | None
    """What holds against its speed now; None where nothing tells."""


@dataclass(frozen=True)
class Conditions:
    """What went on around the runs."""

    moments: tuple[Moment, ...]
    """Before the first run, between the runs, and after the last one."""
    stolen_share: float | None
    """Of the processors' time: taken by a hypervisor for other machines."""
    foreign_share: float | None
    """Of the processors' time: used by other processes."""
    waiting_share: float | None
    """Of the time that threads of this process could have run: they had to wait for a processor."""
    marks: tuple[str, ...]
    """What makes the figures doubtful, in words; empty if nothing was seen."""


@dataclass(frozen=True)
class Stretch:
    """Some seconds of running without rest."""

    seconds: float
    """From the beginning of it to the middle of this stretch."""
    runs: int
    p50_ms: float
    p90_ms: float | None
    frequency_mhz: float | None
    temperature_celsius: float | None


@dataclass(frozen=True)
class Energy:
    """What a meter counted during the runs; of the whole device or processor, idle power too."""

    meter: str
    """Where it was read: "RAPL package-0", "hwmon ina226", "battery BAT0"."""
    joules: float
    seconds: float
    sentences: int


@dataclass(frozen=True)
class Operator:
    """All operators of one kind in one part of the model."""

    part: str
    """One of PARTS."""
    kind: str
    """As the library names it: "MatMulInteger", "aten::linear"."""
    calls: float
    """In one run of the model."""
    milliseconds: float
    """In one run of the model, together."""


@dataclass(frozen=True)
class OperatorProfile:
    """Where the time of a run goes, without the time between operators.

    A library that measures operators is slower by some. ONNX Runtime counts whole microseconds.
    """

    tokens: int
    operators: tuple[Operator, ...]
    """The slowest first; empty where `reason` says why."""
    reason: str | None
    """Why there is nothing: a library that offers no profiler, for one."""


@dataclass(frozen=True)
class Measurement:
    """One artifact in a process of its own."""

    schema_version: int
    bundle: str
    """The path as it was given to the benchmark."""
    backend: str
    recipe: str
    file: str
    bytes: int
    threads: int
    tool: str
    """What timed it: "edgebert" and its version, or the program of another library."""
    startup: Startup
    memory: Memory
    text_to_answer: Timing | None
    """One English sentence, tokenized and answered anew each time; None where a tool can't."""
    lengths: tuple[Timing, ...]
    """The model alone, from token ids to raw outputs, by length and batch."""
    conditions: Conditions
    sustained: tuple[Stretch, ...]
    """Running without rest at the longest length, if it was asked for."""
    energy: Energy | None
    """None where no meter is readable."""
    operators: OperatorProfile | None
    """None unless it was asked for."""
    facts: Facts
    """Read after the last run, while the processor is still warm."""

    def to_json(self) -> str:
        """One line of JSON, in ASCII: it may pass a terminal of any encoding."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Measurement:
        """Read what `to_json` wrote, perhaps on another machine.

        Raises:
            DeviceError: if it is not a measurement of this schema version.
        """
        try:
            return cls.from_data(json.loads(text, parse_constant=_refused))
        except (ValueError, RecursionError) as error:
            raise _not_understood(error) from None

    @classmethod
    def from_data(cls, data: Any) -> Measurement:
        """Read what `dataclasses.asdict` made, and JSON carried.

        Raises:
            DeviceError: if it is not a measurement of this schema version.
        """
        try:
            if data["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"schema_version {data['schema_version']}")
            measurement: Measurement = decoded(cls, data, "measurement")
            return measurement
        except (ValueError, TypeError, KeyError) as error:
            raise _not_understood(error) from None


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _not_understood(error: Exception) -> DeviceError:
    return DeviceError(
        f"not a measurement of schema_version {SCHEMA_VERSION} ({error}); install the same "
        "edgebert here and on the device"
    )


def decoded(kind: Any, value: Any, name: str) -> Any:
    """A JSON value as the type that a field is annotated with.

    Raises:
        ValueError: if it is not of that type.
    """
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        if not isinstance(value, dict) or value.keys() != hints.keys():
            raise ValueError(f"{name}: expected an object of {', '.join(hints)}")
        fields = {key: decoded(hint, value[key], key) for key, hint in hints.items()}
        return kind(**fields)  # type: ignore[operator]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{name}: expected an array")
        return tuple(decoded(inner[0], each, name) for each in value)
    if origin is not None and NoneType in inner:
        return None if value is None else decoded(inner[0], value, name)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise ValueError(f"{name}: expected an object")
        return {key: decoded(inner[1], each, name) for key, each in value.items()}
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) is not (kind is bool):
        raise ValueError(f"{name}: expected {kind.__name__}")
    return value
