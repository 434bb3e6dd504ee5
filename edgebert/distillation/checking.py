"""Options from Python, whose types nothing has checked yet."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

from edgebert_runtime.errors import InputError, shortened


def check_types(options: Any, kind: type[Any], name: str = "options") -> None:
    """Hold a frozen dataclass, and those in it, to the types that it declares.

    Raises:
        InputError: naming the first field of another type.
    """
    if not isinstance(options, kind) or not dataclasses.is_dataclass(options):
        raise InputError(f"{name}: got {shortened(options)}, expected {kind.__name__}")
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(options):
        value, wanted = getattr(options, field.name), hints[field.name]
        if not _fits(value, wanted):
            raise InputError(f"{field.name}: got {shortened(value)}, expected {_described(wanted)}")
        for each in value.values() if isinstance(value, dict) else [value]:
            if dataclasses.is_dataclass(each):
                check_types(each, type(each), field.name)


def _fits(value: Any, wanted: Any) -> bool:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, arguments[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(key, arguments[0]) and _fits(each, arguments[1]) for key, each in value.items()
        )
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def _described(wanted: Any) -> str:
    if typing.get_origin(wanted) in (types.UnionType, typing.Union):
        return " or ".join(_described(each) for each in typing.get_args(wanted))
    if wanted is Path:
        return "a path"
    return "None" if wanted is type(None) else getattr(wanted, "__name__", str(wanted))
