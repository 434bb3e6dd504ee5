"""An encoder's weights out of an ONNX export, where no other file of them is published."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor


def read(path: Path, prefix: str) -> dict[str, Tensor]:
    """Weights [out, in] and biases by the names that they had in PyTorch, without `prefix`.

    An export keeps the names of embeddings, biases and normalisation. Weights of linear layers are
    transposed and unnamed: each is found by the bias that is added to its product.
    """
    graph = onnx.load(path).graph
    tensors = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    weights = {
        name.removeprefix(prefix): torch.tensor(array)
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
    products = {node.output[0]: node for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        bias = next((name for name in node.input if name.startswith(prefix)), None)
        product = next((products[name] for name in node.input if name in products), None)
        if node.op_type == "Add" and bias is not None and product is not None:
            name = bias.removeprefix(prefix).removesuffix("bias") + "weight"
            weights[name] = torch.tensor(tensors[product.input[1]]).t().contiguous()
    return weights
