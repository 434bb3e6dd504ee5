"""Fixed ranges of activations: seen on sentences, cut by one of three methods.

Only inputs and outputs of linear layers are quantized. Scores, and the mask that is added to them,
stay in float32, so that no masked value can widen a range.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.heads import Student
from edgebert_converters.quantization import (
    INT8_MAX,
    UINT8_MAX,
    Int8Embedding,
    affine,
    quantize_rows,
    row_scales,
    with_replaced,
)
from edgebert_converters.recipes import RECIPES, Ranges
from edgebert_converters.threads import single_thread
from edgebert_runtime.tokenization import Encoding

METHODS = ("min-max", "percentile", "entropy")
_BINS = 2048
_LEVELS = 256
_KEPT = 0.9999
"""Share of values inside the range of "percentile"."""
_CANDIDATES = np.linspace(0.05, 1.0, 96)
"""Shares of the largest magnitude that "entropy" tries as a range's end."""

Histogram = tuple[NDArray[np.float64], float, float]
"""Counts of equal bins, and where the first begins and the last ends."""


@dataclass(frozen=True)
class Observed:
    """Histograms of a linear layer's inputs, and of its outputs over the rows' largest weights."""

    inputs: Histogram
    outputs: Histogram


def observe(student: Student, encodings: Sequence[Encoding]) -> dict[str, Observed]:
    """What goes through each linear layer of `student`, by the layer's name."""
    ends: dict[str, list[float]] = {}

    def widen(name: str, tensors: tuple[Tensor, Tensor]) -> None:
        known = ends.setdefault(name, [0.0, 0.0, 0.0, 0.0])
        for place, tensor in enumerate(tensors):
            known[2 * place] = min(known[2 * place], float(tensor.min()))
            known[2 * place + 1] = max(known[2 * place + 1], float(tensor.max()))

    with _hooks(student, widen):
        _run(student, encodings)
    counts = {name: np.zeros((2, _BINS)) for name in ends}

    def count(name: str, tensors: tuple[Tensor, Tensor]) -> None:
        for place, tensor in enumerate(tensors):
            low, high = ends[name][2 * place : 2 * place + 2]
            if high > low:
                counts[name][place] += torch.histc(tensor.float(), _BINS, low, high).numpy()

    with _hooks(student, count):
        _run(student, encodings)
    return {
        name: Observed((counts[name][0], known[0], known[1]), (counts[name][1], *known[2:]))
        for name, known in ends.items()
    }


def ranges(observed: Mapping[str, Observed], method: str) -> dict[str, Ranges]:
    """The range of each layer by one of `METHODS`."""
    cut = _CUTS[method]
    return {name: Ranges(cut(each.inputs), cut(each.outputs)) for name, each in observed.items()}


def simulated(student: Student, chosen: Mapping[str, Ranges]) -> Student:
    """A copy of the student that rounds as `int8_static` does, in float32."""
    return with_replaced(
        student,
        RECIPES["int8_static"],
        lambda name, layer: _Rounded(layer, chosen[name]),
        Int8Embedding,
    )


