"""Whether a profile that was read makes sense: what reports and comparisons rely on."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

from edgebert_runtime.errors import shortened
from edgebert_runtime.measurement import SCHEMA_VERSION, Measurement, Timing

if TYPE_CHECKING:
    from edgebert.profiler.profile import Model, Profile

QUANTILES = 21
"""Times in `Timing.quantiles_ms`: the least, 5 %, 10 % … 95 %, the most."""

_LARGEST_INTEGER = 2**53
_MILLISECONDS = (1e-9, 1e12)
"""Less is no time that a clock could tell, more than 30 years."""


def check_numbers(value: Any, where: str) -> None:
    """Refuse numbers that JSON can have and nothing can be drawn or reckoned with: 1e999, NaN.

    Raises:
        ValueError: naming the field.
    """
    if isinstance(value, dict):
        for key, each in value.items():
            check_numbers(each, key)
    elif isinstance(value, list):
        for each in value:
            check_numbers(each, where)
    elif isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise ValueError(f"{where}: a number beyond 2^53")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number")


def check_names(profile: Profile) -> None:
    """Refuse results of devices or models that aren't there, names used twice, and no date.

    Raises:
        ValueError: with the name.
    """
    try:
        created = datetime.datetime.fromisoformat(profile.created)
    except ValueError:
        created = None
    if created is None or created.utcoffset() is None:
        raise ValueError(f"created: got {shortened(profile.created)}, expected a date and time")
    devices = [each.name for each in profile.devices]
    models = [each.name for each in profile.models]
    for kind, names in (("device", devices), ("model", models)):
        if len(set(names)) != len(names):
            raise ValueError(f"two {kind}s have one name")
    pairs = [(each.device, each.model) for each in profile.results]
    pairs += [(each.device, each.model) for each in profile.skipped]
    for device, model in pairs:
        if device not in devices:
            raise ValueError(f"device {shortened(device)} is none of its devices")
        if model not in models:
            raise ValueError(f"model {shortened(model)} is none of its models")


def check_sizes(model: Model) -> None:
    """Refuse sizes below zero.

    Raises:
        ValueError: if there are any.
    """
    files = [each.bytes for each in model.artifacts]
    weights = [size for each in model.artifacts for size in each.components.values()]
    if min(model.tokenizer_bytes, model.manifest_bytes, *files, *weights) < 0:
        raise ValueError("bytes: expected 0 or more")


def check_measurement(measurement: Measurement) -> None:
    """Refuse figures that aren't what reports take them for.

    Raises:
        ValueError: naming the field.
    """
    if measurement.schema_version != SCHEMA_VERSION:
        raise ValueError(
            f"a measurement of schema_version {measurement.schema_version}, expected "
            f"{SCHEMA_VERSION}"
        )
    alone = measurement.text_to_answer
    for timing in (*measurement.lengths, *(() if alone is None else (alone,))):
        _check_timing(timing)
    if min(measurement.bytes, measurement.threads - 1) < 0:
        raise ValueError("expected bytes of 0 or more and threads above 0")
    for stretch in measurement.sustained:
        _check_times("sustained", stretch.p50_ms, stretch.p90_ms, 1000 * stretch.seconds)
    energy = measurement.energy
    if energy is not None and (energy.sentences < 1 or min(energy.joules, energy.seconds) < 0):
        raise ValueError("energy: expected sentences above 0, joules and seconds of 0 or more")
    for operator in () if measurement.operators is None else measurement.operators.operators:
        if not 0 <= operator.milliseconds <= _MILLISECONDS[1]:
            raise ValueError("operators: expected milliseconds of 0 or more")


def _check_timing(timing: Timing) -> None:
    if min(timing.tokens, timing.batch, timing.runs) < 1 or timing.sentences_per_second <= 0:
        raise ValueError("timing: expected tokens, batch, runs and sentences above 0")
    times = (timing.p50_ms, timing.p90_ms, timing.p99_ms, timing.mean_ms)
    _check_times("timing", *times, *(timing.interval_ms or ()), *timing.quantiles_ms)
    if timing.interval_ms is not None and len(timing.interval_ms) != 2:
        raise ValueError("interval_ms: expected two ends")
    quantiles = list(timing.quantiles_ms)
    if quantiles != sorted(quantiles) or len(quantiles) not in (0, QUANTILES):
        raise ValueError(f"quantiles_ms: expected {QUANTILES} ascending times, or none")


def _check_times(name: str, *milliseconds: float | None) -> None:
    least, most = _MILLISECONDS
    if any(each is not None and not least <= each <= most for each in milliseconds):
        raise ValueError(f"{name}: expected times from {least:g} to {most:g} ms")
