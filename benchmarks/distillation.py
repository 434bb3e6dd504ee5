"""Teachers and students on film reviews, with and without each part of distillation.

    .venv/bin/python benchmarks/distillation.py                   everything (hours on two cores)
    .venv/bin/python benchmarks/distillation.py 3-layer-0 …       these, and what they start from
    .venv/bin/python benchmarks/distillation.py --report [names]  the figures of what is finished
    .venv/bin/python benchmarks/distillation.py --list            their names

Runs are kept in .cache/distillation and continued where they were stopped; two such commands may
work beside each other. The first and the third write benchmarks/distillation.json and the table of
docs/distillation.md.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import document
import resources
import torch
import transfer_texts
from safetensors.numpy import load_file

from edgebert.distillation import data, models
from edgebert.distillation.development import Development

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "distillation.json"
WORK = resources.CACHE.parent / "distillation"
DOCUMENT = HERE.parent / "docs" / "distillation.md"
SETS = ("film-dev", "amazon", "imdb", "yelp")
SEEDS = (0, 1, 2)

_INTERMEDIATE = ("--learning-rate", "general=2e-4,intermediate=2e-4,prediction=1e-4")
_EPOCHS = "intermediate=1,prediction=2"
_SHORT = "intermediate=0.5,prediction=1"
"""Of the four-layer student, of which there are many."""


@dataclass(frozen=True)
class Job:
    """One `edgebert` command that makes a checkpoint folder or a file."""

    title: str
    after: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    """Empty: mixed texts, which no command makes."""


def jobs() -> dict[str, Job]:
    """Every run by its name, those it starts from before it."""
    film, dev = str(resources.film_train()), str(resources.film_dev())
    found: dict[str, Job] = {}
    for seed in SEEDS:
        own, augmented = str(WORK / f"teacher-{seed}"), str(WORK / f"augmented-{seed}.jsonl")
        found[f"teacher-{seed}"] = Job(
            "teacher, 6 layers of 384",
            (),
            ("train", str(resources.minilm()), *_common(film, dev, 2, "1e-4", seed)),
        )
        found[f"augmented-{seed}.jsonl"] = Job(
            "",
            (f"teacher-{seed}",),
            ("augment", film, "--teacher", own, "--copies", "3", "--seed", str(seed)),
        )
        three = str(resources.minilm_3l())
        for name, title, epochs in (
            ("3-layer-labels", "3 layers of 384, labels only, 3 epochs", 3),
            ("3-layer-labels-long", "3 layers of 384, labels only, as long as distilling", 14),
        ):
            found[f"{name}-{seed}"] = Job(
                title, (), ("train", three, *_common(film, dev, epochs, "1e-4", seed))
            )
        needed = (f"teacher-{seed}", f"augmented-{seed}.jsonl")
        distil = _distil(seed, dev)
        usual = (*distil, "--train", augmented, "--epochs", _EPOCHS)
        found[f"3-layer-{seed}"] = Job(
            "3 layers of 384, distilled", needed, (*usual, "--student", three)
        )
        found[f"mixed-{seed}.jsonl"] = Job("", needed[1:])
        found[f"3-layer-mixed-{seed}"] = Job(
            "3 layers of 384, distilled on phrases of a dictionary too",
            (*needed[:1], f"mixed-{seed}.jsonl"),
            (
                *(*distil, "--train", str(WORK / f"mixed-{seed}.jsonl"), "--epochs", _EPOCHS),
                *("--student", three),
            ),
        )
        found[f"4-layer-{seed}"] = Job(
            "4 layers of 312, general, intermediate, prediction",
            (*needed, "4-layer-general"),
            (
                *(*distil, "--train", augmented, "--epochs", _SHORT),
                *("--student", str(WORK / "4-layer-general")),
            ),
        )
    _ideas(found, dev, three)
    _ablation(found, film, dev)
    return found


def _ideas(found: dict[str, Job], dev: str, three: str) -> None:
    """The three-layer student of seed 0 with one thing changed."""
    augmented = str(WORK / "augmented-0.jsonl")
    usual = (*_distil(0, dev), "--train", augmented, "--epochs", _EPOCHS)
    needed = ("teacher-0", "augmented-0.jsonl")
    found["3-layer-temperature-0"] = Job(
        "3 layers of 384, distilled at temperature 3",
        needed,
        (*usual, "--student", three, "--temperature", "3"),
    )
    found["3-layer-of-teacher-0"] = Job(
        "3 layers of 384, distilled from the teacher's layers 2, 4, 6",
        needed,
        (*usual, "--init-layers", "2,4,6"),
    )


def _ablation(found: dict[str, Job], film: str, dev: str) -> None:
    """The four-layer student of seed 0 without one part at a time."""
    teacher, augmented = str(WORK / "teacher-0"), str(WORK / "augmented-0.jsonl")
    general = str(WORK / "4-layer-general")
    distil = _distil(0, dev)
    needed = ("teacher-0", "augmented-0.jsonl", "4-layer-general")
    found["4-layer-general"] = Job(
        "",
        ("teacher-0",),
        (
            *("distill", "--teacher", teacher, "--student", "tinybert-4l-312"),
            *("--text", str(resources.glosses()), "--stages", "general", "--epochs", "1"),
            *("--batch-size", "64", *_INTERMEDIATE, *_seeded(0)),
        ),
    )
    found["4-layer-labels"] = Job(
        "4 layers of 312, general, then labels only",
        ("4-layer-general",),
        ("train", general, *_common(film, dev, 6, "1e-4", 0)),
    )
    usual = (*distil, "--student", general, "--train", augmented)
    found["4-layer-no-intermediate"] = Job(
        "4 layers of 312, without intermediate losses",
        needed,
        (*usual, "--stages", "prediction", "--epochs", "1.5"),
    )
    found["4-layer-relations"] = Job(
        "4 layers of 312, MiniLMv2's relations in place of scores",
        needed,
        (*usual, "--epochs", _SHORT, "--attention-loss", "relations"),
    )
    found["4-layer-no-augmentation"] = Job(
        "4 layers of 312, without augmentation (as many steps)",
        needed,
        (
            *(*distil, "--student", general, "--train", film),
            *("--epochs", "intermediate=2,prediction=4"),
        ),
    )
    found["4-layer-no-general"] = Job(
        "4 layers of 312, without the general stage",
        needed[:2],
        (*distil, "--student", "tinybert-4l-312", "--train", augmented, "--epochs", _SHORT),
    )


def _distil(seed: int, dev: str) -> tuple[str, ...]:
    teacher = str(WORK / f"teacher-{seed}")
    return ("distill", "--teacher", teacher, "--dev", dev, *_INTERMEDIATE, *_seeded(seed))


def _common(film: str, dev: str, epochs: int, rate: str, seed: int) -> tuple[str, ...]:
    return (
        *("--train", film, "--dev", dev, "--epochs", str(epochs), "--learning-rate", rate),
        *_seeded(seed),
    )


def _seeded(seed: int) -> tuple[str, ...]:
    return ("--seed", str(seed), "--precision", precision())


def precision() -> str:
    """Half the time where the machine multiplies bfloat16, the same accuracy."""
    fast = torch.cuda.is_available() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if fast else "float32"


def make(name: str, every: dict[str, Job]) -> None:
    """Run a job, and before it those that it starts from."""
    target = WORK / name
    # What is there may have been brought, without what it started from.
    for needed in () if _made(target) else every[name].after:
        make(needed, every)
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _made(target):
            return
        print(f"== {name}", file=sys.stderr, flush=True)
        if not every[name].arguments:
            (augmented,) = every[name].after
            transfer_texts.mix(WORK / augmented, resources.glosses(), target)
            return
        resume = () if target.suffix else ("--resume",)
        command = [sys.executable, "-m", "edgebert", *every[name].arguments, *resume]
        subprocess.run([*command, "-o", str(target)], check=True)


def _made(target: Path) -> bool:
    return (target / "config.json").exists() or target.is_file()


def figures(folder: Path) -> dict[str, float]:
    """Accuracy of a checkpoint on each set."""
    classifier = models.load(folder)
    assert classifier.labels is not None
    collate = data.collate(classifier.pad, classifier.tokenizer.gives_token_types)
    encoder = data.Encoder(classifier.tokenizer.content, 128, classifier.labels)
    accuracy = {}
    for name in SETS:
        dataset = data.tokenized(resources.find(name), WORK / "sets", encoder)
        development = Development(dataset, classifier.labels, collate)
        found = development.figures(classifier.model, torch.device("cpu"))
        accuracy[name] = found["accuracy"]
    return accuracy


def result(name: str, title: str) -> dict[str, Any]:
    """What a finished run took and reached."""
    folder = WORK / name
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    return {
        "run": name,
        "title": title,
        "parameters": sum(each.size for each in weights.values()),
        "accuracy": figures(folder),
        "stages": record["stages"],
        "made_with": record["made_with"],
        "date": record["started"],
    }


def table(results: list[dict[str, Any]]) -> str:
    """Mean and spread (largest minus smallest) over seeds of what each kind of run reached."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        kinds.setdefault(result["title"], []).append(result)
    lines = [
        f"| | seeds | M parameters | {' | '.join(SETS)} | s of training | s a step | peak MB |",
        "|---" * (6 + len(SETS)) + "|",
    ]
    for title, runs in kinds.items():
        cells = []
        for name in SETS:
            values = [100 * run["accuracy"][name] for run in runs]
            spread = f" ± {(max(values) - min(values)) / 2:.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread}")
        stages = [stage for run in runs for stage in run["stages"]]
        seconds = sum(stage["seconds"] for stage in stages)
        steps = sum(stage["steps"] for stage in stages)
        peak = max(stage["peak_bytes"] for stage in stages)
        lines.append(
            f"| {title} | {len(runs)} | {runs[0]['parameters'] / 1e6:.1f} | {' | '.join(cells)} | "
            f"{seconds / len(runs):,.0f} | {seconds / steps:.2f} | {peak / 1e6:,.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what was asked for; of everything, write the figures too."""
    every = jobs()
    parser = argparse.ArgumentParser(description="Distillation on film reviews, and its ablation.")
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--report", action="store_true", help="the figures of what is finished")
    parser.add_argument("--list", action="store_true", help="print the names of the runs")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(every))
        return
    if not arguments.report:
        for name in arguments.names or every:
            make(name, every)
        if arguments.names:
            return
    # What other machines measured stays, until it is measured here.
    known = {each["run"]: each for each in json.loads(RESULTS.read_text(encoding="utf-8"))}
    for name in arguments.names or every:
        job = every[name]
        if job.title and (WORK / name / "config.json").exists():
            known[name] = result(name, job.title)
    results = [known[name] for name in every if name in known]
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    document.write(DOCUMENT, document.section("distillation.py", table(results)))


if __name__ == "__main__":
    main()
