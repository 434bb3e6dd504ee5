"""Which artifacts are compared: arguments → candidates of one task and the same labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebert.profiler.profile import model_names, model_of
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import InputError, shortened
from edgebert_runtime.manifest import BACKENDS, Artifact, Manifest


@dataclass(frozen=True)
class Candidate:
    """One artifact of one bundle."""

    bundle: Bundle
    artifact: Artifact
    name: str
    """Of the bundle, where there are several; then backend and recipe."""

    @property
    def device_bytes(self) -> int:
        """What a device must hold to run it: artifact, tokenizer and manifest."""
        return model_of(self.bundle, self.name).device_bytes(self.artifact.bytes)

    def signature(self, tokens: int) -> int:
        """The length that `tokens` run as: the smallest signature that holds them."""
        return self.artifact.row_length(tokens)


def select(
    arguments: Sequence[str],
    backends: Collection[str] | None = None,
    recipes: Collection[str] | None = None,
) -> list[Candidate]:
    """The artifacts that arguments name, in their order, each once.

    An argument is a bundle, `BUNDLE:backend` or `BUNDLE:backend/recipe`; a path that exists is a
    bundle, whatever colons are in it. `backends` and `recipes` narrow all of them; None doesn't.

    Raises:
        InputError: for an artifact that isn't there, or bundles that can't be compared.
        ManifestError: if there is no bundle, or its manifest is not understood.
    """
    if unknown := [name for name in backends or () if name not in BACKENDS]:
        raise _unknown_backend(unknown[0])
    bundles: dict[Path, Bundle] = {}
    chosen: list[tuple[Path, Artifact]] = []
    for argument in arguments:
        path, backend, recipe = _parts(argument)
        bundle = bundles.get(Path(path)) or Bundle(path)
        bundles[bundle.path] = bundle
        found = [
            (bundle.path, artifact)
            for artifact in bundle.manifest.artifacts
            if backend in (None, artifact.backend) and recipe in (None, artifact.recipe)
        ]
        if not found:
            raise InputError(
                f"got {shortened(argument)}, this bundle holds {_held(bundle.manifest)}; choose "
                "one of these, or convert again with that format and recipe"
            )
        chosen += [each for each in found if each not in chosen]
    _check_comparable(list(bundles.values()))
    names = _names(list(bundles))
    candidates = [
        Candidate(bundles[path], artifact, " ".join([*names[path], _kind(artifact)]))
        for path, artifact in chosen
        if (backends is None or artifact.backend in backends)
        and (recipes is None or artifact.recipe in recipes)
    ]
    if not candidates:
        wanted = ", ".join([*(backends or ()), *(recipes or ())])
        raise InputError(
            f"got {shortened(wanted)}, and no bundle holds such an artifact; see 'edgebert inspect "
            "BUNDLE'"
        )
    return candidates


def _parts(argument: str) -> tuple[str, str | None, str | None]:
    """Path, backend and recipe."""
    path, colon, kind = argument.rpartition(":")
    if not colon or _exists(argument) or not _exists(path):
        return argument, None, None
    backend, slash, recipe = kind.partition("/")
    if backend not in BACKENDS:
        raise _unknown_backend(backend)
    return path, backend, recipe if slash else None


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except (OSError, ValueError):
        return False


def _unknown_backend(name: str) -> InputError:
    return InputError(f"backend: got {shortened(name)}, expected one of {', '.join(BACKENDS)}")


def _check_comparable(bundles: Sequence[Bundle]) -> None:
    """Figures of other tasks or labels say nothing about each other."""
    first, *others = bundles
    for other in others:
        if _answers(first.manifest) != _answers(other.manifest):
            raise InputError(
                "bundles of one task and the same labels can be compared; "
                f"{_described(first)}, {_described(other)}: compare them apart"
            )


def _answers(manifest: Manifest) -> tuple[str, Collection[str]]:
    # Values of a regression go by their position, the first of them is scored.
    ordered = manifest.task == "regression"
    return manifest.task, manifest.labels if ordered else frozenset(manifest.labels)


def _described(bundle: Bundle) -> str:
    labels = ", ".join(shortened(label).strip("'\"") for label in bundle.manifest.labels[:5])
    more = ", …" if len(bundle.manifest.labels) > 5 else ""
    of = f" of {labels}{more}" if labels else ""
    return f"{str(bundle.path)!r} gives {bundle.manifest.task}{of}"


def _names(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """What tells the bundles apart: nothing for one, else the last part if that is enough."""
    if len(paths) == 1:
        return {paths[0]: []}
    return {path: [name] for path, name in model_names(paths).items()}


def _held(manifest: Manifest) -> str:
    return ", ".join(map(_kind, manifest.artifacts))


def _kind(artifact: Artifact) -> str:
    return f"{artifact.backend} {artifact.recipe}"
