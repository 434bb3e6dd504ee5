"""Pruned tokenizers give the tokens that the whole ones give, on words they were pruned for."""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import students
import tokenizers
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from edgebert_converters.vocabulary import PrunedTokenizer, Selection, prune
from edgebert_converters.vocabulary.usage import compare
from edgebert_runtime.errors import ConversionError, InputError
from edgebert_runtime.tokenization import Tokenizer

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "film-sentiment" / "tokenizer.json"
CORPUS = students.SENTENCES[::2]
# To byte-level BPE a word after a space is another than the first of a text.
WORDS = sorted({f" {word}" for line in CORPUS for word in line.split()[1:]})
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CORPUS_WORDS = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
UNKNOWN = {"WordPiece": "[UNK]", "BPE": None, "Unigram": "<unk>"}


def _byte_level() -> bytes:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(students.SENTENCES, trainer)
    return tokenizer.to_str().encode()


def _unigram() -> bytes:
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=500,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(students.SENTENCES, trainer)
    return tokenizer.to_str().encode()


WHOLE = {"WordPiece": SHIPPED.read_bytes(), "BPE": _byte_level(), "Unigram": _unigram()}
PRUNED = {kind: prune(content, CORPUS) for kind, content in WHOLE.items()}


def _library(content: bytes) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer.from_buffer(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


WHOLE_TOKENIZERS = {kind: _library(content) for kind, content in WHOLE.items()}
PRUNED_TOKENIZERS = {kind: _library(each.content) for kind, each in PRUNED.items()}


@functools.lru_cache(4)
def tokenizer_of(content: bytes) -> Tokenizer:
    return Tokenizer(content, 100_000)


def ids(content: bytes, text: str) -> list[int]:
    return tokenizer_of(content).encode(text).ids


def same(content: bytes, pruned: PrunedTokenizer, text: str) -> bool:
    return [pruned.kept[each] for each in ids(pruned.content, text)] == ids(content, text)


def pieces_of(file: dict[str, Any]) -> list[str]:
    vocabulary = file["model"]["vocab"]
    return list(vocabulary) if isinstance(vocabulary, dict) else [name for name, _ in vocabulary]


@pytest.mark.parametrize("kind", WHOLE)
def test_tokens_go(kind: str) -> None:
    before, after = json.loads(WHOLE[kind]), json.loads(PRUNED[kind].content)
    assert len(pieces_of(after)) < 0.9 * len(pieces_of(before))
    assert len(pieces_of(after)) == len(PRUNED[kind].kept)
    assert PRUNED[kind].kept == tuple(sorted(set(PRUNED[kind].kept)))
    assert PRUNED[kind].characters_dropped == 0


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=150, deadline=None)
@given(text=CORPUS_WORDS)
def test_words_of_the_corpus_keep_their_tokens(kind: str, text: str) -> None:
    assert same(WHOLE[kind], PRUNED[kind], text)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=300, deadline=None)
@given(text=st.one_of(ANY_TEXT, st.sampled_from(students.SENTENCES)))
def test_no_text_becomes_unknown(kind: str, text: str) -> None:
    before = WHOLE_TOKENIZERS[kind].encode(text)
    after = PRUNED_TOKENIZERS[kind].encode(text)
    assert after.tokens.count(UNKNOWN[kind]) == before.tokens.count(UNKNOWN[kind])
    if kind == "BPE":
        assert PRUNED_TOKENIZERS[kind].decode(after.ids) == text


@pytest.mark.parametrize("kind", WHOLE)
def test_other_texts_change_as_much_as_is_said(kind: str) -> None:
    on_corpus = compare(WHOLE[kind], PRUNED[kind].content, PRUNED[kind].kept, CORPUS)
    assert (on_corpus.texts, on_corpus.pieces_changed) == (len(CORPUS), 0.0)
    assert on_corpus.pieces_before == on_corpus.pieces_after > 0
    held_out = compare(
        WHOLE[kind], PRUNED[kind].content, PRUNED[kind].kept, students.SENTENCES[1::2]
    )
    assert 0 < held_out.pieces_changed < 0.5
    assert held_out.pieces_after > held_out.pieces_before
    assert held_out.unknown_after == held_out.unknown_before


