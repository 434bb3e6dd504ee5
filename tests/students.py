"""Small checkpoints of every family, with tokenizers made from our own sentences.

Random weights, but spread widely enough that answers differ between texts, so that a wrong
artifact cannot look right.
"""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

SENTENCES = (
    (importlib.resources.files("edgebert_converters") / "sentences.txt")
    .read_text(encoding="utf-8")
    .splitlines()
)

_SIZES = {
    "vocab_size": 400,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}

CONFIGURATIONS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "bert": (transformers.BertConfig, {}),
    "distilbert": (
        transformers.DistilBertConfig,
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    ),
    "roberta": (
        transformers.RobertaConfig,
        {"type_vocab_size": 1, "pad_token_id": 1, "max_position_embeddings": 66},
    ),
    "xlm-roberta": (
        transformers.XLMRobertaConfig,
        {"type_vocab_size": 1, "pad_token_id": 1, "max_position_embeddings": 66},
    ),
    "electra": (transformers.ElectraConfig, {"embedding_size": 16}),
    "albert": (
        transformers.AlbertConfig,
        {"embedding_size": 16, "num_hidden_groups": 1, "hidden_act": "gelu_new"},
    ),
    "mobilebert": (
        transformers.MobileBertConfig,
        {
            "embedding_size": 16,
            "true_hidden_size": 16,
            "intra_bottleneck_size": 16,
            "num_feedforward_networks": 2,
            "hidden_act": "relu",
            "normalization_type": "no_norm",
        },
    ),
}


def tokenizer(family: str) -> Any:
    """A fast tokenizer of the family's own kind: WordPiece, byte-level BPE or Unigram."""
    if family in ("roberta",):
        return _byte_level()
    if family in ("xlm-roberta", "albert"):
        return _unigram(family)
    return _wordpiece()


TOKEN_LABELS = ("O", "B-PLACE", "I-PLACE", "B-TIME", "I-TIME")

_MODELS: dict[str, Any] = {
    "classification": transformers.AutoModelForSequenceClassification,
    "token-classification": transformers.AutoModelForTokenClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
    "masked-lm": transformers.AutoModelForMaskedLM,
}


def checkpoint(
    folder: Path, family: str = "bert", task: str = "classification", **config: Any
) -> Path:
    """A model as save_pretrained writes it; `config` overrides its sizes.

    A classifier has two labels and one of tokens those of TOKEN_LABELS, if `labels` names no
    others. For a masked LM the tokenizer has a mask token.
    """
    kind, sizes = CONFIGURATIONS[family]
    default = TOKEN_LABELS if task == "token-classification" else ("negative", "positive")
    labels = config.pop("labels", default)
    settings: dict[str, Any] = {**_SIZES, **sizes, **config}
    fast = tokenizer(family)
    if task == "masked-lm" and fast.mask_token is None:
        fast.add_special_tokens({"mask_token": "<mask>"})
        settings["vocab_size"] = _SIZES["vocab_size"] + 8
    if family == "distilbert":
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads"):
            settings.pop(name)
        settings.pop("intermediate_size")
    settings["id2label"] = dict(enumerate(labels))
    settings["label2id"] = {label: index for index, label in enumerate(labels)}
    torch.manual_seed(0)
    model = _MODELS[task].from_config(kind(**settings))
    # Without real normalisation, MobileBERT multiplies what wide weights spread.
    spread(model, 0.7 if family == "mobilebert" else 1.2)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def spread(model: torch.nn.Module, width: float = 1.2) -> None:
    """Widen the weights until logits of different sentences are far apart."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "embedding" not in name:
                parameter.normal_(0.0, width / parameter.shape[1] ** 0.5)
            elif parameter.dim() == 2:
                parameter.normal_(0.0, 1.0)
            elif name.endswith("bias"):
                parameter.normal_(0.0, 0.1)
        for name, parameter in model.named_parameters():
            if name.startswith(
                ("classifier.weight", "classifier.out_proj.weight", "qa_outputs.weight")
            ):
                parameter.mul_(3.0)


def _words() -> list[str]:
    """Words of our sentences, most frequent first: the libraries' trainers differ by process."""
    counts = Counter(word for line in SENTENCES for word in re.findall(r"\w+", line.lower()))
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _characters() -> list[str]:
    return sorted(set("".join(SENTENCES).lower()) - {" "})


def _wordpiece() -> Any:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_characters()]
    pieces += [f"##{character}" for character in _characters() if character.isalnum()]
    pieces = list(dict.fromkeys([*pieces, *_words()]))[:400]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    fast = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    fast.normalizer = normalizers.BertNormalizer(lowercase=True)
    fast.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    fast.add_special_tokens(pieces[:5])
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    fast.decoder = decoders.WordPiece()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=fast,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


_ROBERTA_TOKENS = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
}


def _byte_level() -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = [("Ġ", "t"), ("h", "e"), ("Ġ", "a"), ("i", "n"), ("e", "r"), ("Ġt", "he")]
    pieces += ["".join(merge) for merge in merges]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    fast = tokenizers.Tokenizer(models.BPE(vocabulary, merges))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens(special)
    fast.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=fast, **_ROBERTA_TOKENS)


def _unigram(family: str) -> Any:
    special = (
        ["<pad>", "<unk>", "[CLS]", "[SEP]"]
        if family == "albert"
        else ["<s>", "<pad>", "</s>", "<unk>"]
    )
    pieces = [*special, "▁", *_characters(), *(f"▁{word}" for word in _words())][:400]
    # A longer piece is worth less than its word and more than its letters.
    scored = [(piece, 0.0 if piece in special else -2.0 - len(piece) / 9) for piece in pieces]
    fast = tokenizers.Tokenizer(models.Unigram(scored, special.index("<unk>"), False))
    fast.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    fast.pre_tokenizer = pre_tokenizers.Metaspace()
    fast.decoder = decoders.Metaspace()
    fast.add_special_tokens(special)
    if family == "albert":
        fast.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=fast,
            model_input_names=["input_ids", "token_type_ids", "attention_mask"],
            unk_token="<unk>",
            pad_token="<pad>",
            cls_token="[CLS]",
            sep_token="[SEP]",
        )
    fast.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False, trim_offsets=False
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=fast, **_ROBERTA_TOKENS)
