import json
from pathlib import Path
from typing import Any

import pytest

from edgebert.profiler import schema
from edgebert.profiler.profile import Profile

_FILE = Path(__file__).parents[2] / "docs" / "profile.schema.json"
_KINDS = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def test_the_published_schema_is_the_one_of_the_classes() -> None:
    again = "python -m edgebert.profiler.schema > docs/profile.schema.json"
    assert _FILE.read_text(encoding="utf-8") == schema.text(), f"run: {again}"


def test_every_class_and_field_that_is_described_is_described_in_it() -> None:
    definitions = schema.schema()["$defs"]
    assert all(each["description"] for each in definitions.values())
    timing = definitions["Timing"]["properties"]
    assert timing["quantiles_ms"]["description"].startswith("Least, 5 %, 10 %")
    assert timing["p90_ms"] == {"type": ["number", "null"]}
    assert definitions["Measurement"]["properties"]["schema_version"] == {"const": 2}
    nullable = definitions["Measurement"]["properties"]["energy"]
    assert nullable["anyOf"] == [{"$ref": "#/$defs/Energy"}, {"type": "null"}]


def _problems(
    value: Any, wanted: dict[str, Any], definitions: dict[str, Any], at: str
) -> list[str]:
    """What does not fit; of JSON Schema what the generated document uses, and no more."""
    found = []
    unknown = wanted.keys() - {
        "$ref", "type", "const", "anyOf", "properties", "required", "additionalProperties", "items",
        "description", "$schema", "title", "$defs",
    }  # fmt: skip
    if unknown:
        found.append(f"{at}: {unknown} is not checked")
    if "$ref" in wanted:
        inner = definitions[wanted["$ref"].removeprefix("#/$defs/")]
        found += _problems(value, inner, definitions, at)
    if "const" in wanted and value != wanted["const"]:
        found.append(f"{at}: {value!r} is not {wanted['const']!r}")
    if "anyOf" in wanted and all(
        _problems(value, each, definitions, at) for each in wanted["anyOf"]
    ):
        found.append(f"{at}: none of anyOf")
    kinds = wanted.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(
        isinstance(value, _KINDS[kind]) and isinstance(value, bool) is (kind == "boolean")
        for kind in kinds
    ):
        found.append(f"{at}: {value!r} is no {kinds}")
    if isinstance(value, dict):
        absent = set(wanted.get("required", ())) - value.keys()
        found += [f"{at}.{name} is missing" for name in absent]
        for name, each in value.items():
            others = wanted.get("additionalProperties", {})
            inner = wanted.get("properties", {}).get(name, others)
            if inner is False:
                found.append(f"{at}.{name} is unknown")
            else:
                found += _problems(each, inner, definitions, f"{at}.{name}")
    if isinstance(value, list):
        for each in value:
            found += _problems(each, wanted.get("items", {}), definitions, f"{at}[]")
    return found


def test_a_real_profile_fits(full_profile: Profile) -> None:
    whole = schema.schema()
    data = json.loads(full_profile.to_json())
    assert _problems(data, whole, whole["$defs"], "profile") == []
    data["results"][0]["measurement"]["lengths"][0]["p50_ms"] = "fast"
    data["results"][0]["extra"] = 1
    del data["created"]
    assert len(_problems(data, whole, whole["$defs"], "profile")) == 3


def test_a_real_profile_fits_by_the_book(full_profile: Profile) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    whole = json.loads(_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(whole)
    validator = jsonschema.Draft202012Validator(whole)
    data = json.loads(full_profile.to_json())
    assert list(validator.iter_errors(data)) == []
    data["results"][0]["measurement"]["energy"] = {"meter": 1}
    assert list(validator.iter_errors(data)) != []
