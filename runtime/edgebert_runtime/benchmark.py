"""`python -m edgebert_runtime.benchmark BUNDLE --backend B`: measure one artifact on this device.

The measurement is printed as one JSON object; `Measurement` says what each figure counts. It takes
a fresh process for each artifact, as this program is: what one library leaves in memory, in caches
and in thread pools would count against the next.

By the time that `main` runs, Python has imported numpy, tokenizers and this package, so that time
is counted from the process's start as the kernel knows it. All later times are of
`time.perf_counter_ns`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import NoReturn

from edgebert_runtime.arguments import whole_number, whole_numbers
from edgebert_runtime.errors import EdgeBertError, InputError
from edgebert_runtime.hardware import facts
from edgebert_runtime.loading import load
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.measurement import (
    SCHEMA_VERSION,
    Measurement,
    Memory,
    Settings,
    Startup,
    fitting_lengths,
)
from edgebert_runtime.model import Model
from edgebert_runtime.process import (
    ProcessClock,
    abandon_if_full,
    peak_resident_bytes,
    resident_bytes,
)
from edgebert_runtime.timing import time_repeatedly, timed_ms
from edgebert_runtime.tokenization import Encoding, Tokenizer

SENTENCE = "The parcel came two days late, but the people at the help desk were quick and kind."

_LONG_TEXT = (
    "On the morning of the market the whole town was awake before the sun. Farmers brought fruit, "
    "cheese and fresh bread on carts, and the children ran between the stalls to see the horses. "
    "An old man sold books that nobody else wanted to keep, and he knew a story about each one. "
    "By noon it had begun to rain, so the musicians moved under the roof of the station and played "
    "there until the last train had left. Nobody could say later who had started to dance first."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status, 2 for what cannot be measured."""
    clock = ProcessClock()
    try:
        parsed = _parser().parse_args(arguments)
        settings = Settings(
            parsed.backend, parsed.recipe, parsed.threads, parsed.lengths, parsed.budget
        )
        if sys.stdout is None:
            raise InputError("standard output is closed; redirect it to a file, or to /dev/null")
        text = measure(parsed.bundle, settings, clock).to_json()
        # While Python exits it would be too late to report that the disk is full.
        print(text if parsed.json else json.dumps(json.loads(text), indent=2), flush=True)
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (EdgeBertError, OSError, MemoryError) as error:
        line = " ".join(str(error).split()) or type(error).__name__
        abandon_if_full(sys.stdout)
        with contextlib.suppress(OSError):
            print(f"edgebert: error: {line}", file=sys.stderr)
        abandon_if_full(sys.stderr)
        return 2


def measure(bundle: str, settings: Settings, clock: ProcessClock) -> Measurement:
    """Measure one artifact in this process.

    Raises:
        EdgeBertError: as `load`, and InputError for a length beyond the bundle's.
    """
    model, startup, memory = _start(bundle, settings, clock)
    lengths = fitting_lengths(settings.lengths, model.max_length)
    share = settings.budget_seconds / (len(lengths) + 1)
    tokens = len(model.tokenizer.encode(SENTENCE).ids)
    text_to_answer = time_repeatedly(tokens, partial(_answer, model), share)
    timings = tuple(
        time_repeatedly(
            length, partial(model.run, [encoding_of_length(model.tokenizer, length)]), share
        )
        for length in lengths
    )
    return Measurement(
        schema_version=SCHEMA_VERSION,
        bundle=bundle,
        backend=model.artifact.backend,
        recipe=model.artifact.recipe,
        file=model.artifact.file,
        bytes=model.artifact.bytes,
        threads=settings.threads,
        startup=startup,
        memory=replace(memory, peak_bytes=peak_resident_bytes()),
        text_to_answer=text_to_answer,
        lengths=timings,
        facts=facts(),
    )


def encoding_of_length(tokenizer: Tokenizer, tokens: int) -> Encoding:
    """Ordinary text as exactly `tokens` ids, the last of them as the tokenizer ends a text."""
    ids = tokenizer.encode(_LONG_TEXT).ids
    return Encoding([*islice(cycle(ids), tokens - 1), ids[-1]], [0] * tokens, truncated=False)


def _start(bundle: str, settings: Settings, clock: ProcessClock) -> tuple[Model, Startup, Memory]:
    """A loaded model that has answered once, and what it took to come so far."""
    runtime_import_ms, runtime_imported = clock.now_ms(), resident_bytes()
    backend_import_ms, _ = timed_ms(lambda: _import_backend(settings.backend))
    import_ms, backend_imported = clock.now_ms(), resident_bytes()
    load_ms, model = timed_ms(
        lambda: load(
            bundle,
            backend=settings.backend,
            recipe=settings.recipe,
            threads=settings.threads,
        )
    )
    loaded = resident_bytes()
    first_answer_ms, _ = timed_ms(lambda: _answer(model))
    startup = Startup(
        runtime_import_ms=runtime_import_ms,
        backend_import_ms=backend_import_ms,
        import_ms=import_ms,
        load_ms=load_ms,
        first_answer_ms=first_answer_ms,
        to_first_answer_ms=clock.now_ms(),
    )
    memory = Memory(
        runtime_imported_bytes=runtime_imported,
        backend_imported_bytes=backend_imported,
        loaded_bytes=loaded,
        first_answer_bytes=resident_bytes(),
        peak_bytes=peak_resident_bytes(),
    )
    return model, startup, memory


def _import_backend(name: str) -> None:
    # What is missing is the business of load(), which says how to install it.
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(f"edgebert_runtime.backends.{name}")


def _answer(model: Model) -> object:
    if model.manifest.task == "embedding":
        return model.embed(SENTENCE)
    if model.manifest.task == "question-answering":
        return model.predict((SENTENCE, SENTENCE))
    if model.manifest.task == "masked-lm":
        return model.predict(f"{SENTENCE} {model.tokenizer.mask_text}")
    return model.predict(SENTENCE)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see '{self.prog} --help'")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m edgebert_runtime.benchmark",
        description="Measure one artifact of a bundle on this device; prints JSON.",
        allow_abbrev=False,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="bundle folder or .edgebert file")
    parser.add_argument("--backend", required=True, choices=BACKENDS)
    parser.add_argument("--recipe", help="default: the smallest file of that backend")
    parser.add_argument("--threads", type=whole_number, default=1, help="default: 1")
    parser.add_argument(
        "--lengths",
        type=whole_numbers,
        help="numbers of tokens, such as 8,16,32; default: 8,16,32,64,128 as far as they fit",
    )
    parser.add_argument(
        "--budget", type=seconds, default=5.0, help="seconds for all repeated runs; default: 5"
    )
    parser.add_argument("--json", action="store_true", help="on one line, for a program to read")
    return parser


def seconds(text: str) -> float:
    """An argument that is a duration above zero."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
