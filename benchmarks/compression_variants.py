"""Other shapes and vocabularies of compressed students, and what they reached.

    .venv/bin/python benchmarks/compression_variants.py            every one: minutes on a GPU
    .venv/bin/python benchmarks/compression_variants.py NAME …     these, and what they start from
    .venv/bin/python benchmarks/compression_variants.py --report   what is known, into the document

Runs are kept in .cache/distillation. What other machines found stays in
benchmarks/compression_variants.json until it is found here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import compression
import distillation
import document
import resources
from distillation import WORK, Job

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "compression_variants.json"
_VOCABULARIES = {"": None, "8200": 8200, "6500": 6500, "10000": 10000}
"""Most tokens, of those that the distillation texts use most; none: all of them."""
_SHAPES = {
    "half": ("4,4,10", "512,512,1280"),
    "half-late": ("5,5,8", "448,448,1408"),
    "small-even": ("4,4,6", "512,512,768"),
    "small-wide": ("5,5,6", "800,800,1088"),
    "small-taylor": ("0.42", "0.40"),
}
"""Heads and feed-forward neurons that stay."""
_VARIANTS = (
    ("half", "", 3, 0),
    ("half-late", "", 3, 0),
    ("half", "10000", 3, 0),
    ("small-taylor", "8200", 3, 0),
    ("small-taylor", "8200", 3, 1),
    ("small-even", "8200", 3, 0),
    ("small-even", "8200", 1, 0),
    ("small-wide", "6500", 3, 0),
)
"""Shape, vocabulary, temperature, seed."""
_STEPS = {
    "small-first": "small, before its last four epochs of answers",
    "small-teacher": "the teacher with 7,382 tokens",
    "teacher-0": "the teacher with all tokens",
}
"""Of the students of compression.py."""


def jobs() -> dict[str, Job]:
    """Every variant by its name, with what it starts from."""
    found = compression.jobs()
    film, dev = str(resources.film_train()), str(resources.film_dev())
    precision = ("--precision", distillation.precision())
    for vocabulary, most in _VOCABULARIES.items():
        if most is not None:
            few, teacher = f"few-{vocabulary}", f"teacher-{vocabulary}"
            found[few] = Job(
                "", ("teacher-0",), ("prune", str(WORK / "teacher-0"), *_tokens(vocabulary))
            )
            found[teacher] = Job(
                f"the teacher with {most:,} tokens",
                (few,),
                (
                    *("train", str(WORK / few), "--train", film, "--dev", dev, *precision),
                    *("--epochs", "1", "--learning-rate", "5e-5"),
                ),
            )
    for shape, vocabulary, temperature, seed in _VARIANTS:
        heads, neurons = _SHAPES[shape]
        start, teacher = f"start-{shape}-{vocabulary}", f"teacher-{vocabulary or '0'}"
        found[start] = Job(
            "",
            (compression.WHOLE, "mixed-0.jsonl"),
            (
                *("prune", str(WORK / compression.WHOLE), "--heads", heads, "--neurons", neurons),
                *("--data", film, *_tokens(vocabulary)),
            ),
        )
        name = f"{shape}-{vocabulary or 'all'}-temperature-{temperature}-{seed}"
        tokens = f"; {_VOCABULARIES[vocabulary]:,} tokens" if vocabulary else ""
        found[name] = Job(
            f"{heads} heads; {neurons} neurons{tokens}; temperature {temperature}, seed {seed}",
            (teacher, start),
            (
                *("distill", *compression.learning(temperature), *compression.BOTH),
                *("--teacher", str(WORK / teacher), "--student", str(WORK / start)),
                *("--seed", str(seed)),
            ),
        )
    return _longer(found)


def _longer(found: dict[str, Job]) -> dict[str, Job]:
    """Some of them after more training."""
    more = ("--stages", "prediction", "--learning-rate", "1e-4", "--epochs", "4")
    distil = ("distill", *compression.learning())
    for start, teacher in (
        ("half", "teacher-0"),
        ("small-taylor-8200-temperature-3-0", "teacher-8200"),
        ("small-taylor-8200-temperature-3-1", "teacher-8200"),
    ):
        found[f"{start}-longer"] = Job(
            f"{start}, four more epochs of answers",
            (teacher, start),
            (*distil, "--teacher", str(WORK / teacher), "--student", str(WORK / start), *more),
        )
    whole = str(WORK / compression.WHOLE)
    found["half-of-whole"] = Job(
        "half, then half an epoch of the whole student's losses and one of its answers",
        (compression.WHOLE, "half"),
        (
            *(*distil, "--teacher", whole, "--student", str(WORK / "half"), "--batch-size", "32"),
            *("--learning-rate", "1e-4", "--epochs", "intermediate=0.5,prediction=1"),
        ),
    )
    return found


def _tokens(vocabulary: str) -> tuple[str, ...]:
    most = _VOCABULARIES[vocabulary]
    if most is None:
        return ()
    corpus = ("--vocabulary", str(WORK / "mixed-0.jsonl"), "--max-tokens", str(most))
    return (*corpus, "--drop-unseen-characters")


def table(results: dict[str, dict[str, float]], every: dict[str, Job]) -> str:
    """Accuracy in float32 on film-dev, and the mean of the other sets."""
    lines = ["| | film-dev | others |", "|---|---|---|"]
    for name, found in results.items():
        others = sum(found[each] for each in distillation.SETS[1:]) / 3
        title = _STEPS.get(name) or every[name].title
        lines.append(f"| {title} | {100 * found['film-dev']:.1f} | {100 * others:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Run what was asked for; report all that is known."""
    every = jobs()
    names = [name for name in every if name not in compression.jobs() and every[name].title]
    names += _STEPS
    parser = argparse.ArgumentParser(description="Other compressed students.")
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--report", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    for name in () if arguments.report else arguments.names or names:
        distillation.make(name, every)
    known = json.loads(RESULTS.read_text(encoding="utf-8"))
    known |= {name: distillation.figures(WORK / name) for name in names if _done(name)}
    results = {name: known[name] for name in names if name in known}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    section = document.section("compression_variants.py", table(results, every))
    document.write(compression.DOCUMENT, section)


def _done(name: str) -> bool:
    return (WORK / name / "config.json").exists()


if __name__ == "__main__":
    main()
