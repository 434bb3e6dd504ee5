"""Whether a model that answers for long keeps its memory: resident bytes as calls go by.

    python benchmarks/device_endurance.py BUNDLE --backend onnx --calls 100000

It imports what a device installs and nothing else, and runs one backend, since what another one
leaves would be in its figures. Prints resident memory as it goes, and the slope by least squares
over the second half of the calls; with --json everything as one object at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

import edgebert_runtime
from edgebert_runtime.process import resident_bytes

_WORDS = (
    *("the", "film", "was", "long", "and", "bright", "好", "看", "never", "again"),
    *("ünïcode", "🎬", "x", "an", "ordinary", "afternoon"),
)
_WARM_UP = 500


@dataclass(frozen=True)
class Endurance:
    """Resident memory by number of calls."""

    backend: str
    calls: tuple[int, ...]
    resident_bytes: tuple[int, ...]
    seconds: float
    slope_bytes_per_call: float
    """By least squares over the second half of the samples."""
    noise_bytes: float
    """Standard deviation of the second half's samples from that line."""


def texts(seed: int = 0) -> Iterator[str]:
    """Texts of 0 to 400 words without end, most of them short, the same for a seed."""
    source = random.Random(seed)
    while True:
        most = source.choices((24, 80, 400), (90, 9, 1))[0]
        yield " ".join(source.choices(_WORDS, k=source.randrange(most + 1)))


def endure(model: edgebert_runtime.Model, calls: int, every: int, *, say: bool) -> Endurance:
    """Answer `calls` texts, one at a time, and look at the memory every `every` calls.

    What grows with the first texts of each length (arenas, one signature a length) is no leak:
    samples begin behind a warm-up that holds the longest text.

    Raises:
        RuntimeError: where the system doesn't tell resident memory.
    """
    source = texts()
    model.predict(" ".join(_WORDS * 40))
    for _ in range(_WARM_UP):
        model.predict(next(source))
    done, found = [0], [_resident()]
    started = time.perf_counter()
    for call in range(1, calls + 1):
        model.predict(next(source))
        if call % every == 0:
            done.append(call)
            found.append(_resident())
            if say:
                print(f"{call:>9,} calls  {found[-1] / 1e6:8.2f} MB", flush=True)
    half = len(done) // 2
    line = np.polyfit(done[half:], found[half:], 1)
    return Endurance(
        backend=model.artifact.backend,
        calls=tuple(done),
        resident_bytes=tuple(found),
        seconds=time.perf_counter() - started,
        slope_bytes_per_call=float(line[0]),
        noise_bytes=float(np.std(np.polyval(line, done[half:]) - found[half:])),
    )


def _resident() -> int:
    resident = resident_bytes()
    if resident is None:
        raise RuntimeError("this system doesn't tell resident memory; run where there is /proc")
    return resident


def main() -> int:
    """Run one backend and print."""
    parser = argparse.ArgumentParser(description="Resident memory over many calls.")
    parser.add_argument("bundle")
    parser.add_argument("--backend", required=True, choices=("tflite", "onnx", "torchscript"))
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--every", type=int, default=5_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with edgebert_runtime.load(given.bundle, backend=given.backend, threads=given.threads) as model:
        found = endure(model, given.calls, given.every, say=not given.json)
    if given.json:
        print(json.dumps(asdict(found)))
        return 0
    growth = (found.resident_bytes[-1] - found.resident_bytes[len(found.calls) // 2]) / 1e3
    print(
        f"{found.backend}: {found.slope_bytes_per_call:.2f} bytes a call over the second half "
        f"(noise {found.noise_bytes / 1e3:.0f} kB, growth {growth:+.0f} kB), {found.seconds:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
