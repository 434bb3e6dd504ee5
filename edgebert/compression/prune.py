"""Prune a checkpoint, once or round by round, and let it recover from each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor

from edgebert.compression.importance import labelled_batches
from edgebert.compression.options import PruneOptions, check
from edgebert.compression.pruner import Pruner
from edgebert.distillation import models
from edgebert.distillation.claim import claimed
from edgebert.distillation.data import Encoder, TokenizedFile, collate, tokenized
from edgebert.distillation.development import Development
from edgebert.distillation.devices import devices
from edgebert.distillation.models import Classifier
from edgebert.distillation.objectives import Teacher
from edgebert.distillation.options import DistillOptions, record
from edgebert.distillation.run import Run
from edgebert.distillation.session import Session, set_dropout
from edgebert.distillation.student import objective
from edgebert_converters.publish import as_path
from edgebert_runtime.errors import InputError


def prune(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: PruneOptions,
) -> dict[str, Any]:
    """Prune a classifier's folder into a checkpoint folder at `output`.

    With `options.data.train`, each round ends with distillation from the unpruned model. Returns
    the record, which is in `output`/run.json too: the model before, and for each round what stays
    and every candidate of a search. An unfinished run is continued with `options.run.resume`.

    Raises:
        InputError: for options, files or numbers that cannot be used, or a target out of reach.
        ConversionError: for a checkpoint that cannot be read, or a candidate that cannot be
            exported.
        TrainingError: if recovery cannot go on; the message names the last good checkpoint.
    """
    check(options)
    source, target = as_path(checkpoint, "checkpoint"), as_path(output, "output")
    with devices(options.run) as accelerate:
        whole = models.load(source)
        assert whole.labels is not None
        run = Run(target, record(options, checkpoint=whole.identity()))
        session = Session(run, accelerate, options.data, whole, whole.labels)
        pruner = Pruner(whole, options, lambda: _batches(session, options))
        inputs = [source, options.data.train, options.data.dev, options.labelled]
        with claimed(accelerate, run, options.run, inputs):
            if run.finished:
                return run.record
            _run_rounds(session, pruner, options)
            if accelerate.is_main_process:
                run.finish()
    return run.record


def one_shot(
    checkpoint: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    options: PruneOptions,
) -> dict[str, Any]:
    """Prune a classifier's folder into `folder`, which is there and empty; no recovery, no record.

    Returns what stays, as a round of `prune` does.

    Raises:
        InputError: for options, files or numbers that cannot be used, or a target out of reach.
        ConversionError: for a checkpoint that cannot be read.
    """
    check(options)
    if options.data.train is not None:
        raise InputError("pruning in one shot learns nothing; leave rows to recover on out")
    source, target = as_path(checkpoint, "checkpoint"), as_path(folder, "folder")
    whole, pruned = models.load(source), models.load(source)

    def batches() -> Iterable[dict[str, Tensor]]:
        assert options.labelled is not None
        limit = min(options.data.max_length, whole.position_limit)
        encoder = Encoder(whole.tokenizer.content, limit, whole.labels)
        with tempfile.TemporaryDirectory(prefix="rows-", dir=target) as work:
            rows = tokenized(options.labelled, Path(work), encoder, options.data.columns)
            yield from _labelled(rows, whole, options, torch.device("cpu"))

    summary = Pruner(whole, options, batches).run(pruned.model, 1)
    models.save(pruned.model, whole.folder, target)
    return summary


def _run_rounds(session: Session, pruner: Pruner, options: PruneOptions) -> None:
    run, accelerate = session.run, session.accelerate
    development = session.development()
    rows = (
        None
        if options.data.train is None
        else session.rows(options.data.train, "train", labelled=False)
    )
    if run.finished_stages():
        pruner.kept_layers = tuple(run.record["stages"][0]["kept_layers"])
    else:
        run.record["before"] = pruner.before()
        if development is not None:
            figures = development.figures(
                pruner.whole.model.to(accelerate.device), accelerate.device
            )
            run.record["before"] |= figures
    teacher = Teacher(pruner.whole.model, accelerate.device)
    plan = _plan(options)
    learner = models.load(run.stage_model() or pruner.whole.folder)
    set_dropout(learner.model, options.run.dropout)
    for index in range(run.finished_stages(), len(plan)):
        name, number = plan[index]
        if name == "pruning":
            learner = _pruned(session, pruner, learner, number, development)
            continue
        settings = DistillOptions(
            data=options.data,
            mapping=pruner.kept_layers,
            schedules=options.schedules,
            run=options.run,
        )
        assert rows is not None
        session.learn(
            name,
            objective(name, learner.model, teacher, session.labels, settings),
            rows,
            options.schedule(name),
            seed=options.run.seed,
            development=development,
        )


def _pruned(
    session: Session,
    pruner: Pruner,
    learner: Classifier,
    number: int,
    development: Development | None,
) -> Classifier:
    """The learner of the next stage, read back: every process has the same, and zeros are held."""
    run, accelerate = session.run, session.accelerate
    number_of_stage = run.finished_stages() + 1
    if accelerate.is_main_process:
        model = learner.model.to(accelerate.device)
        summary = pruner.run(model, number)
        if development is not None:
            summary |= development.figures(model, accelerate.device)
        run.finish_stage(summary, lambda path: models.save(model, learner.folder, path))
    told: list[Any] = [pruner.kept_layers, number_of_stage]
    broadcast_object_list(told)
    pruner.kept_layers, number_of_stage = told
    learner = models.load(run.folder / "stages" / f"{number_of_stage}-pruning")
    set_dropout(learner.model, pruner.options.run.dropout)
    return learner


def _plan(options: PruneOptions) -> list[tuple[str, int]]:
    """Every stage of the run, with the number of its round."""
    recovery = () if options.data.train is None else options.stages
    return [
        (name, number) for number in range(1, options.rounds + 1) for name in ("pruning", *recovery)
    ]


def _batches(session: Session, options: PruneOptions) -> Iterable[dict[str, Tensor]]:
    rows = session.rows(options.rows, "data")
    return _labelled(rows, session.classifier, options, session.accelerate.device)


def _labelled(
    rows: TokenizedFile, classifier: Classifier, options: PruneOptions, device: torch.device
) -> Iterable[dict[str, Tensor]]:
    together = collate(classifier.pad, classifier.tokenizer.gives_token_types)
    return labelled_batches(rows, together, options.run.seed, device)
