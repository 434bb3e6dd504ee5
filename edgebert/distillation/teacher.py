"""Fine-tune a classifier on true labels: a teacher, or a student that has none."""

from __future__ import annotations

import os
from typing import Any

from edgebert import labels as label_spaces
from edgebert.distillation import models
from edgebert.distillation.checking import check_types
from edgebert.distillation.claim import claimed
from edgebert.distillation.devices import devices
from edgebert.distillation.objectives import FineTuning
from edgebert.distillation.options import TrainOptions, check_run, record
from edgebert.distillation.run import Run
from edgebert.distillation.session import Session, set_dropout
from edgebert_converters.publish import as_path
from edgebert_runtime.errors import InputError
from edgebert_runtime.examples import stream_examples


def train(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: TrainOptions | None = None,
) -> dict[str, Any]:
    """Fine-tune a checkpoint of any supported family; writes a checkpoint folder at `output`.

    Returns the record of the run, which is in `output`/run.json too. An unfinished run is
    continued with `options.run.resume`.

    Raises:
        InputError: for files, labels or options that cannot be used.
        ConversionError: for a checkpoint that cannot be read.
        TrainingError: if training cannot go on; the message names the last good checkpoint.
    """
    options = TrainOptions() if options is None else options
    check_types(options, TrainOptions)
    source, target = as_path(checkpoint, "checkpoint"), as_path(output, "output")
    options.schedule.check()
    check_run(options.data, options.run)
    data = options.data
    if data.train is None:
        raise InputError("training learns from labelled texts; name a file with --train")
    space = label_spaces.of_examples(
        stream_examples(data.train, data.columns), options.task, str(data.train)
    )
    with devices(options.run) as accelerate:
        classifier = models.load(source, space, own_order=True)
        space = classifier.labels or space
        set_dropout(classifier.model, options.run.dropout)
        run = Run(target, record(options, checkpoint=classifier.identity()))
        inputs = [source, data.train, data.dev]
        with claimed(accelerate, run, options.run, inputs):
            if run.finished:
                return run.record
            session = Session(run, accelerate, data, classifier, space)
            rows, development = session.rows(data.train, "train"), session.development()
            if not run.finished_stages():
                session.learn(
                    "fine-tuning",
                    FineTuning(classifier.model, space.task, options.run.penalties),
                    rows,
                    options.schedule,
                    seed=options.run.seed,
                    development=development,
                )
            if accelerate.is_main_process:
                run.finish()
    return run.record
