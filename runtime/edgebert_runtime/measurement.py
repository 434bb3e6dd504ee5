"""What the benchmark is asked for, and the measurement that it prints."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from edgebert_runtime.errors import DeviceError, InputError
from edgebert_runtime.hardware import Facts

SCHEMA_VERSION = 1
DEFAULT_LENGTHS = (8, 16, 32, 64, 128)


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
    """For the repeated runs of all lengths together; start-up comes on top."""


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


@dataclass(frozen=True)
class Startup:
    """Milliseconds until the first answer. None where the system doesn't tell a process's start."""

    runtime_import_ms: float | None
    """Process start → numpy, tokenizers and the runtime imported; the interpreter's start too."""
    backend_import_ms: float
    """Importing the library of the backend, after that."""
    import_ms: float | None
    """Process start → everything imported."""
    load_ms: float
    """Opening the bundle: manifest, hashes, tokenizer, and the library opening the file."""
    first_answer_ms: float
    """The first text → answer on the loaded model."""
    to_first_answer_ms: float | None
    """Process start → first answer: all of the above."""


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the process; None where the system doesn't tell."""

    runtime_imported_bytes: int | None
    backend_imported_bytes: int | None
    loaded_bytes: int | None
    first_answer_bytes: int | None
    peak_bytes: int | None
    """The most at any time until the last run of the last length."""


@dataclass(frozen=True)
class Timing:
    """Repeated runs of one input, one at a time."""

    tokens: int
    """Special tokens included."""
    warm_up_runs: int
    runs: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    standard_deviation_ms: float
    sentences_per_second: float


@dataclass(frozen=True)
class Measurement:
    """One artifact in a process of its own."""

    schema_version: int
    bundle: str
    """The path as the device knows it."""
    backend: str
    recipe: str
    file: str
    bytes: int
    threads: int
    startup: Startup
    memory: Memory
    text_to_answer: Timing
    """One English sentence, tokenized and answered anew each time."""
    lengths: tuple[Timing, ...]
    """The model alone, from token ids to raw outputs, by length."""
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
            data = json.loads(text)
            if data["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"schema_version {data['schema_version']}")
            return cls(**{**data, **_nested(data)})
        except (ValueError, TypeError, KeyError) as error:
            raise DeviceError(
                f"not a measurement of schema_version {SCHEMA_VERSION} ({error}); install the same "
                "edgebert here and on the device"
            ) from None


def _nested(data: dict[str, Any]) -> dict[str, Any]:
    facts = data["facts"]
    throttling = facts["throttling"]
    return {
        "startup": Startup(**data["startup"]),
        "memory": Memory(**data["memory"]),
        "text_to_answer": Timing(**data["text_to_answer"]),
        "lengths": tuple(Timing(**timing) for timing in data["lengths"]),
        "facts": Facts(
            **{**facts, "throttling": None if throttling is None else tuple(throttling)}
        ),
    }
