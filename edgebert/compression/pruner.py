"""One round of pruning: whole layers, heads and neurons, then single weights."""

from __future__ import annotations

import copy
import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from edgebert.compression import importance, selection
from edgebert.compression.cost import CostModel
from edgebert.compression.importance import Scores
from edgebert.compression.latency import Stopwatch
from edgebert.compression.options import PruneOptions, Target
from edgebert.compression.search import Figures, search
from edgebert.compression.selection import Amounts
from edgebert.distillation.models import Classifier
from edgebert_converters import pruning, sparsity
from edgebert_converters.pruning import Kept, Widths
from edgebert_runtime.errors import InputError, shortened


class Pruner:
    """Takes from a model what the options say, in one round or in several."""

    def __init__(
        self,
        whole: Classifier,
        options: PruneOptions,
        batches: Callable[[], Iterable[dict[str, Tensor]]],
    ) -> None:
        """`whole` is the unpruned model; `batches` gives labelled rows each time it is called.

        Raises:
            InputError: for numbers of heads, neurons or layers that it does not have.
        """
        self.whole = whole
        self.options = options
        self._batches = batches
        self._tokens = min(options.data.max_length, whole.position_limit)
        self._widths = pruning.widths(whole.model)
        self._owners = pruning.owners(whole.model)
        self.kept_layers = tuple(range(1, len(self._widths) + 1))
        """Of the unpruned model, from 1."""
        self.cost = CostModel(whole.model, self._tokens).cost(self._widths)
        self._check()

    def before(self) -> dict[str, Any]:
        """The unpruned model, for the record."""
        return self._described(self.whole.model)

    def run(self, model: Any, number: int) -> dict[str, Any]:
        """Prune `model` in place in round `number` of `options.rounds`; what was done, for JSON.

        Raises:
            InputError: if a target cannot be met, or no row has a label.
            ConversionError: if weights are no numbers, or a candidate cannot be exported.
        """
        start = time.monotonic()
        options = self.options
        tries: list[dict[str, Any]] = []
        # Fast at first and slower towards the end, as arXiv 1710.01878, equation 1.
        progress = 1.0 - (1.0 - number / options.rounds) ** 3
        if options.layers is not None and number == 1:
            self._keep_layers(model)
        if options.target is not None or options.heads is not None or options.neurons is not None:
            scores = self._scores(model)
            if options.target is None:
                kept = self._choose(model, scores, self._amounts(model, progress))
            else:
                kept, tries = self._search(model, scores, options.target, progress)
            pruning.prune(model, kept)
        if options.sparsity:
            sparsity.prune(model, options.sparsity * progress)
        return {
            "stage": "pruning",
            "round": number,
            "kept_layers": list(self.kept_layers),
            **self._described(model),
            "search": tries,
            "seconds": round(time.monotonic() - start, 1),
        }

    def _described(self, model: Any) -> dict[str, Any]:
        widths, pruned = pruning.widths(model), pruning.read(model.config)
        return {
            "layers": [dataclasses.asdict(layer) for layer in widths],
            **dataclasses.asdict(CostModel(model, self._tokens).cost(widths)),
            "tokens": self._tokens,
            "sparsity": pruned.sparsity if pruned else 0.0,
        }

    def _scores(self, model: Any) -> Scores:
        if self.options.importance != "taylor":
            return importance.norms(model, self.options.importance)
        assert self.whole.labels is not None
        return importance.taylor(model, self._batches(), self.whole.labels.task)

    def _keep_layers(self, model: Any) -> None:
        wanted = self.options.layers
        if isinstance(wanted, int):
            kept = selection.layers(self._scores(model), wanted)
        else:
            kept = tuple(layer - 1 for layer in wanted or ())
        pruning.keep_layers(model, kept)
        self.kept_layers = tuple(layer + 1 for layer in kept)

    def _remaining(self) -> list[Widths]:
        """What the unpruned model has in the layers that stay."""
        return [self._widths[layer - 1] for layer in self.kept_layers]

    def _amounts(self, model: Any, progress: float) -> Amounts:
        owners, remaining = pruning.owners(model), self._remaining()
        whole = selection.total(remaining, owners)

        def amount(name: str, value: Any, total: int, found: list[int]) -> int | tuple[int, ...]:
            if value is None:
                value = 1.0
            if isinstance(value, float):
                return round(total * (1.0 - (1.0 - value) * progress))
            counts = selection.per_layer(value, found, owners, name)
            own = [found[layer] for layer in sorted(set(owners))]
            return tuple(
                math.ceil(has - (has - count) * progress)
                for has, count in zip(own, counts, strict=True)
            )

        options = self.options
        heads = [each.heads for each in remaining]
        neurons = [each.feed_forward for each in remaining]
        return Amounts(
            amount("heads", options.heads, whole.heads, heads),
            amount("neurons", options.neurons, whole.feed_forward, neurons),
        )

    def _choose(self, model: Any, scores: Scores, amounts: Amounts) -> tuple[Kept, ...]:
        return selection.choose(scores, pruning.owners(model), amounts, self.options.multiple)

    def _search(
        self, model: Any, scores: Scores, target: Target, progress: float
    ) -> tuple[tuple[Kept, ...], list[dict[str, Any]]]:
        whole = selection.total(self._remaining(), pruning.owners(model))
        costs = CostModel(model, self._tokens)
        if target.kind != "parameters":
            scores = costs.efficiency(scores)

        def kept(share: float) -> tuple[Kept, ...]:
            amounts = Amounts(round(share * whole.heads), round(share * whole.feed_forward))
            return self._choose(model, scores, amounts)

        def measure(share: float, stopwatch: Stopwatch | None = None) -> Figures:
            chosen = kept(share)
            cost = costs.cost([Widths(len(each.heads), len(each.neurons)) for each in chosen])
            if stopwatch is None:
                return Figures(cost.parameters, cost.macs)
            candidate = copy.deepcopy(model)
            pruning.prune(candidate, chosen)
            latency = stopwatch.measure(candidate)
            return Figures(cost.parameters, cost.macs, latency.milliseconds, latency.ratio)

        before = Figures(self.cost.parameters, self.cost.macs)
        if target.value < 1:
            target = Target(target.kind, 1.0 - (1.0 - target.value) * progress)
        with tempfile.TemporaryDirectory(prefix="edgebert-prune-") as folder:
            if target.kind == "latency":
                backend = self.options.backend
                stopwatch = Stopwatch(self.whole, backend, self._tokens, Path(folder))
                measure = partial(measure, stopwatch=stopwatch)
            share, tries = search(target, before, measure)
        return kept(share), [dataclasses.asdict(each) for each in tries]

    def _check(self) -> None:
        """Find what does not fit the model before anything is written."""
        depth, layers = len(self._widths), self.options.layers
        if isinstance(layers, int) and layers > depth:
            raise InputError(f"layers: got {shortened(layers)}, the model has {depth}")
        if isinstance(layers, tuple):
            pruning.keep_layers(copy.deepcopy(self.whole.model), [layer - 1 for layer in layers])
        kept = layers if isinstance(layers, int) else len(layers or self._widths)
        heads = [each.heads for each in self._widths][:kept]
        neurons = [each.feed_forward for each in self._widths][:kept]
        for name, value, found in (
            ("heads", self.options.heads, heads),
            ("neurons", self.options.neurons, neurons),
        ):
            if isinstance(value, int | tuple):
                selection.per_layer(value, found, self._owners[:kept], name)
