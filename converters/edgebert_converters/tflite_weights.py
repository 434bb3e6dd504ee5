"""Weights in the buffers of a .tflite file: found by their content, stored in fewer bits."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgebert_converters.quantization import BLOCK, INT8_MAX

_INT4_MAX = 7
_SHARES = np.linspace(0.7, 1.0, 13)
"""Of a block's largest magnitude: the ends that are tried for its range."""


def quantize_blocks(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """[rows, columns] float32 → int8 of that shape from -8 to 7, and scales [rows, blocks] float16.

    Of several scales a block takes the one with the least squared error. They are rounded to 8
    significant bits, which is all that XNNPACK reads of them; it takes no negative ones.
    """
    blocks = weight.reshape(len(weight), -1, BLOCK)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    least = np.full(largest.shape, np.inf, np.float32)
    numbers = np.zeros(blocks.shape, np.int8)
    scales = np.ones(largest.shape, np.float32)
    for share in _SHARES:
        tried = np.maximum(share * largest / _INT4_MAX, np.finfo(np.float16).tiny)
        tried = (tried.astype(np.float32).view(np.uint32) + 0x8000 & 0xFFFF0000).view(np.float32)
        rounded = np.clip(np.rint(blocks / tried), -_INT4_MAX - 1, _INT4_MAX)
        error = ((rounded * tried - blocks) ** 2).sum(axis=2, keepdims=True)
        better = error < least
        least = np.where(better, error, least)
        scales = np.where(better, tried, scales)
        numbers = np.where(better, rounded, numbers).astype(np.int8)
    return numbers.reshape(weight.shape), scales[:, :, 0].astype(np.float16)


def _digest(weight: NDArray[Any]) -> bytes:
    return hashlib.sha256(weight.tobytes()).digest()


@dataclass(frozen=True)
class Weights:
    """What is to be represented, by module: float32 [rows, columns] each."""

    layers: Mapping[str, Tensor]
    """Of linear layers."""
    tables: Mapping[str, Tensor]
    """Of embedding tables; a decoder that is tied to one has the same numbers."""


class Storage:
    """The buffers of a file: which hold weights to be represented, and what they become."""

    def __init__(self, model: Any, weights: Weights) -> None:
        self.model = model
        self._wanted: dict[bytes, list[str]] = {}
        for name, weight in [*weights.layers.items(), *weights.tables.items()]:
            self._wanted.setdefault(_digest(weight.numpy()), []).append(name)
        self._stored: set[str] = set()
        self._known: dict[int, list[str]] = {}
        self._made: dict[tuple[int, str], tuple[int, ...]] = {}

    def names(self, buffer: int) -> list[str]:
        """The modules whose weights these are; none if they are not to be represented."""
        if buffer not in self._known:
            data = self.model.buffers[buffer].data
            digest = b"" if data is None else _digest(np.frombuffer(data, np.uint8))
            self._known[buffer] = self._wanted.get(digest, [])
        return self._known[buffer]

    def missing(self) -> list[str]:
        """The modules whose weights were not stored."""
        return sorted({name for names in self._wanted.values() for name in names} - self._stored)

    def stored(self, tensor: Any, names: Collection[str], kind: str) -> tuple[int, ...]:
        """The buffer of these modules' weights in float16, int8 or int4, then int4's scales."""
        key = tensor.buffer, kind
        self._stored.update(names)
        if key not in self._made:
            self._made[key] = tuple(map(self._added, _STORED[kind](self._weight(tensor))))
        return self._made[key]

    def _weight(self, tensor: Any) -> NDArray[np.float32]:
        data = self.model.buffers[tensor.buffer].data
        weight: NDArray[np.float32] = np.frombuffer(data, np.float32).reshape(tensor.shape)
        return weight

    def _added(self, array: NDArray[Any]) -> int:
        from ai_edge_litert import schema_py_generated as schema

        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1


def _half(weight: NDArray[np.float32]) -> list[NDArray[Any]]:
    most = np.finfo(np.float16).max
    return [np.clip(weight, -most, most).astype(np.float16)]


def _int8(weight: NDArray[np.float32]) -> list[NDArray[Any]]:
    return [np.rint(weight * np.float32(INT8_MAX)).astype(np.int8)]


def _int4(weight: NDArray[np.float32]) -> list[NDArray[Any]]:
    numbers, scales = quantize_blocks(weight)
    halves = numbers.reshape(-1, 2).astype(np.uint8) & 15
    return [halves[:, 0] | halves[:, 1] << 4, scales]


_STORED = {"float16": _half, "int8": _int8, "int4": _int4}
