"""Named recipes: how weights and activations are represented, and how far answers may stray."""

from __future__ import annotations

from dataclasses import dataclass

from edgebert_runtime.errors import InputError
from edgebert_runtime.manifest import Parity


@dataclass(frozen=True)
class Tolerance:
    """Bounds on an artifact's `Parity` with the float model."""

    max_difference: float
    mean_difference: float
    equal_labels: float
    """Least share of equal labels (classification)."""
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
class Recipe:
    """`int8` means 8-bit linear layers (a scale a row) and embedding tables (a scale a row)."""

    name: str
    int8: bool
    tolerance: Tolerance


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("float32", False, Tolerance(1e-3, 1e-4, 0.999, 0.99999, 0.99999)),
        Recipe("int8_dynamic", True, Tolerance(1.0, 0.05, 0.95, 0.99, 0.97)),
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
