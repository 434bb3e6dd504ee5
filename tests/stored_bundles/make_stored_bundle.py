"""Make a small bundle with the code of an earlier commit, and keep the answers it gives there.

    git worktree add /tmp/earlier COMMIT
    python tests/stored_bundles/make_stored_bundle.py /tmp/earlier tests/stored_bundles/version-N

Writes version-N.edgebert and version-N.json. The checkpoint is tests/students.py of that commit:
random weights from a fixed seed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TEXTS = [
    *("The screen is bright and the keys are quiet.", "Never again!", "", "a", "naïve 🙂 café"),
    *("屏幕很亮，键盘安静。", "one two three four five six seven eight nine ten eleven twelve"),
]
PAIRS = [("Is it open?", "The museum is closed on Mondays."), ("a", "")]
RECIPES = ("float32", "int8_dynamic")
BACKENDS = ("onnx", "tflite")


def make(output: Path) -> None:
    """Convert, answer with every artifact, write both files; runs on the other commit's code."""
    import students

    import edgebert

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = students.checkpoint(Path(folder) / "student")
        calibration = Path(folder) / "sentences.txt"
        calibration.write_text("\n".join(_clear_sentences(checkpoint)) + "\n", encoding="utf-8")
        options = edgebert.ConvertOptions(*(BACKENDS, RECIPES, (8, 16), calibration), force=True)
        bundle = output.with_suffix(".edgebert")
        manifest = edgebert.convert(checkpoint, bundle, options)
    answers = []
    for recipe in RECIPES:
        for backend in BACKENDS:
            with edgebert.load(bundle, backend=backend, recipe=recipe, threads=1) as model:
                given = [
                    {"text": text, "answer": dataclasses.asdict(model.predict(text))}
                    for text in [*TEXTS, *PAIRS]
                ]
            answers.append({"backend": backend, "recipe": recipe, "answers": given})
    kept = {"schema_version": manifest.schema_version, "artifacts": answers}
    text = json.dumps(kept, ensure_ascii=False, indent=1) + "\n"
    output.with_suffix(".json").write_text(text, encoding="utf-8")


def _clear_sentences(checkpoint: Path) -> list[str]:
    """Sentences whose answers rounding to 8 bits does not turn over; narrows the logits for it."""
    import students
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    with torch.no_grad():
        model.classifier.weight.mul_(0.3)
        logits = [
            model(**tokenizer(sentence, truncation=True, max_length=16, return_tensors="pt")).logits
            for sentence in students.SENTENCES
        ]
    model.save_pretrained(checkpoint)
    margins = [float((pair[0, 0] - pair[0, 1]).abs()) for pair in logits]
    ranked = sorted(zip(margins, students.SENTENCES, strict=True), reverse=True)
    return [sentence for _, sentence in ranked[:20]]


if __name__ == "__main__":
    checkout, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    paths = [checkout / part for part in ("runtime", "converters", ".", "tests")]
    wanted = os.pathsep.join(map(str, paths))
    if os.environ.get("PYTHONPATH") != wanted:
        again = [sys.executable, __file__, str(checkout), str(target)]
        sys.exit(subprocess.run(again, env={**os.environ, "PYTHONPATH": wanted}).returncode)
    make(target)
