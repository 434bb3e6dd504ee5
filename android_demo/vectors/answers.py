"""Bundles of every task, with Python's answers on real strings.

    python android_demo/vectors/answers.py FOLDER [NAME...]

For each of `CASES`, or those named, writes FOLDER/answers/NAME.edgebert, converted by this
repository, and NAME.jsonl, the lines of `answering.py`, which runs with the app's version of ONNX
Runtime. The student and MiniLM are real models; the checkpoints of the other tasks are small ones
of the tests.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

# Before torch starts its threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import environments
import resources
import students

import edgebert
from edgebert_runtime.tokenization import Text

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
VERSIONS = HERE.parent / "gradle" / "libs.versions.toml"

BOTH = ("float32", "int8_dynamic")
STRINGS = 2000
_LONG = 60
"""Sentences of a text that goes beyond every model's limit."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A checkpoint, and what it is asked."""

    checkpoint: Callable[[Path], Path]
    """Makes it in a folder, or says where it is."""
    questions: Callable[[], Iterator[tuple[Text, dict[str, Any]]]]
    """Texts with options of `predict`."""
    recipes: tuple[str, ...] = ("float32",)
    """Random weights are no ground to hold rounded ones to: those of the small checkpoints stay."""


def strings(count: int) -> list[str]:
    """Film reviews, Chinese reviews, naughty strings and normalization tests, a quarter each."""
    quarter = count // 4
    naughty = json.loads(resources.naughty_strings().read_text(encoding="utf-8"))
    chinese = resources.chinese_reviews().read_text(encoding="utf-8").split("\n")
    lines = resources.normalization().read_text(encoding="utf-8").split("\n")
    forms = [
        "".join(chr(int(code, 16)) for code in line.split(";")[0].split())
        for line in lines
        if line[:1] not in ("", "#", "@")
    ]
    kinds = [
        naughty,
        [line.partition("\t")[2] for line in chinese[1:]],
        forms[:: len(forms) // quarter],
    ]
    chosen = [text for kind in kinds for text in kind[:quarter]]
    return [*chosen, *resources.sentences(count - len(chosen))]


def sentences() -> list[str]:
    """The tests' sentences, whose words the small checkpoints know, and some that they don't."""
    return [*students.SENTENCES, *strings(80), "\ud800 half a pair", "😀 的 naïve day " * 3]


def long_texts() -> list[str]:
    """Texts of many windows."""
    known = " ".join(students.SENTENCES[:_LONG])
    return [known, " ".join(resources.sentences(_LONG)), "屏幕很好🙂" * 200, "x" * 5000]


def in_every_mode(texts: list[Any]) -> Iterator[tuple[Text, dict[str, Any]]]:
    """Each text with each way to read one that is long."""
    for text in texts:
        for mode in (None, "truncate", "windows", "error"):
            yield text, {"long_text": mode}


def of_texts() -> Iterator[tuple[Text, dict[str, Any]]]:
    """Single texts and pairs, short and long."""
    texts = sentences()
    yield from ((text, {}) for text in texts)
    yield from (((first, second), {}) for first, second in zip(texts, texts[5:], strict=False))
    yield from in_every_mode([*long_texts(), (texts[0], long_texts()[0]), (long_texts()[1], "")])


def of_the_student() -> Iterator[tuple[Text, dict[str, Any]]]:
    """The strings that tokenizers are compared on."""
    yield from ((text, {}) for text in strings(STRINGS))
    yield from in_every_mode(long_texts())


def of_tokens() -> Iterator[tuple[Text, dict[str, Any]]]:
    """Each way to join tokens."""
    for text in sentences():
        for aggregation in ("simple", "first", "average", "max", "none"):
            yield text, {"aggregation": aggregation}
    yield from in_every_mode(long_texts())
    yield ("one", "two"), {}


def of_questions() -> Iterator[tuple[Text, dict[str, Any]]]:
    """Short and long contexts, several answers, none."""
    texts = sentences()
    for index, text in enumerate(texts):
        for options in ({}, {"top_k": 3, "no_answer": True}):
            yield (text, " ".join(texts[index : index + 3])), options
    yield from in_every_mode([(texts[0], text) for text in long_texts()])
    yield from in_every_mode([(text, texts[0]) for text in long_texts()])
    yield "no pair", {}


def of_masks(mask: str) -> Callable[[], Iterator[tuple[Text, dict[str, Any]]]]:
    """Sentences with words left out."""

    def questions() -> Iterator[tuple[Text, dict[str, Any]]]:
        for text in sentences():
            words = text.split() or ["empty"]
            words[len(words) // 2] = mask
            yield " ".join(words), {"top_k": 3}
        yield from in_every_mode([f"{mask} {text} {mask}" for text in long_texts()])
        yield "none left out", {}

    return questions


def made(family: str, task: str = "classification", **config: Any) -> Callable[[Path], Path]:
    """One of the tests' checkpoints."""
    return lambda folder: students.checkpoint(folder, family, task, **config)


CASES = {
    "film-sentiment": Case(
        lambda _: REPOSITORY / "models" / "film-sentiment", of_the_student, BOTH
    ),
    "minilm": Case(lambda _: resources.minilm(), of_texts, BOTH),
    "classification": Case(made("bert", labels=("no, not", 'say "yes"', "也许")), of_texts),
    "multi-label": Case(
        made(
            "roberta",
            labels=("a", "b", "c"),
            problem_type="multi_label_classification",
        ),
        of_texts,
    ),
    "regression": Case(made("electra", labels=("stars",), problem_type="regression"), of_texts),
    "token-classification": Case(made("bert", "token-classification"), of_tokens),
    "token-classification-bpe": Case(made("roberta", "token-classification"), of_tokens),
    "question-answering": Case(made("bert", "question-answering"), of_questions),
    "question-answering-bpe": Case(made("roberta", "question-answering"), of_questions),
    "masked-lm": Case(made("bert", "masked-lm"), of_masks("[MASK]")),
    "masked-lm-bpe": Case(made("roberta", "masked-lm"), of_masks("<mask>")),
}


def library_environment() -> Path:
    """The interpreter of an environment with the app's version of ONNX Runtime.

    Not every version rounds alike: between 1.26 and 1.32, int8 logits differ by hundredths.
    """
    found = re.search(r'^onnxruntime = "(.+)"$', VERSIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    ours = [f"{name}=={metadata.version(name)}" for name in ("numpy", "tokenizers")]
    return environments.environment("android-answers", [f"onnxruntime=={found[1]}", *ours])


def write(name: str, folder: Path) -> int:
    """The bundle of a case and its lines; how many lines."""
    bundle, answers = folder / f"{name}.edgebert", folder / f"{name}.jsonl"
    case = CASES[name]
    options = edgebert.ConvertOptions(formats=("onnx",), recipes=case.recipes, force=True)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = case.checkpoint(Path(scratch) / "checkpoint")
        edgebert.convert(checkpoint, bundle, options)
        lines = [
            {
                "texts": text if isinstance(text, tuple) else [text],
                "recipe": recipe,
                "options": wanted,
            }
            for recipe in case.recipes
            for text, wanted in case.questions()
        ]
        questions = Path(scratch) / "questions.jsonl"
        questions.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
        subprocess.run(
            [library_environment(), HERE / "answering.py", bundle, questions, answers],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "runtime")},
            check=True,
        )
    return len(lines)


def main() -> None:
    """Write the cases that are named, or all."""
    output, *names = sys.argv[1:]
    folder = Path(output).resolve() / "answers"
    if not names:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or CASES:
        print(name, write(name, folder), flush=True)


if __name__ == "__main__":
    main()
