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
import importlib.metadata
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import NoReturn

import numpy as np

from edgebert_runtime.arguments import add_measuring, whole_number, whole_numbers
from edgebert_runtime.backends import profile_operators
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.conditions import Watch
from edgebert_runtime.energy import find_meter
from edgebert_runtime.errors import EdgeBertError, InputError
from edgebert_runtime.hardware import facts
from edgebert_runtime.loading import load
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.measurement import (
    PROGRESS,
    SCHEMA_VERSION,
    Energy,
    Measurement,
    Memory,
    OperatorProfile,
    Settings,
    Startup,
    Timing,
    fitting_lengths,
    operator_tokens,
    place,
)
from edgebert_runtime.model import Model
from edgebert_runtime.process import (
    ProcessClock,
    abandon_if_full,
    peak_resident_bytes,
    resident_bytes,
)
from edgebert_runtime.sustained import run_for, without_rest
from edgebert_runtime.timing import time_repeatedly, timed_ms
from edgebert_runtime.tokenization import Encoding, Text, Tokenizer

_OPERATOR_RUNS = 50
_LEAST_STRETCH_SECONDS = 0.5

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
            parsed.backend,
            parsed.recipe,
            parsed.threads,
            parsed.lengths,
            parsed.budget,
            parsed.batches,
            parsed.precision,
            parsed.minutes,
            parsed.operators,
        )
        if sys.stderr is None:
            # Closed by the caller: what is told there would go to standard output.
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
        if sys.stdout is None:
            raise InputError("standard output is closed; redirect it to a file, or to /dev/null")
        text = measure(
            parsed.bundle, settings, clock, _tell if parsed.progress else lambda step: None
        ).to_json()
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


def measure(
    bundle: str,
    settings: Settings,
    clock: ProcessClock,
    progress: Callable[[str], None] = lambda step: None,
) -> Measurement:
    """Measure one artifact in this process.

    Raises:
        EdgeBertError: as `load`, and InputError for a length beyond the bundle's.
    """
    progress("loading")
    model, startup, memory = _start(bundle, settings, clock)
    lengths = fitting_lengths(settings.lengths, model.max_length)
    batches = sorted(set(settings.batches))
    share = settings.budget_seconds / (len(lengths) * len(batches) + 1)
    watch, meter = Watch(), find_meter()

    def look() -> None:
        watch.look()
        if meter is not None:
            meter.joules()

    def timed(tokens: int, run: Callable[[], object], batch: int = 1) -> Timing:
        timing = time_repeatedly(
            tokens, run, share, batch=batch, precision=settings.precision, look=look
        )
        look()
        return timing

    metered = time.perf_counter()
    progress("text to answer")
    text_to_answer = timed(len(model.tokenizer.encode(_text(model)).ids), partial(_answer, model))
    timings = []
    for length in lengths:
        encoding = encoding_of_length(model.tokenizer, length)
        for batch in batches:
            progress(place(length, batch))
            timings.append(timed(length, partial(model.run, [encoding] * batch), batch))
    energy = None
    if meter is not None:
        each = (text_to_answer, *timings)
        energy = Energy(
            meter=meter.name,
            joules=meter.joules(),
            seconds=time.perf_counter() - metered,
            sentences=sum(timing.sentences for timing in each),
        )
    memory = replace(memory, steady_bytes=resident_bytes(), peak_bytes=peak_resident_bytes())
    # Heat of the minutes to come does not make the runs before doubtful.
    conditions = watch.conditions()
    longest = partial(model.run, [encoding_of_length(model.tokenizer, lengths[-1])])
    sustained = without_rest(
        lambda seconds: (run_for(longest, lengths[-1], seconds), watch.look()),
        settings.minutes * 60,
        _LEAST_STRETCH_SECONDS,
        progress,
    )
    return Measurement(
        schema_version=SCHEMA_VERSION,
        bundle=bundle,
        backend=model.artifact.backend,
        recipe=model.artifact.recipe,
        file=model.artifact.file,
        bytes=model.artifact.bytes,
        threads=settings.threads,
        tool=f"edgebert {importlib.metadata.version('edgebert')}",
        startup=startup,
        memory=memory,
        text_to_answer=text_to_answer,
        lengths=tuple(timings),
        conditions=replace(conditions, moments=watch.moments),
        sustained=sustained,
        energy=energy,
        operators=_operators(bundle, model, settings, progress) if settings.operators else None,
        facts=facts(),
    )


def _operators(
    bundle: str, model: Model, settings: Settings, progress: Callable[[str], None]
) -> OperatorProfile:
    tokens = operator_tokens(fitting_lengths(settings.lengths, model.max_length))
    progress(f"operators at {tokens} tokens")
    encoding = encoding_of_length(model.tokenizer, tokens)
    ids = np.array([encoding.ids], dtype=np.int64)
    types = np.array([encoding.token_type_ids], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
    content = Bundle(bundle).read(model.artifact)
    return profile_operators(model.artifact, content, settings.threads, inputs, _OPERATOR_RUNS)


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
    )
    return model, startup, memory


def _import_backend(name: str) -> None:
    # What is missing or broken is the business of load(), which says what to do.
    with contextlib.suppress(Exception):
        importlib.import_module(f"edgebert_runtime.backends.{name}")


def _answer(model: Model) -> object:
    if model.manifest.task == "embedding":
        return model.embed(SENTENCE)
    return model.predict(_text(model))


def _text(model: Model) -> Text:
    """One English sentence, as the task reads it."""
    if model.manifest.task == "question-answering":
        return SENTENCE, SENTENCE
    if model.manifest.task == "masked-lm":
        # At the beginning: what a short model cuts off is the end.
        return f"{model.tokenizer.mask_text} {SENTENCE}"
    return SENTENCE


def _tell(step: str) -> None:
    with contextlib.suppress(OSError):
        print(f"{PROGRESS}{step}", file=sys.stderr, flush=True)


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
    add_measuring(parser)
    parser.add_argument("--json", action="store_true", help="on one line, for a program to read")
    parser.add_argument("--progress", action="store_true", help="on standard error, for a program")
    return parser


if __name__ == "__main__":
    sys.exit(main())
