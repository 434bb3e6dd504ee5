"""Learning with rounded weights: quantization-aware training (Jacob et al., arXiv 1712.05877, 3).

The forward rounds as the converted model will; the gradient passes through rounding as if it were
not there (the straight-through estimator, Bengio et al., arXiv 1308.3432, section 4). What is saved
are the weights before rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from edgebert_converters.quantization import dequantize_blocks, quantize_blocks, rounded_rows

KINDS = ("none", "int8", "int4")


def fake_quantize(model: Any, kind: str) -> None:
    """Have the linear layers and tables of `model` round from now on, in place.

    "int8" rounds as the recipe int8_dynamic: weights and tables a row at a time, inputs of linear
    layers too. "int4" rounds linear weights in blocks of 32, tables in 8 bits, inputs not at all.
    "none" does nothing.
    """
    if kind == "none":
        return
    linear = _int8_linear if kind == "int8" else _int4_linear
    for module in model.modules():
        if isinstance(module, nn.Linear):
            _replace_forward(module, linear)
        elif isinstance(module, nn.Embedding):
            _replace_forward(module, _embedding)


def _replace_forward(module: nn.Module, forward: Callable[[Any, Tensor], Tensor]) -> None:
    """Of this one module; its parameters, and their names in a checkpoint, stay."""
    module.forward = partial(forward, module)


def _int8_linear(layer: nn.Linear, rows: Tensor) -> Tensor:
    return functional.linear(_rounded_rows(rows), _rounded_rows(layer.weight), layer.bias)


def _int4_linear(layer: nn.Linear, rows: Tensor) -> Tensor:
    weight = layer.weight
    rounded = dequantize_blocks(*quantize_blocks(weight.float()))[:, : weight.shape[1]]
    return functional.linear(rows, _straight_through(weight, rounded.to(weight.dtype)), layer.bias)


def _embedding(table: nn.Embedding, ids: Tensor) -> Tensor:
    # A row is a token: only those that are read need rounding.
    return _rounded_rows(functional.embedding(ids, table.weight, table.padding_idx))


def _rounded_rows(tensor: Tensor) -> Tensor:
    return _straight_through(tensor, rounded_rows(tensor.detach()))


def _straight_through(tensor: Tensor, rounded: Tensor) -> Tensor:
    return tensor + (rounded - tensor).detach()
