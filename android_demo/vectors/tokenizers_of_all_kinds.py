"""Tokenizers as they are shipped, trained on the spot, and put together to differ in one part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import resources
import tokenizer_texts
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from edgebert_converters.vocabulary import Selection, prune

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "models" / "film-sentiment" / "tokenizer.json"

ALIKE = frozenset(
    [
        "minilm",
        "pruned",
        "chinese",
        "short words",
        "other prefix",
        "no unknown",
        "bare",
        "bert processing",
        "cut beginning",
        "pruned roberta",
        "added roberta",
        "whole words",
        "fused unknown",
        "single unknown",
        "left out",
    ]
)
"""Those that see characters as another one does."""

_BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def all_kinds() -> dict[str, bytes]:
    """tokenizer.json by name; the texts to train on must be there (benchmarks/resources.py)."""
    shipped = SHIPPED.read_bytes()
    english = resources.sentences(3000)
    chinese = [str(text) for text in tokenizer_texts.texts()[800:1200]]
    minilm = (resources.minilm() / "tokenizer.json").read_bytes()
    cased = _word_piece(english + chinese, normalizers.BertNormalizer(lowercase=False))
    byte_level = _byte_level(english + chinese)
    return {
        "shipped": shipped,
        "minilm": minilm,
        "pruned": prune(minilm, english[:500], Selection(min_count=2)).content,
        "cased": cased,
        "cased without accents": _changed(cased, normalizer={"strip_accents": True}),
        "uncased with accents": _changed(shipped, normalizer={"strip_accents": False}),
        "uncleaned": _changed(shipped, normalizer={"clean_text": False}),
        "without ideographs": _changed(cased, normalizer={"handle_chinese_chars": False}),
        "chinese": _word_piece(chinese, normalizers.BertNormalizer()),
        "nfd": _word_piece(english, _sequence("NFD", "StripAccents", "Lowercase")),
        "nfkd": _word_piece(english, _sequence("NFKD", "Lowercase", "StripAccents")),
        "nfc": _word_piece(english + chinese, _sequence("NFC")),
        "short words": _changed(shipped, model={"max_input_chars_per_word": 6}),
        "other prefix": _changed(shipped, model={"continuing_subword_prefix": ""}),
        "no unknown": _changed(shipped, model={"unk_token": "[NONE]"}),
        "bare": _without(cased, "normalizer", "pre_tokenizer", "post_processor", "decoder"),
        "bert processing": _processed(
            shipped, processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        ),
        "cut beginning": _cutting_the_beginning(shipped),
        "added": _added(shipped),
        "roberta": byte_level,
        "pruned roberta": prune(
            byte_level, english[:500], Selection(min_count=2, keep_characters=False)
        ).content,
        "prefix space": _spaced(byte_level),
        "gpt2": _gpt2(byte_level),
        "added roberta": _added(byte_level),
        "whole words": _changed(byte_level, model={"ignore_merges": True}),
        "fused unknown": _partial(byte_level, unk_token="<unk>", fuse_unk=True),
        "single unknown": _partial(byte_level, unk_token="<unk>"),
        "left out": _partial(byte_level, unk_token=None),
        "characters": _characters(english + chinese),
    }


def _sequence(*names: str) -> normalizers.Sequence:
    return normalizers.Sequence([getattr(normalizers, name)() for name in names])


def _word_piece(texts: list[str], normalizer: Any) -> bytes:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=3000, special_tokens=_BERT, show_progress=False, limit_alphabet=1000
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer.to_str().encode()


def _byte_level(texts: list[str]) -> bytes:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4000,
        special_tokens=_ROBERTA,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    return tokenizer.to_str().encode()


def _spaced(content: bytes) -> bytes:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer.to_str().encode()


def _gpt2(content: bytes) -> bytes:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.normalizer = _sequence("NFKC", "Lowercase")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_GPT2), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<s> $A </s>:2",
                pair="$A <s>:1 <s> $B:4",
                special_tokens=[("<s>", 0), ("</s>", 2)],
            ),
        ]
    )
    return tokenizer.to_str().encode()


def _characters(texts: list[str]) -> bytes:
    """Byte-pair encoding of characters, not of bytes, without words."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=True))
    tokenizer.normalizer = normalizers.NFKC()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=_BERT, show_progress=False, limit_alphabet=500
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts, trainer)
    return _without(tokenizer.to_str().encode(), "pre_tokenizer")


def _added(content: bytes) -> bytes:
    """With added tokens of every kind."""
    tokenizer = Tokenizer.from_buffer(content)
    kinds = ["single_word", "lstrip", "rstrip", "normalized"]
    tokenizer.add_tokens(
        [
            AddedToken(text, **{kind: bool(index >> bit & 1) for bit, kind in enumerate(kinds)})
            for index, text in enumerate(tokenizer_texts.MADE, start=3)
        ]
    )
    return tokenizer.to_str().encode()


def _cutting_the_beginning(content: bytes) -> bytes:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.enable_truncation(512, direction="left")
    return tokenizer.to_str().encode()


def _partial(content: bytes, **model: Any) -> bytes:
    """Byte-level BPE of which some bytes have no token."""
    file = json.loads(content)
    missing = set("qxz0!:ĠÃ©é¹")
    vocabulary = {
        token: id for token, id in file["model"]["vocab"].items() if not missing & set(token)
    }
    merges = [pair for pair in file["model"]["merges"] if not missing & set("".join(pair))]
    return _changed(content, model={"vocab": vocabulary, "merges": merges, **model})


def _processed(content: bytes, processor: Any) -> bytes:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.post_processor = processor
    return tokenizer.to_str().encode()


def _changed(content: bytes, **parts: dict[str, Any]) -> bytes:
    file = json.loads(content)
    for name, fields in parts.items():
        file[name] |= fields
    return json.dumps(file).encode()


def _without(content: bytes, *parts: str) -> bytes:
    return json.dumps({**json.loads(content), **dict.fromkeys(parts)}).encode()