def outputs(student: Student, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
    """Raw outputs [n, width], one text at a time: a row for each text, or for each token."""
    return np.concatenate([rows_of(each) for each in _run(student, encodings)])


def rows_of(output: Tensor) -> NDArray[np.float32]:
    """A model's output for one text, [1, width] or [1, S, width], as [rows, width]."""
    rows: NDArray[np.float32] = output.flatten(end_dim=-2).numpy()
    return rows


class _Rounded(nn.Module):
    def __init__(self, layer: nn.Linear, bounds: Ranges) -> None:
        super().__init__()
        weight, scales = quantize_rows(layer.weight)
        largest = scales * INT8_MAX
        self.register_buffer("weight", weight.to(torch.float32) / INT8_MAX)
        self.register_buffer("largest", largest)
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
        self.bounds = bounds
        self.weight: Tensor
        self.largest: Tensor

    def forward(self, rows: Tensor) -> Tensor:
        products = functional.linear(_round(rows, self.bounds.inputs), self.weight)
        outputs = _round(products, self.bounds.outputs) * self.largest
        return outputs if self.bias is None else outputs + self.bias


def _round(tensor: Tensor, bounds: tuple[float, float]) -> Tensor:
    scale, zero = affine(bounds)
    return torch.fake_quantize_per_tensor_affine(tensor, scale, zero, 0, int(UINT8_MAX))


def _min_max(histogram: Histogram) -> tuple[float, float]:
    return histogram[1], histogram[2]


def _percentile(histogram: Histogram) -> tuple[float, float]:
    """Cuts the same share of values off each end."""
    counts, low, high = histogram
    if not counts.any():
        return low, high
    share = np.cumsum(counts) / counts.sum()
    edges = np.linspace(low, high, _BINS + 1)
    first = int(np.searchsorted(share, (1 - _KEPT) / 2))
    last = int(np.searchsorted(share, 1 - (1 - _KEPT) / 2))
    return min(0.0, float(edges[first])), max(0.0, float(edges[min(last + 1, _BINS)]))


def _entropy(histogram: Histogram) -> tuple[float, float]:
    """The range whose 256 levels lose the least information (S. Migacz, "8-bit Inference with
    TensorRT", GTC 2017): least Kullback-Leibler divergence of the values' distribution from what
    is left of it, values outside counted at the ends."""
    counts, low, high = histogram
    if not counts.any():
        return low, high
    edges = np.linspace(low, high, _BINS + 1)
    largest = max(-low, high)
    best, chosen = np.inf, (low, high)
    for share in _CANDIDATES:
        first = int(np.searchsorted(edges, -share * largest, side="right")) - 1
        last = int(np.searchsorted(edges, share * largest, side="left"))
        first, last = max(first, 0), min(last, _BINS)
        if last - first < _LEVELS:
            continue
        divergence = _divergence(counts, first, last)
        if divergence < best:
            best, chosen = divergence, (float(edges[first]), float(edges[last]))
    return min(0.0, chosen[0]), max(0.0, chosen[1])


def _divergence(counts: NDArray[np.float64], first: int, last: int) -> float:
    """Of the clipped distribution from the one that 256 levels between two bins can express."""
    inside = counts[first:last]
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    starts = np.linspace(0, last - first, _LEVELS, endpoint=False).astype(int)
    filled = (inside > 0).astype(np.float64)
    totals, bins = np.add.reduceat(inside, starts), np.add.reduceat(filled, starts)
    level = np.repeat(totals / np.maximum(bins, 1), np.diff([*starts, last - first])) * filled
    there = clipped > 0
    wanted = clipped[there] / clipped.sum()
    given = np.maximum(level[there] / max(level.sum(), 1e-12), 1e-12)
    return float((wanted * np.log(wanted / given)).sum())


_CUTS: dict[str, Callable[[Histogram], tuple[float, float]]] = {
    "min-max": _min_max,
    "percentile": _percentile,
    "entropy": _entropy,
}


@contextlib.contextmanager
def _hooks(student: Student, take: Callable[[str, tuple[Tensor, Tensor]], None]) -> Iterator[None]:
    """Call `take` with the name, the input and the normalised output of each linear layer."""

    def hook(
        name: str, factors: Tensor, layer: nn.Linear, given: tuple[Tensor], made: Tensor
    ) -> None:
        bias = 0.0 if layer.bias is None else layer.bias
        take(name, (given[0], (made - bias) / factors))

    handles = [
        module.register_forward_hook(partial(hook, name, row_scales(module.weight)))
        for name, module in student.named_modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _run(student: Student, encodings: Sequence[Encoding]) -> list[Tensor]:
    """The raw output of each text, computed alone."""
    results = []
    with torch.inference_mode(), single_thread():
        for encoding in encodings:
            ids = torch.tensor([encoding.ids])
            types = torch.tensor([encoding.token_type_ids])
            inputs = (ids, torch.ones_like(ids), types)[: len(student.input_names)]
            results.append(student(*inputs))
    return results
