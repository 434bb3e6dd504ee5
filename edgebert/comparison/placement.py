"""Where labels go beside the marks of a plot, so that they can be read.

Choosing among a few places around each mark, least overlap first, is the greedy form of point
feature label placement: Jon Christensen, Joe Marks and Stuart Shieber, "An Empirical Study of
Algorithms for Point-Feature Label Placement" (1995), section 3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ANGLES = (0, 180, 90, 270, 45, 315, 135, 225)
"""Degrees from the right, counter-clockwise, in order of preference."""
_DISTANCES = (4.0, 14.0, 28.0, 48.0)
"""From the edge of the mark, in pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Box:
        """A box of that size with (x, y) in its middle."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def overlap(self, other: Box) -> float:
        """Square pixels that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.right - self.left) * (self.top - self.bottom)


@dataclass(frozen=True)
class Mark:
    """A round mark and the size of its label, in pixels."""

    x: float
    y: float
    radius: float
    width: float
    height: float


def place(marks: Sequence[Mark], frame: Box, taken: Iterable[Box] = ()) -> list[Box]:
    """A place for the label of each mark, inside `frame` if there is room.

    Labels come in the order of the marks: the first has the best choice.
    """
    obstacles = [Box.around(mark.x, mark.y, 2 * mark.radius, 2 * mark.radius) for mark in marks]
    obstacles += taken
    placed: list[Box] = []
    for mark in marks:
        best = min(
            _places(mark),
            # min() keeps the first of equals, and near places come first.
            key=lambda box: (
                sum(map(box.overlap, [*obstacles, *placed])) + 4 * (box.area - box.overlap(frame))
            ),
        )
        placed.append(best)
    return placed


def _places(mark: Mark) -> list[Box]:
    places = []
    for distance, angle in itertools.product(_DISTANCES, _ANGLES):
        across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        reach = mark.radius + distance
        x = mark.x + across * reach + _sign(across) * mark.width / 2
        y = mark.y + up * reach + _sign(up) * mark.height / 2
        places.append(Box.around(x, y, mark.width, mark.height))
    return places


def _sign(value: float) -> int:
    return 0 if abs(value) < 1e-9 else 1 if value > 0 else -1
