"""For each format the fastest recipe within the allowed loss.

Recipes with 8-bit activations come first. Where they lose too much, the layers that suffer most
from rounding stay in float32, as few as will do; then recipes that compute in float32.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgebert.gate.development import Development
from edgebert_converters import sensitivity
from edgebert_converters.calibration import outputs
from edgebert_converters.conversion import Conversion
from edgebert_converters.recipes import Recipe
from edgebert_runtime.errors import AccuracyError, BackendError
from edgebert_runtime.manifest import Artifact
from edgebert_runtime.provenance import Trial
from edgebert_runtime.timing import time_repeatedly

RECIPES_TRIED = ("int8_dynamic", "int8_static", "int8_weights", "float16", "float32")
_MIXED = "int8_dynamic"
"""The recipe that layers are taken out of."""
_TIMED_SECONDS = 0.5
_SENSITIVITY_SENTENCES = 64
_MOST_IN_FLOAT = 0.75
"""Share of the layers beyond which a mixed artifact is no better than a float one."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Tried:
    """An artifact with its figures."""

    artifact: Artifact
    value: float
    p50_ms: float
    recovered: bool


@dataclass
class RecipeSearch:
    """Makes and measures artifacts of one conversion, and remembers each."""

    conversion: Conversion
    development: Development
    least: float
    """Value that an artifact must reach."""
    recovered: bool = False
    """Whether the conversion is of a checkpoint that learnt with rounded weights."""
    tried: list[Tried] = field(default_factory=list)
    _most_sensitive: list[str] = field(default_factory=list)
    _few: int | None = None

    def rounded(self, form: str, recipes: Sequence[Recipe]) -> Tried | None:
        """The fastest artifact of the recipes with 8-bit activations; None if none will do."""
        return self.fastest(form, [each for each in recipes if each.activations != "float32"])

    def weaker(self, form: str, recipes: Sequence[Recipe]) -> Tried | None:
        """An artifact with some layers in float32, or else the first recipe that computes in it."""
        for recipe in recipes:
            if recipe.name == _MIXED and (found := self._mixed(form, recipe)):
                return found
        for recipe in recipes:
            if recipe.activations == "float32" and (found := self.fastest(form, [recipe])):
                return found
        return None

    def fastest(self, form: str, recipes: Sequence[Recipe]) -> Tried | None:
        """The fastest of these recipes that loses no more than is allowed."""
        made = [found for recipe in recipes if (found := self._try(form, recipe))]
        passed = [each for each in made if each.value >= self.least - _ROUNDING]
        return min(passed, key=lambda each: each.p50_ms, default=None)

    def _try(self, form: str, recipe: Recipe) -> Tried | None:
        """Make and measure; None if the artifact gives no numbers at all."""
        report = self.conversion.report
        try:
            artifact = self.conversion.make(form, recipe)
            report(f"scoring {form} {recipe.name} on {len(self.development.encodings)} rows")
            with self.conversion.opened(artifact) as model:
                value = self.development.value(model.run(self.development.encodings))
                typical = self.development.typical
                timing = time_repeatedly(
                    len(typical.ids), lambda: model.run([typical]), _TIMED_SECONDS
                )
        except (AccuracyError, BackendError) as error:
            report(f"{form} {recipe.name} cannot be used: {error}")
            return None
        found = Tried(artifact, value, timing.p50_ms, self.recovered)
        self.tried.append(found)
        report(
            f"{form} {recipe.name}: {self.development.figure} {value:.4f}, {timing.p50_ms:.2f} ms"
            + ("" if value >= self.least - _ROUNDING else f"; at least {self.least:.4f} is allowed")
        )
        return found

    def _mixed(self, form: str, recipe: Recipe) -> Tried | None:
        """Ever more of the most sensitive layers in float, from the fewest that should do."""
        if self._few is None:
            self._few = self._fewest(recipe)
        most = int(_MOST_IN_FLOAT * len(self._most_sensitive))
        count = self._few
        while count <= most:
            if found := self.fastest(form, [self._keeping(recipe, count)]):
                return found
            count += max(1, count // 4)
        return None

    def _fewest(self, recipe: Recipe) -> int:
        """Layers that must stay in float32 where rounding is imitated in torch."""
        student = self.conversion.student
        encodings = self.development.encodings
        self.conversion.report("finding the layers that suffer most from rounding")
        ranked = sensitivity.by_layer(student, recipe, encodings[:_SENSITIVITY_SENTENCES])
        self._most_sensitive = [name for name, _ in ranked]

        def passes(count: int) -> bool:
            kept = sensitivity.rounded(student, self._keeping(recipe, count))
            value = self.development.value(outputs(kept, encodings))
            self.conversion.report(
                f"imitated with {count} of {len(ranked)} layers in float: {value:.4f}"
            )
            return value >= self.least - _ROUNDING

        return _least_that(passes, len(ranked))

    def _keeping(self, recipe: Recipe, count: int) -> Recipe:
        return dataclasses.replace(recipe, float_layers=frozenset(self._most_sensitive[:count]))

    def trials(self, kept: Sequence[Tried]) -> tuple[Trial, ...]:
        """Every figure, for the manifest."""
        return tuple(
            Trial(
                each.artifact.backend,
                each.artifact.recipe,
                each.artifact.float_layers,
                each.value,
                each.p50_ms,
                each.artifact.bytes,
                each.recovered,
                any(each is other for other in kept),
            )
            for each in self.tried
        )

    def refuse(self, form: str, reference: float) -> AccuracyError:
        """That nothing of a format passed, with the nearest."""
        figure = self.development.figure
        made = [each for each in self.tried if each.artifact.backend == form]
        best = max(made, key=lambda each: each.value, default=None)
        nearest = (
            "no artifact could be run"
            if best is None
            else f"the nearest was {best.artifact.recipe} with {best.value:.4f}"
        )
        return AccuracyError(
            f"no {form} artifact reaches {figure} {self.least:.4f} (the float model: "
            f"{reference:.4f}): {nearest}; nothing was written: allow more with --max-drop, give "
            "texts to learn from with --recover, or leave the format out"
        )


def _least_that(passes: Callable[[int], bool], most: int) -> int:
    """The smallest count from 1 to `most` that passes, where larger ones pass if smaller ones do.

    Doubles until one passes, then halves the distance; `most` is taken to pass.
    """
    failed, count = 0, 1
    while count < most and not passes(count):
        failed, count = count, min(most, 2 * count)
    while count - failed > 1:
        middle = (failed + count) // 2
        if passes(middle):
            count = middle
        else:
            failed = middle
    return count
