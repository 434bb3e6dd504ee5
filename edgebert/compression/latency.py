"""What a pruned model takes to answer, against the whole one, on this machine."""

from __future__ import annotations

import copy
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebert.distillation import models
from edgebert.distillation.models import Classifier
from edgebert_converters import parity
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.conversion import Conversion
from edgebert_converters.quiet import quiet
from edgebert_converters.recipes import DEFAULT_RECIPE, recipe
from edgebert_runtime.benchmark import encoding_of_length
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.model import Model
from edgebert_runtime.timing import time_repeatedly
from edgebert_runtime.tokenization import Encoding, Tokenizer

_PAIRS = 7
_SECONDS = 0.3
"""Short turns and many: what else the machine does falls on both, or on few."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one text, and what that is of the whole model's."""

    milliseconds: float
    ratio: float


class Stopwatch:
    """Times candidates against one model, in turns: a machine's speed drifts.

    Each is exported in int8 as `convert` does, and run by one thread of its backend's library.
    """

    def __init__(self, whole: Classifier, backend: str, tokens: int, folder: Path) -> None:
        """`folder` keeps the whole model's artifact as long as it is timed."""
        self._backend = backend
        self._tokens = tokens
        self._tokenizer = whole.folder
        self._whole = self._made(whole.model, folder)

    def measure(self, model: Any) -> Latency:
        """Median milliseconds of `model`, and the median ratio to the whole model's.

        Raises:
            ConversionError: if it cannot be exported.
            MissingBackendError: if the library of the backend is not installed.
        """
        with tempfile.TemporaryDirectory(prefix="edgebert-prune-") as folder:
            theirs, mine = self._whole, self._made(model, Path(folder))
            with theirs[0].opened(theirs[1]) as whole, mine[0].opened(mine[1]) as pruned:
                pairs = [(self._time(whole), self._time(pruned)) for _ in range(_PAIRS)]
        return Latency(
            statistics.median(time for _, time in pairs),
            statistics.median(time / whole_time for whole_time, time in pairs),
        )

    def _time(self, model: Model) -> float:
        encoding = [encoding_of_length(model.tokenizer, self._tokens)]
        return time_repeatedly(self._tokens, lambda: model.run(encoding), _SECONDS).p50_ms

    def _made(self, model: Any, folder: Path) -> tuple[Conversion, Artifact]:
        models.save(copy.deepcopy(model).cpu(), self._tokenizer, folder / "checkpoint")
        with quiet():
            checkpoint = load_checkpoint(folder / "checkpoint")
        tokenizer = Tokenizer(checkpoint.tokenizer, self._tokens)
        encodings: list[Encoding] = [encoding_of_length(tokenizer, self._tokens)]
        expected = parity.float_outputs(checkpoint, encodings)
        conversion = Conversion(
            checkpoint,
            folder,
            (self._tokens,),
            lambda line: None,
            tokenizer,
            encodings,
            expected,
        )
        return conversion, conversion.make(self._backend, recipe(DEFAULT_RECIPE))
