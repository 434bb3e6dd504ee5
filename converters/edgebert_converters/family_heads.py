"""Where each model family keeps the parts of its heads.

The parts are the very modules of the transformers model, as in `families`; dropout, which does
nothing at inference, is left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from edgebert_converters.encoder import activation
from edgebert_converters.heads import ClassificationHead, TokenHead
from edgebert_runtime.errors import ConversionError


def classification(model: Any) -> ClassificationHead:
    """The parts between the first token and the logits of a …ForSequenceClassification model."""
    family, base = model.config.model_type, model.base_model
    if family in ("roberta", "xlm-roberta", "electra"):
        name = "gelu" if family == "electra" else "tanh"
        dense = nn.Sequential(model.classifier.dense, activation(name))
        return ClassificationHead(dense, model.classifier.out_proj)
    if family == "distilbert":
        return ClassificationHead(nn.Sequential(model.pre_classifier, nn.ReLU()), model.classifier)
    if family == "albert":
        return ClassificationHead(nn.Sequential(base.pooler, nn.Tanh()), model.classifier)
    if family == "mobilebert" and not model.config.classifier_activation:
        return ClassificationHead(nn.Sequential(), model.classifier)
    return ClassificationHead(nn.Sequential(base.pooler.dense, nn.Tanh()), model.classifier)


def token_classification(model: Any) -> TokenHead:
    """The one layer of a …ForTokenClassification model."""
    return TokenHead(nn.Sequential(), model.classifier)


def question_answering(model: Any) -> TokenHead:
    """The one layer of a …ForQuestionAnswering model: a start and an end logit.

    Raises:
        ConversionError: if it has another number of outputs.
    """
    if model.qa_outputs.out_features != 2:
        raise ConversionError(
            f"the question answering head has {model.qa_outputs.out_features} outputs, expected 2, "
            "start and end; set num_labels to 2 and train it again"
        )
    return TokenHead(nn.Sequential(), model.qa_outputs)


def masked_lm(model: Any) -> TokenHead:
    """Dense layer, activation, normalisation and decoder of a …ForMaskedLM model.

    The decoder's weights are the token table's wherever the checkpoint ties them, so that the
    student holds them once; MobileBERT's are that table and another one side by side, a copy.
    """
    family, config = model.config.model_type, model.config
    if family == "distilbert":
        return _head(
            model.vocab_transform, config.activation, model.vocab_layer_norm, model.vocab_projector
        )
    if family == "electra":
        head = model.generator_predictions
        return _head(head.dense, "gelu", head.LayerNorm, model.generator_lm_head)
    if family in ("roberta", "xlm-roberta"):
        head = model.lm_head
        return _head(head.dense, "gelu", head.layer_norm, head.decoder)
    if family == "albert":
        head = model.predictions
        return _head(head.dense, config.hidden_act, head.LayerNorm, head.decoder)
    head = model.cls.predictions
    decoder = _side_by_side(head) if family == "mobilebert" else head.decoder
    transform = head.transform
    return _head(transform.dense, config.hidden_act, transform.LayerNorm, decoder)


def _head(dense: nn.Linear, name: str, norm: nn.Module, decoder: nn.Linear) -> TokenHead:
    return TokenHead(nn.Sequential(dense, activation(name), norm), decoder)


def _side_by_side(head: Any) -> nn.Linear:
    """MobileBERT's decoder as one layer: the narrow table for the first E columns of H."""
    weight = torch.cat([head.decoder.weight, head.dense.weight.T], dim=1).detach()
    decoder = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    decoder.weight, decoder.bias = nn.Parameter(weight.contiguous()), head.decoder.bias
    return decoder
