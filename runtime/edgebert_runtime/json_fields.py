"""Pieces of parsed JSON, taken only if they are what they must be; ManifestError if not."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from edgebert_runtime.errors import ManifestError, shortened

MOST_VALUES = 200_000
"""Commas and opening brackets that a text may have: what it may unfold to in memory."""


def parse(text: str) -> Any:
    """JSON of finite numbers, without repeated keys, that takes little memory.

    Raises:
        ManifestError: if the text is anything else.
    """
    # Four megabytes of "[]," or "{}," would become a hundred.
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        reject("manifest", "more values", f"at most {MOST_VALUES} commas and brackets")
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except RecursionError:
        reject("manifest", "nesting too deep", "JSON nested a few levels deep")
    except ManifestError:
        raise
    except ValueError as error:
        raise ManifestError(
            f"manifest.json is not valid JSON ({error}); copy the bundle anew or convert again"
        ) from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` of json: each key of an object once."""
    data = dict(pairs)
    if len(data) != len(pairs):
        reject("manifest", "a repeated key", "each key once")
    return data


def _no_constant(name: str) -> NoReturn:
    """A `parse_constant` of json: neither NaN nor Infinity."""
    reject("manifest", name, "finite numbers")


def reject(where: str, given: object, expected: str) -> NoReturn:
    """Raise ManifestError with where, what was given and what was expected."""
    raise ManifestError(
        f"{where}: got {shortened(given)}, expected {expected}; copy the bundle anew or convert "
        "again"
    )


def take_fields(data: Any, where: str, kind: type) -> dict[str, Any]:
    """An object with exactly the fields of the dataclass `kind`."""
    expected = {field.name for field in dataclasses.fields(kind)}
    if not isinstance(data, dict):
        reject(where, data, "an object")
    if unknown := sorted(data.keys() - expected):
        reject(where, unknown, f"no fields but {', '.join(sorted(expected))}")
    if missing := sorted(expected - data.keys()):
        reject(where, f"no {', '.join(missing)}", "that field")
    return data


def take_integer(data: Any, where: str, low: int, high: int = 2**53) -> int:
    """A whole number within bounds; true and false are none."""
    if not isinstance(data, int) or isinstance(data, bool) or not low <= data <= high:
        reject(where, data, f"a whole number from {low} to {high}")
    return data


def take_number(data: Any, where: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within bounds."""
    # NaN is not at most anything, and a whole number may be too large for a float.
    number = isinstance(data, int | float) and not isinstance(data, bool)
    if not number or not abs(data) <= sys.float_info.max:
        reject(where, data, "a finite number")
    if not low <= data <= high:
        reject(where, data, f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}")
    return float(data)


def take_text(data: Any, where: str, allowed: Sequence[str] = ()) -> str:
    """A text of 1 to 1000 characters, one of `allowed` where given."""
    if not isinstance(data, str) or not data or len(data) > 1000:
        reject(where, data, "a text of 1 to 1000 characters")
    if any("\ud800" <= character <= "\udfff" for character in data):
        reject(where, data, "a text without lone surrogates")
    if allowed and data not in allowed:
        reject(where, data, f"one of {', '.join(allowed)}")
    return data


def take_matching(data: Any, where: str, pattern: re.Pattern[str], expected: str) -> str:
    """A text that matches a pattern in full."""
    if not isinstance(data, str) or not pattern.fullmatch(data):
        reject(where, data, expected)
    return data


def take_list(data: Any, where: str, most: int = 100_000) -> list[Any]:
    """A list of at most so many items."""
    if not isinstance(data, list) or len(data) > most:
        reject(where, data, f"a list of at most {most} items")
    return data


def take_texts(data: Any, where: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(take_text(each, where) for each in take_list(data, where))


def take_share(data: Any, where: str) -> float:
    """A number from 0 to 1."""
    share = take_number(data, where)
    if not 0 <= share <= 1:
        reject(where, share, "a share from 0 to 1")
    return share


def take_counts(data: Any, where: str) -> dict[str, int]:
    """An object of at most 1000 names and whole numbers."""
    if not isinstance(data, dict) or len(data) > 1000:
        reject(where, data, "an object of at most 1000 names and numbers")
    return {
        take_text(key, where): take_integer(value, f"{where}[{shortened(key)}]", 0)
        for key, value in data.items()
    }
