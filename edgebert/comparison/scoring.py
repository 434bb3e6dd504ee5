"""How good each candidate is: on labelled rows, or as its manifest tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from edgebert import evaluation
from edgebert.comparison.selection import Candidate
from edgebert.labels import Expected
from edgebert_runtime import Manifest, load
from edgebert_runtime.errors import BackendError, InputError, ManifestError, MissingBackendError
from edgebert_runtime.examples import Example
from edgebert_runtime.tasks import INTERPRETERS

Scores = dict[str, float]
"""Name of a figure → its value, as `edgebert evaluate` gives them."""
Failure = BackendError | ManifestError | MissingBackendError
"""What keeps one artifact from being scored, and none of the others."""

AGREEMENT = {
    "classification": "share of equal labels",
    "multi-label-classification": "share of equal labels",
    "regression": "R²",
    "embedding": "mean cosine",
    "token-classification": "share of tokens with equal labels",
    "question-answering": "share of equal answers",
    "masked-lm": "share of equal tokens",
}
"""What the manifest's agreement is, by task."""


def main_figure(task: str, *, labelled: bool) -> str:
    """The name of the figure to compare by; all of them are better the higher they are."""
    if not labelled:
        return "agreement"
    return "correlation" if task == "regression" else "accuracy"


def agreements(candidates: Sequence[Candidate]) -> list[Scores | Failure]:
    """Each artifact's agreement with the float model that it was converted from."""
    return [{"agreement": each.artifact.parity.agreement} for each in candidates]


def check_labelled(task: str) -> None:
    """Refuse rows with labels where there is nothing to score by them.

    Raises:
        InputError: for a task that a label for each text does not score.
    """
    if task not in INTERPRETERS:
        raise InputError(
            f"the task of these bundles is {task}, which a label for each text cannot score; leave "
            "--eval out to compare their agreement with the float model"
        )


def on_examples(
    candidates: Sequence[Candidate], examples: Sequence[Example], data: Path
) -> list[Scores | Failure]:
    """Each artifact's scores on the same rows, or what kept it from answering.

    Raises:
        InputError: for a row whose label is none of the models', or not the same to all.
    """
    manifests = [each.bundle.manifest for each in candidates]
    score = evaluation.scorer(manifests[0].task)
    wanted = expected(manifests, examples, str(data))
    texts = [example.text for example in examples]
    found: list[Scores | Failure] = []
    for candidate in candidates:
        try:
            with (
                load(
                    candidate.bundle.path,
                    backend=candidate.artifact.backend,
                    recipe=candidate.artifact.recipe,
                ) as model,
                tqdm(total=len(texts), desc=candidate.name, disable=None, leave=False) as progress,
            ):
                results = []
                for answer in model.predict(iter(texts)):
                    results.append(answer)
                    progress.update()
        except (BackendError, ManifestError, MissingBackendError) as error:
            found.append(error)
            continue
        found.append(dataclasses.asdict(score(results, wanted, model.labels)))
    return found


def expected(
    manifests: Sequence[Manifest], examples: Sequence[Example], data: str
) -> list[Expected]:
    """What each row says is right, by name.

    Raises:
        InputError: for a label that is none of the models', or a position that means another
            label to another model.
    """
    orders = {manifest.labels: manifest for manifest in manifests}
    first, *others = (
        [evaluation.expected(manifest, example, data) for example in examples]
        for manifest in orders.values()
    )
    for other in others:
        for example, one, another in zip(examples, first, other, strict=True):
            if one != another:
                raise InputError(
                    f"{data}, line {example.line}: got the label {', '.join(example.labels)!r}, "
                    "and the bundles have their labels in different orders; give names in place "
                    "of positions"
                )
    return first
