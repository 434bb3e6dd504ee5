"""Distil a teacher into a student, stage by stage (TinyBERT, arXiv 1909.10351, section 3)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from edgebert.distillation import activations, models, shapes
from edgebert.distillation.mapping import layer_mapping
from edgebert.distillation.models import Classifier
from edgebert.distillation.objectives import (
    Intermediate,
    Prediction,
    Teacher,
    attention_loss,
)
from edgebert.distillation.options import STAGES, DistillOptions, record
from edgebert.distillation.session import Session, claimed, devices, set_dropout
from edgebert.labels import LabelSpace
from edgebert_converters.publish import as_path
from edgebert_converters.sentence_transformers import read_json
from edgebert_runtime.errors import InputError


def distill(
    teacher: str | os.PathLike[str],
    student: str | None,
    output: str | os.PathLike[str],
    options: DistillOptions,
) -> dict[str, Any]:
    """Distil `teacher` (a classifier's folder) into a checkpoint folder at `output`.

    `student` is a shape by name or numbers (see `shapes`), or a checkpoint folder with the
    teacher's tokenizer; None with `options.initial_layers`. Returns the record of the run, which
    is in `output`/run.json too. An unfinished run is continued with `options.run.resume`.

    Raises:
        InputError: for files, shapes or options that cannot be used.
        ConversionError: for a checkpoint that cannot be read.
        TrainingError: if training cannot go on; the message names the last good checkpoint.
    """
    source, target = as_path(teacher, "teacher"), as_path(output, "output")
    _check(options, student)
    with devices(options.run) as accelerate:
        given = models.load(source)
        assert given.labels is not None
        learner = _student(student, given, given.labels, options)
        _check_pair(learner.model, given.model, options)
        inputs = {"teacher": source.name, "student": _name(student, options)}
        set_dropout(learner.model, options.run.dropout)
        with claimed(accelerate, target, record(options, **inputs), options.run) as run:
            if run.finished:
                return run.record
            run.record["student_run"] = _earlier_run(student)
            if (done := run.stage_model()) is not None:
                learner = models.load(done)
                set_dropout(learner.model, options.run.dropout)
            session = Session(run, accelerate, options.data, given, given.labels)
            _learn(session, learner, Teacher(given.model, accelerate.device), options)
            if accelerate.is_main_process:
                run.finish()
    return run.record


def _learn(
    session: Session, learner: Classifier, teacher: Teacher, options: DistillOptions
) -> None:
    development = session.development()
    for name in options.stages[session.run.finished_stages() :]:
        if name == "general":
            dataset = session.rows(options.text, "text", labelled=False)
        else:
            dataset = session.rows(options.data.train, "train")
        session.learn(
            name,
            _objective(name, learner.model, teacher, session.labels, options),
            dataset,
            options.schedules[name],
            seed=options.run.seed,
            # A head that has learnt nothing has no figures.
            development=development if name == "prediction" else None,
        )


def _objective(
    name: str, model: Any, teacher: Teacher, labels: LabelSpace, options: DistillOptions
) -> nn.Module:
    if name == "prediction":
        return Prediction(model, teacher, labels.task, options.targets, options.run.penalties)
    layers = activations.layers(model), activations.layers(teacher.model)
    return Intermediate(
        model,
        teacher,
        layer_mapping(options.mapping, *layers),
        options.attention,
        options.run.penalties,
    )


def _student(
    student: str | None, teacher: Classifier, labels: LabelSpace, options: DistillOptions
) -> Classifier:
    if student is not None and shapes.is_checkpoint(student):
        learner = models.load(Path(student), labels)
        models.check_same_tokenizer(teacher, learner)
        return learner
    if options.initial_layers is not None:
        model = shapes.student_from_layers(teacher.model, options.initial_layers)
    else:
        assert student is not None
        model = shapes.random_student(shapes.shape(student), teacher.model)
    return Classifier(model, teacher.folder, teacher.tokenizer, labels)


def _earlier_run(student: str | None) -> Any:
    """The record of the run that made the student's checkpoint: stages run singly add up."""
    path = Path(student or "") / "run.json"
    return read_json(path) if student is not None and path.is_file() else None


def _name(student: str | None, options: DistillOptions) -> str:
    if student is None:
        return f"layers {', '.join(map(str, options.initial_layers or ()))} of the teacher"
    return Path(student).name if shapes.is_checkpoint(student) else student


def _check(options: DistillOptions, student: str | None) -> None:
    order = [STAGES.index(name) for name in options.stages if name in STAGES]
    if not options.stages or len(order) < len(options.stages) or sorted(set(order)) != order:
        raise InputError(
            f"stages: got {', '.join(options.stages)!r}, expected some of {', '.join(STAGES)}, in "
            "this order"
        )
    if (student is None) == (options.initial_layers is None):
        raise InputError(
            "expected either a student (a shape or a checkpoint) or the teacher's layers that it "
            "starts from; got " + ("both" if student else "neither")
        )
    needed = {"text": options.text if "general" in options.stages else True}
    needed["train"] = options.data.train if set(options.stages) - {"general"} else True
    for name, path in needed.items():
        if path is None:
            raise InputError(f"the stages {', '.join(options.stages)} need a file: --{name} FILE")
    targets = options.targets
    if not targets.temperature > 0 or not 0 <= targets.hard_labels <= 1:
        raise InputError(
            f"got temperature {targets.temperature} and hard labels {targets.hard_labels}, "
            "expected a temperature above 0 and a share from 0 to 1"
        )
    for name in options.stages:
        options.schedules[name].check()


def _check_pair(student: Any, teacher: Any, options: DistillOptions) -> None:
    """Fail on a mapping or a loss that does not fit before anything is written."""
    layer_mapping(options.mapping, activations.layers(student), activations.layers(teacher))
    attention_loss(options.attention, student, teacher)
