from __future__ import annotations

import numpy as np
import resources
import torch
from peers import checkpoints
from transformers import AutoModelForSequenceClassification

from edgebert_converters.checkpoint import load_checkpoint
from edgebert_runtime.tokenization import Tokenizer


def test_the_unpruned_student_answers_as_the_shipped_one() -> None:
    subject = checkpoints.film_sentiment()
    shipped = load_checkpoint(subject.ours)
    tokenizer = Tokenizer(shipped.tokenizer, shipped.max_length)
    unpruned = AutoModelForSequenceClassification.from_pretrained(subject.theirs).eval()
    layer = unpruned.bert.encoder.layer[2]
    assert layer.intermediate.dense.out_features == 1536
    # What had been cut computes something, as it would in a student that never was pruned.
    assert layer.intermediate.dense.weight[-1].abs().max() > 0
    with torch.inference_mode():
        for text in resources.sentences(20):
            ids = torch.tensor([tokenizer.encode(text).ids])
            inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
            names = ("input_ids", "attention_mask", "token_type_ids")
            found = unpruned(**dict(zip(names, inputs, strict=True))).logits
            np.testing.assert_allclose(found, shipped.student(*inputs), atol=2e-5)
