"""Named recipes: how weights and activations are represented, and how far answers may stray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgebert_runtime.errors import InputError
from edgebert_runtime.manifest import Parity


@dataclass(frozen=True)
class Tolerance:
    """Bounds on an artifact's `Parity` with the float model."""

    max_difference: float
    mean_difference: float
    equal_labels: float
    """Least share of equal labels, best tokens, or ends of answers."""
    cosine: float
    """Least mean cosine (embeddings)."""
    determination: float
    """Least coefficient of determination (regression)."""

    def failures(self, task: str, parity: Parity) -> list[str]:
        """What is out of bounds, each as "figure value, bound"; empty when all is well.

        Differences of regression values and of embedding elements have no fixed scale, so only
        the agreement counts there.
        """
        name, bound = {
            "embedding": ("mean cosine", self.cosine),
            "regression": ("coefficient of determination", self.determination),
            # An answer has two ends, and each may differ as often as a label.
            "question-answering": ("equal answers", round(self.equal_labels**2, 4)),
            "masked-lm": ("equal best tokens", self.equal_labels),
        }.get(task, ("equal labels", self.equal_labels))
        failed = []
        if not parity.agreement >= bound:
            failed.append(f"{name} {parity.agreement:.4f}, at least {bound}")
        if task in ("embedding", "regression"):
            return failed
        for figure, value, most in (
            ("largest difference", parity.max_difference, self.max_difference),
            ("mean difference", parity.mean_difference, self.mean_difference),
        ):
            if not value <= most:
                failed.append(f"{figure} {value:.2g}, at most {most:.2g}")
        return failed


@dataclass(frozen=True)
class Ranges:
    """Where a linear layer's activations lie on calibration sentences, zero included."""

    inputs: tuple[float, float]
    outputs: tuple[float, float]
    """Of rows divided by their largest weight, before factor and bias are brought back."""


@dataclass(frozen=True)
class Recipe:
    """How linear layers and embedding tables are represented; everything else is float32.

    8-bit weights have a scale a row. Tables take 8 bits where linear layers take 8 or 4.
    """

    name: str
    weights: Literal["float32", "float16", "int8", "int4"]
    activations: Literal["float32", "dynamic", "static"]
    """Inputs of linear layers: as they are, or in 8 bits of a range seen at run time or before."""
    backends: tuple[str, ...]
    tolerance: Tolerance
    float_layers: frozenset[str] = frozenset()
    """Modules of the student (as `named_modules` names them) that stay float32."""
    ranges: Mapping[str, Ranges] = field(default_factory=dict)
    """Of each linear layer by its name, for static activations."""


_EVERY = ("tflite", "onnx", "torchscript")
_INT4 = ("tflite", "onnx")

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "float32", "float32", "float32", _EVERY, Tolerance(1e-3, 1e-4, 0.999, 0.99999, 0.99999)
        ),
        Recipe("float16", "float16", "float32", _EVERY, Tolerance(0.05, 2e-3, 0.99, 0.9999, 0.999)),
        Recipe("int8_dynamic", "int8", "dynamic", _EVERY, Tolerance(1.0, 0.05, 0.95, 0.99, 0.97)),
        Recipe("int8_static", "int8", "static", _EVERY, Tolerance(1.0, 0.1, 0.9, 0.95, 0.9)),
        Recipe("int8_weights", "int8", "float32", _EVERY, Tolerance(0.5, 0.03, 0.97, 0.998, 0.98)),
        Recipe("int4_weights", "int4", "float32", _INT4, Tolerance(1.0, 0.1, 0.9, 0.95, 0.9)),
    )
}

DEFAULT_RECIPE = "int8_dynamic"


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        InputError: naming the recipes there are.
    """
    if name not in RECIPES:
        raise InputError(f"recipe: got {name!r}, expected one of {', '.join(RECIPES)}")
    return RECIPES[name]


def check_backend(recipe: Recipe, backend: str) -> None:
    """Refuse a recipe that a backend has no operators for.

    Raises:
        InputError: naming the backends that have it.
    """
    if backend not in recipe.backends:
        raise InputError(
            f"recipe {recipe.name}: {backend} does not have it, {' and '.join(recipe.backends)} "
            "do; leave one of both out"
        )
