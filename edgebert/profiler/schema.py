"""The JSON Schema of a profile, made of the classes that write it.

`python -m edgebert.profiler.schema` prints what docs/profile.schema.json holds.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import textwrap
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from edgebert.profiler.profile import SCHEMA_VERSION, Profile
from edgebert_runtime import measurement

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_VERSIONS = {Profile: SCHEMA_VERSION, measurement.Measurement: measurement.SCHEMA_VERSION}
"""Class with a `schema_version` → the one that it writes."""


def schema() -> dict[str, Any]:
    """The document, of draft 2020-12; a definition for each class, described by its docstrings."""
    definitions: dict[str, Any] = {}
    whole = _reference(Profile, definitions)
    ordered = {name: definitions[name] for name in sorted(definitions)}
    return {"$schema": _DIALECT, "title": "Profile of edgebert", **whole, "$defs": ordered}


def text() -> str:
    """The content of docs/profile.schema.json."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A class by its name, which must be no other's too; it is defined where it isn't yet."""
    name = kind.__name__
    if name not in definitions:
        definitions[name] = None
        definitions[name] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    said = _descriptions(kind)
    properties = {}
    for field in dataclasses.fields(kind):
        found = _value(hints[field.name], definitions)
        if field.name == "schema_version":
            found = {"const": _VERSIONS[kind]}
        if field.name in said:
            found = found | {"description": said[field.name]}
        properties[field.name] = found
    return {
        "type": "object",
        "description": _joined(inspect.getdoc(kind) or ""),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        return _reference(kind, definitions)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        return {"type": "array", "items": _value(inner[0], definitions)}
    if origin is not None and NoneType in inner:
        (known,) = (each for each in inner if each is not NoneType)
        return _or_null(_value(known, definitions))
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value(inner[1], definitions)}
    return {"type": _KINDS[kind]}


def _or_null(found: dict[str, Any]) -> dict[str, Any]:
    if "type" in found:
        return found | {"type": [found["type"], "null"]}
    return {"anyOf": [found, {"type": "null"}]}


def _descriptions(kind: type) -> dict[str, str]:
    """Field → the text under it in the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    said = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            said[field.target.id] = _joined(str(below.value.value))
    return said


def _joined(said: str) -> str:
    """On one line."""
    return " ".join(said.split())


if __name__ == "__main__":
    print(text(), end="")
