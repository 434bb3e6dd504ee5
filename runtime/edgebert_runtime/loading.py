"""A bundle → a model: which artifact, with which library."""

from __future__ import annotations

import os

from edgebert_runtime.backends import open_backend
from edgebert_runtime.bundle import Bundle
from edgebert_runtime.errors import BackendError, InputError, MissingBackendError, shortened
from edgebert_runtime.fastest import ranked
from edgebert_runtime.manifest import BACKENDS, Artifact, Manifest
from edgebert_runtime.model import Model
from edgebert_runtime.processors import (
    available_processors,
    cpu_flags,
    is_arm,
    older_than_libraries,
)
from edgebert_runtime.tokenization import Tokenizer

MAX_THREADS = 1024
"""More than any processor has; libraries start as many as they are told to, and then crash."""


def load(
    path: str | os.PathLike[str],
    *,
    backend: str = "auto",
    recipe: str | None = None,
    threads: int | None = None,
) -> Model:
    """Open a bundle and one of its artifacts.

    On a processor without dot products (ARM) or AVX2 (x86-64), "auto" first answers once in a
    process of its own, the first time that an artifact meets a library there. A backend whose
    library ends it, for it was built for newer instructions, is left out with a warning in the
    log.

    Args:
        path: a bundle folder or `.edgebert` file.
        backend: "tflite", "onnx", "torchscript", or "auto" for the fastest that is installed, by
            what `edgebert profile --remember` measured here, or else on this kind of processor.
        recipe: "int8_dynamic", "float32", or None for the smallest there is, or with "auto" the
            fastest where that was measured here.
        threads: threads to compute with; None for the processors that this process may use.

    Raises:
        InputError: for an argument that cannot be used.
        ManifestError: if the bundle is missing, altered or not understood.
        MissingBackendError: if the library of the backend is not installed.
        BackendError: if the library refuses the file, or none survives this processor.
    """
    if threads is not None and (
        not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MAX_THREADS
    ):
        raise InputError(
            f"threads: got {shortened(threads)}, expected a whole number from 1 to {MAX_THREADS}, "
            "or None"
        )
    bundle = Bundle(path)
    candidates = artifacts(bundle.manifest, backend, recipe)
    if backend == "auto":
        candidates = [each.artifact for each in ranked(candidates, threads)]
    tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), bundle.manifest.max_length)
    careful = backend == "auto" and older_than_libraries(cpu_flags(), arm=is_arm())
    dead: list[str] = []
    for artifact in candidates:
        if careful and _dies(path, artifact):
            dead.append(f"{artifact.backend} {artifact.recipe}")
            continue
        try:
            # Never by path: a library would look for more files there, and find what was put in
            # place since the check.
            content = bundle.read(artifact)
            opened = open_backend(artifact, content, threads or available_processors())
        except MissingBackendError:
            if backend != "auto":
                raise
            continue
        return Model(bundle.manifest, artifact, tokenizer, opened)
    if dead:
        raise BackendError(
            f"no backend of this bundle survives this processor: {', '.join(dead)} ended the "
            "process that tried; install older versions of their libraries"
        )
    wanted = " or ".join(f"'edgebert[{name}]'" for name in _backends(candidates))
    raise MissingBackendError(f"no backend of this bundle is installed; run: pip install {wanted}")


def _dies(path: str | os.PathLike[str], artifact: Artifact) -> bool:
    """Whether an artifact ends the process that runs it; if so, the log says it."""
    # Newer processors need no trial, and need not wait for these.
    import logging

    from edgebert_runtime import trial

    tried = (artifact.backend, artifact.recipe, artifact.sha256)
    death = trial.death(os.fspath(path), *tried)
    if death is not None:
        logging.getLogger(__name__).warning(
            "edgebert: %s %s is left out, for it ends its process with %s: its library may be "
            "built for newer processors than this; try an older version of it",
            artifact.backend,
            artifact.recipe,
            death,
        )
    return death is not None


def artifacts(manifest: Manifest, backend: str, recipe: str | None) -> list[Artifact]:
    """Artifacts that fit, of one backend the smallest file first.

    Raises:
        InputError: if there are none.
    """
    if not isinstance(backend, str) or backend not in ("auto", *BACKENDS):
        raise InputError(
            f"backend: got {shortened(backend)}, expected one of auto, {', '.join(BACKENDS)}"
        )
    if not isinstance(recipe, str | None):
        raise InputError(f"recipe: got {shortened(recipe)}, expected a name or None")
    found = [
        artifact
        for artifact in sorted(
            manifest.artifacts, key=lambda each: (BACKENDS.index(each.backend), each.bytes)
        )
        if backend in ("auto", artifact.backend) and recipe in (None, artifact.recipe)
    ]
    if not found:
        held = ", ".join(f"{each.backend} {each.recipe}" for each in manifest.artifacts)
        raise InputError(
            f"got backend {backend!r} and recipe {shortened(recipe)}, this bundle holds {held}; "
            "choose one of these, or convert again with that format and recipe"
        )
    return found


def _backends(artifacts: list[Artifact]) -> list[str]:
    return list(dict.fromkeys(artifact.backend for artifact in artifacts))
