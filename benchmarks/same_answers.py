"""Answers of one machine beside another's: labels, scores, and how near to a tie they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import resources

TOLERANCE = {"float32": 1e-5, "int8_dynamic": 0.02}
"""Of any score, by recipe.

Sums of floats in another order differ in their last bits. Where such a sum lies on the edge between
two of the 256 steps of an 8-bit activation, it falls on the other side, and what follows moves by a
step. `last_bits.py` shows how far that goes.
"""
MEDIAN_TOLERANCE = 1e-5
"""Of the median, whatever the recipe: most texts have no such sum, or none that matters."""
SENTENCES = 200


def sentences(count: int = SENTENCES) -> list[str]:
    """Of film reviews that the shipped student was not trained on."""
    rows = resources.film_dev().read_text(encoding="utf-8").splitlines()[1 : count + 1]
    return [row.partition("\t")[2] for row in rows]


def compared(expected: list[dict[str, Any]], got: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of answers, each a `label` of two and its `score`, against the expected ones.

    `stepped` counts the scores that moved further than sums of floats can. `margins_of_others` are
    by how much the expected label was ahead where another was given.
    """
    pairs = list(zip(expected, got, strict=True))
    moved = [
        abs(a["score"] - (b["score"] if a["label"] == b["label"] else 1 - b["score"]))
        for a, b in pairs
    ]
    margins = [2 * a["score"] - 1 for a, _ in pairs]
    others = [
        margin for margin, (a, b) in zip(margins, pairs, strict=True) if a["label"] != b["label"]
    ]
    return {
        "sentences": len(pairs),
        "equal_labels": len(pairs) - len(others),
        "margins_of_others": others,
        "least_margin": min(margins),
        "largest_difference": float(np.max(moved)),
        "median_difference": float(np.median(moved)),
        "stepped": sum(each > TOLERANCE["float32"] for each in moved),
    }


def faults(figures: dict[str, Any], recipe: str) -> list[str]:
    """What of these figures is wrong for a recipe; empty when all is well."""
    found = []
    if figures["margins_of_others"]:
        margins = ", ".join(f"{margin:.4f}" for margin in figures["margins_of_others"])
        found.append(f"other labels where the right ones were ahead by {margins}")
    for which, most in (("largest", TOLERANCE[recipe]), ("median", MEDIAN_TOLERANCE)):
        if not figures[f"{which}_difference"] <= most:
            difference = figures[f"{which}_difference"]
            found.append(
                f"the {which} difference of scores is {difference:.2g}, at most {most:.2g}"
            )
    return found