def test_a_changed_piece_is_counted_where_it_stands() -> None:
    pruned = prune(SHIPPED.read_bytes(), ["a good film"])
    told = compare(SHIPPED.read_bytes(), pruned.content, pruned.kept, [("a good film", "bad film")])
    # "bad" is spelled: b, ##a, ##d.
    assert (told.texts, told.pieces_before, told.pieces_after) == (2, 5, 7)
    assert told.pieces_changed == pytest.approx(1 / 5)


# Small vocabularies with everything that is rare in large ones: dead ends, ties, letters without
# pieces of their own, pieces that no merge makes.

PARTS = ["".join(each) for size in (1, 2, 3, 4) for each in itertools.product("abc", repeat=size)]
TEXTS = st.lists(
    st.lists(st.text("abc", min_size=1, max_size=9), max_size=5).map(" ".join), max_size=4
)


@st.composite
def wordpieces(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from([*PARTS, *(f"##{each}" for each in PARTS)]), unique=True))
    model = models.WordPiece(
        {name: each for each, name in enumerate(["[UNK]", *names])}, unk_token="[UNK]"
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[UNK]"])
    return tokenizer.to_str().encode()


@st.composite
def merges(draw: st.DrawFn) -> bytes:
    known = ["a", "b", "c", "Ġ"]
    pairs: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(0, 12))):
        pair = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        if pair not in pairs and len("".join(pair)) < 6:
            pairs.append(pair)
            known = list(dict.fromkeys([*known, "".join(pair)]))
    order = draw(st.permutations(pairs))
    model = models.BPE(
        {name: each for each, name in enumerate(known)}, order, ignore_merges=draw(st.booleans())
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer.to_str().encode()


@st.composite
def unigrams(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from([*PARTS, "▁"]), unique=True))
    # Halves add up exactly, so many splits are worth the same.
    scores = st.integers(-12, -1).map(lambda each: each / 2)
    vocabulary = [("<unk>", 0.0), *((name, draw(scores)) for name in names)]
    tokenizer = tokenizers.Tokenizer(models.Unigram(vocabulary, 0, False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<unk>"])
    return tokenizer.to_str().encode()


@settings(max_examples=600, deadline=None)
@given(
    content=st.one_of(wordpieces(), merges(), unigrams()),
    corpus=TEXTS,
    others=TEXTS,
    keep_characters=st.booleans(),
)
def test_any_vocabulary(
    content: bytes, corpus: list[str], others: list[str], keep_characters: bool
) -> None:
    assume(any(ids(content, text) for text in corpus))
    pruned = prune(content, corpus, Selection(keep_characters=keep_characters))
    for text in corpus:
        assert same(content, pruned, text)
    unknown = tokenizers.Tokenizer.from_buffer(content).token_to_id
    unknown_ids = {unknown("[UNK]"), unknown("<unk>")}
    for text in others:
        before = set(ids(content, text))
        if before <= set(pruned.kept) - unknown_ids:
            assert same(content, pruned, text)


def test_an_unknown_word_stays_unknown() -> None:
    names = ["[UNK]", "a", "d", "ab", "##b", "##bc"]
    vocabulary = {name: each for each, name in enumerate(names)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    content = tokenizer.to_str().encode()
    # Without "ab", from which nothing leads on to c, it would be a ##bc.
    assert ids(content, "abc") == [0]
    assert same(content, prune(content, ["abc", "a", "dbc"]), "abc")
    assert len(prune(content, ["a", "dbc"]).kept) == 5


def test_an_unknown_character_costs_what_it_did() -> None:
    scored = [("<unk>", 0.0), ("x", -20.0), ("yc", -20.0), ("xy", -1.0), ("zx", -100.0)]
    tokenizer = tokenizers.Tokenizer(models.Unigram(scored, 0, False))
    content = tokenizer.to_str().encode()
    # If the least score were -20, xy and an unknown c would be worth -31, x and yc -40.
    assert ids(content, "xyc") == [1, 2]
    assert same(content, prune(content, ["xyc", "xy"], Selection(keep_characters=False)), "xyc")


@pytest.mark.parametrize("kind", ["WordPiece", "Unigram"])
def test_without_unseen_characters_unknown_text_is_counted(kind: str) -> None:
    pruned = prune(WHOLE[kind], ["a good film"], Selection(keep_characters=False))
    assert len(pruned.kept) < 40
    assert pruned.characters_dropped > 10
    told = compare(WHOLE[kind], pruned.content, pruned.kept, ["a good film", "dog", "why"])
    assert (told.unknown_before, told.unknown_after > 0) == (0, True)
    assert same(WHOLE[kind], pruned, "a good film")
    only = compare(WHOLE[kind], pruned.content, pruned.kept, ["doom mild"])
    assert (only.unknown_after, only.pieces_changed > 0) == (0, True)


@pytest.mark.parametrize("kind", WHOLE)
def test_rare_tokens_go_by_count_and_by_number(kind: str) -> None:
    corpus = [*CORPUS, *CORPUS[:5]]
    sizes = [
        len(prune(WHOLE[kind], corpus, Selection(min_count=each)).kept) for each in (1, 2, 3, 50)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2]
    most = (sizes[0] + sizes[3]) // 2
    limited = prune(WHOLE[kind], corpus, Selection(max_tokens=most))
    assert sizes[3] < len(limited.kept) <= most
    assert set(limited.kept) < set(prune(WHOLE[kind], corpus).kept)
    with pytest.raises(InputError, match=r"max_tokens: got 3, expected at least \d+"):
        prune(WHOLE[kind], corpus, Selection(max_tokens=3))


@pytest.mark.parametrize(
    "settings", [{"min_count": 0}, {"max_tokens": 0}, {"min_count": "3"}, {"max_tokens": True}]
)
def test_impossible_selections(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected a whole number of 1 or more"):
        Selection(**settings)


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize(
    "text",
    ["one", "a\0b", "lone \ud800 surrogate", "film 🎬👩‍👩‍👧 ﷽", "word " * 200_000, "x" * 1_000_000],
    ids=["one", "NUL", "surrogate", "emoji", "long", "long word"],
)
def test_any_corpus(kind: str, text: str) -> None:
    pruned = prune(WHOLE[kind], [text])
    assert compare(WHOLE[kind], pruned.content, pruned.kept, [text]).pieces_changed == 0


@pytest.mark.parametrize("texts", [[], [""], ["", "  "]])
def test_a_corpus_without_tokens(texts: list[str]) -> None:
    with pytest.raises(InputError, match="the corpus has no tokens"):
        prune(WHOLE["WordPiece"], texts)


def test_other_models() -> None:
    words = tokenizers.Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(ConversionError, match=r"'WordLevel'.*supported: WordPiece, BPE, Unigram"):
        prune(words.to_str().encode(), ["a"])
    characters = tokenizers.Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    with pytest.raises(ConversionError, match="a BPE of characters"):
        prune(characters.to_str().encode(), ["ab"])
    characters.pre_tokenizer = pre_tokenizers.ByteLevel()
    characters.model = models.BPE({"a": 0, "b": 1}, [], dropout=0.1)
    with pytest.raises(ConversionError, match=r"dropout 0\.1"):
        prune(characters.to_str().encode(), ["ab"])


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\0", b"[]", b'{"model": 3}'])
def test_no_tokenizer(content: bytes) -> None:
    with pytest.raises(ConversionError, match="the tokenizer cannot be used"):
        prune(content, ["a"])


def test_ids_with_gaps() -> None:
    tokenizer = tokenizers.Tokenizer(models.WordPiece({"[UNK]": 0, "a": 7}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[UNK]"])
    pruned = prune(tokenizer.to_str().encode(), ["a"])
    assert pruned.kept == (0, 7)
    assert ids(pruned.content, "a") == [1]
