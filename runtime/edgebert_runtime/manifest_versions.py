"""Manifests of earlier schema versions, brought to the present one before they are read strictly.

One step leads from each version to the next. A step adds the fields that the next version added,
with the value that says what was true of the older bundle; it never guesses. What is not an
object of the older version passes unchanged, for the strict reading to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgebert_runtime.errors import ManifestVersionError, shortened
from edgebert_runtime.json_fields import reject

SCHEMA_VERSION = 4
"""The version that this runtime writes, and the newest that it reads."""


def upgraded(data: Any) -> Any:
    """Parsed JSON of any version up to the present one, as the present one would have it.

    Raises:
        ManifestVersionError: for a version that does not exist yet, or never did.
        ManifestError: for a field or task that the bundle's own version did not have.
    """
    version = data.get("schema_version") if isinstance(data, dict) else None
    # True is an int, and no version.
    if type(version) is not int:
        return data
    if not 1 <= version <= SCHEMA_VERSION:
        raise ManifestVersionError(
            f"bundle schema_version is {shortened(version)}, this edgebert reads 1 to "
            f"{SCHEMA_VERSION}; upgrade edgebert, or convert the checkpoint again"
        )
    for older in range(version, SCHEMA_VERSION):
        data = _STEPS[older](data) | {"schema_version": older + 1}
    return data


def _to_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 says how artifacts came about.

    Version 1 pruned nothing and searched no recipe; it left no layer in float32 and calibrated no
    range. Nobody counted zeros, so their share is unknown.
    """
    added: dict[str, Any] = {"float_layers": [], "calibration": None, "sparsity": None}
    artifacts = data.get("artifacts")
    if isinstance(artifacts, list):
        artifacts = [
            _with_fields(artifact, f"artifacts[{index}]", added)
            for index, artifact in enumerate(artifacts)
        ]
        data = data | {"artifacts": artifacts}
    whole: dict[str, Any] = _with_fields(data, "manifest", {"pruning": None, "search": None})
    return whole


def _to_version_3(data: dict[str, Any]) -> dict[str, Any]:
    """Version 3 has three more tasks and no more fields; a share of zeros may be unknown."""
    task = data.get("task")
    if task in ("token-classification", "question-answering", "masked-lm"):
        reject("task", task, "a task of schema version 2 or before")
    return data


def _to_version_4(data: dict[str, Any]) -> dict[str, Any]:
    """Version 4 has tflite files of any length, and no more fields."""
    artifacts = data.get("artifacts")
    for index, artifact in enumerate(artifacts if isinstance(artifacts, list) else ()):
        if isinstance(artifact, dict):
            backend, lengths = artifact.get("backend"), artifact.get("lengths")
            if backend == "tflite" and lengths == []:
                reject(f"artifacts[{index}].lengths", lengths, "one of tflite at least")
    return data


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _to_version_2,
    2: _to_version_3,
    3: _to_version_4,
}


def _with_fields(data: Any, where: str, added: dict[str, Any]) -> Any:
    if not isinstance(data, dict):
        return data
    if early := sorted(data.keys() & added.keys()):
        reject(where, early, "no fields of a later schema version")
    return data | added
