"""Candidates for words, held against the same sums done plainly on real small checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import students
import torch
import transformers
from tokenizers import Tokenizer

import edgebert
from edgebert.distillation import candidates as module
from edgebert.distillation import words as words_module
from edgebert.distillation.candidates import (
    InOrder,
    InputEmbeddings,
    MaskedLanguageModel,
    WordVectors,
)
from edgebert.distillation.words import Nearest, find_words, whole_words

TEXT = "The story was (very) good, not bad: the people liked it! Zyxwv."

# Angles of 0, 10, 30, 45, 88, 180 and 6 degrees; the lengths say nothing.
VECTORS = """good 2 0
fine 0.9848 0.1736
nice 8.66 5
okay 1 1
2019 1 0.01
bad 0.1 3
awful -1 0
Fine 0.99 0.1
zero 0 0
"""


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return masked_model(tmp_path_factory.mktemp("masked"))


def masked_model(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    model = transformers.BertForMaskedLM(config)
    students.spread(model)
    model.save_pretrained(folder)
    students.tokenizer("bert").save_pretrained(folder)
    return folder


def vectors(folder: Path, content: str = VECTORS) -> Path:
    path = folder / "vectors.txt"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", ["Hello", "world"]),
        ('"(a) don\'t -- well-known_"', ["a", "don't", "well-known"]),
        ("12 3.5 2nd 😀 😀ok \0 a\0b \ud800 \ud800x", ["2nd", "ok", "a\0b", "x"]),
        ("", []),
        (" \n\t", []),
        ("x", ["x"]),
        ("cafe\u0301! हिन्दी।", ["cafe\u0301", "हिन्दी"]),
        ("a" * 100 + " " + "b" * 101, ["a" * 100]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    words = find_words(text)
    assert [words[position] for position in range(len(words.spans))] == expected


def test_nearest_words_worked_by_hand(tmp_path: Path) -> None:
    source = WordVectors(vectors(tmp_path))
    words = find_words("Good bad, unknown zero okay 2019")
    positions = range(len(words.spans))
    assert source.at(words, positions, 3) == [
        ("Fine", "nice", "okay"),
        ("okay", "nice", "fine"),
        (),
        (),
        ("nice", "fine", "bad"),
    ]
    assert source.at(words, [1], 1) == [("okay",)]
    assert source.at(words, [0], 99) == [("Fine", "nice", "okay", "bad", "awful")]


def test_a_first_line_of_count_and_size(tmp_path: Path) -> None:
    source = WordVectors(vectors(tmp_path, "3 2\ngood 1 0 \n. . . 1 0\ngreat 0.9 0.1\n"))
    assert source.at(find_words("good"), [0], 5) == [("great",)]


BAD = {
    "a number less": ("good 1 0\nbad 1\n", "line 2: got 'bad 1', expected a word and 2 finite"),
    "no numbers": ("good\n", "line 1: got 'good', expected a word and its finite numbers"),
    "no number": ("good 1 0\nbad 1 x\n", "line 2: got 'bad 1 x', expected a word and 2"),
    "NaN": ("good 1 nan\n", "line 1: got 'good 1 nan'"),
    "too large": ("good 1 1e39\n", "line 1: got 'good 1 1e39'"),
    "no word": ("good 1 0\n1 0\n", "line 2: got '1 0', expected a word and 2"),
    "tabs": ("good\t1\t0\n", "line 1: got"),
    "cut off": ("3 2\ngood 1 0\nbad 0 1\n", "got 2 rows, the first line says 3; fetch"),
    "nothing": ("", "has no words; expected lines of a word and its vector"),
    "numbers alone": ("1 1 0\n", "has no words"),
    "a long line": ("good 1\nbad" + " 1x" * 100_000, "line 2: got 'bad 1x"),
}


@pytest.mark.parametrize(("content", "match"), BAD.values(), ids=BAD.keys())
def test_vectors_that_are_refused(tmp_path: Path, content: str, match: str) -> None:
    with pytest.raises(edgebert.InputError, match=match) as caught:
        WordVectors(vectors(tmp_path, content))
    assert len(str(caught.value)) < 400


def test_vectors_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"good 1\n\xe9 1\n")
    with pytest.raises(edgebert.InputError, match=r"line 2: got .* expected UTF-8"):
        WordVectors(tmp_path / "latin")
    for path in (tmp_path, tmp_path / "nowhere", Path("a\0b")):
        with pytest.raises(edgebert.InputError, match="cannot be read"):
            WordVectors(path)


def test_blocks_of_a_table_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_module, "_BLOCK", 7)
    table = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    names = [f"w{index}" for index in range(50)]
    unit = table.numpy() / np.linalg.norm(table.numpy(), axis=1, keepdims=True)
    order = np.argsort(-(unit @ unit[3]))
    expected = tuple(names[index] for index in order if index != 3)
    nearest = Nearest(names, table)
    assert nearest.to("w3", 15) == expected[:15]
    assert nearest.to("w3", 60) == expected


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "electra", "mobilebert"])
def test_nearest_by_a_checkpoint(family: str, tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / family, family)
    source = InputEmbeddings(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    marker = {"roberta": "Ġ", "xlm-roberta": "▁"}.get(family, "")
    rows = {
        piece.removeprefix(marker): index
        for piece, index in tokenizer.get_vocab().items()
        if piece.startswith(marker)
        and piece.removeprefix(marker).isalpha()
        and index not in tokenizer.all_special_ids
    }
    assert "the" in rows
    table = model.get_input_embeddings().weight.detach().numpy()[list(rows.values())]
    table = table - table.mean(axis=0)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cosines = dict(zip(rows, table @ table[list(rows).index("the")], strict=True))
    ranked = sorted((word for word in rows if word != "the"), key=lambda word: -cosines[word])
    words = find_words("The xyzzy")
    assert source.at(words, [0, 1], 15) == [tuple(ranked[:15]), ()]


def test_whole_words_of_a_byte_level_vocabulary() -> None:
    tokenizer = students.tokenizer("roberta").backend_tokenizer
    model = tokenizer.model
    assert list(whole_words(tokenizer)) == ["t", "a", "the"]
    content = tokenizer.to_str().replace('"Ġthe":', '"ĠÃ©tÃ©":0,"ĠÃ":1,"Ġa1":2,"Ġthe":')
    assert model is not None
    parts = set(whole_words(Tokenizer.from_str(content.replace('"<s>":0,', ""))))
    assert {"t", "a", "the"} <= parts
    assert not {"Ã", "a1", "\ufffd"} & parts


def test_most_probable_words_in_place_of_a_masked_one(masked: Path) -> None:
    source = MaskedLanguageModel(masked)
    words = find_words(TEXT)
    found = source.at(words, range(len(words.spans)), 15)
    tokenizer = transformers.AutoTokenizer.from_pretrained(masked)
    model = transformers.BertForMaskedLM.from_pretrained(masked).eval()
    ids = tokenizer(TEXT)["input_ids"]
    tokens = tokenizer.convert_ids_to_tokens(ids)
    vocabulary = tokenizer.get_vocab()
    several = 0
    for position, given in enumerate(found):
        word = words[position]
        if word.lower() not in vocabulary:
            assert given == ()
            several += 1
            continue
        # Both "the" of the text are there, each in its place.
        place = tokens.index(word.lower(), 8 if position > 0 and word == "the" else 0)
        rows = torch.tensor([[*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :]]])
        with torch.no_grad():
            logits = model(rows).logits[0, place]
        ranked = tokenizer.convert_ids_to_tokens(logits.argsort(descending=True).tolist())
        whole = [piece for piece in ranked if piece.isalpha() and piece != word.lower()]
        assert given == tuple(whole[:15])
    assert 0 < several < len(found) - 4


def test_batches_change_nothing(masked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MaskedLanguageModel(masked)
    words = find_words(TEXT)
    together = source.at(words, range(len(words.spans)), 5)
    monkeypatch.setattr(module, "_LOGITS", 1)
    assert source.at(words, range(len(words.spans)), 5) == together
    assert source.at(words, [4, 0], 5) == [together[4], together[0]]


@pytest.mark.parametrize("text", ["", "\ud800 \0 😀", "a\0b \ud800good", "x" * 1_000_000])
def test_odd_texts_for_a_masked_model(text: str, masked: Path) -> None:
    words = find_words(text)
    MaskedLanguageModel(masked).at(words, range(len(words.spans)), 5)


def test_words_that_a_masked_model_does_not_see(masked: Path) -> None:
    words = find_words("good, " * 100_000)
    found = MaskedLanguageModel(masked).at(words, range(100_000), 5)
    # 64 positions, two of them for special tokens; every comma takes one.
    assert [len(each) for each in found] == [5] * 31 + [0] * (100_000 - 31)


def test_a_word_of_bytes_is_not_one_piece(tmp_path: Path) -> None:
    tokenizer = students.tokenizer("roberta")
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    config = transformers.RobertaConfig(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
    )
    transformers.RobertaForMaskedLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    words = find_words("see the 日 at é (a the")
    found = MaskedLanguageModel(tmp_path).at(words, range(len(words.spans)), 9)
    given = {words[position]: set(each) for position, each in enumerate(found) if each}
    assert given == {"the": {"t", "a"}, "a": {"the", "t"}}


def test_masked_models_that_are_refused(checkpoint: Path, masked: Path, tmp_path: Path) -> None:
    with pytest.raises(edgebert.InputError, match="lacks 6 tensors of a masked language model"):
        MaskedLanguageModel(checkpoint)
    for source in (MaskedLanguageModel, InputEmbeddings):
        with pytest.raises(edgebert.InputError, match=r"no checkpoint can be read from .*nowhere"):
            source(tmp_path / "nowhere")
    tokenizer = transformers.AutoTokenizer.from_pretrained(masked)
    model = transformers.BertForMaskedLM.from_pretrained(masked)
    model.save_pretrained(tmp_path / "maskless")
    with pytest.raises(edgebert.ConversionError, match="no tokenizer in"):
        MaskedLanguageModel(tmp_path / "maskless")
    tokenizer.mask_token = None
    tokenizer.save_pretrained(tmp_path / "maskless")
    with pytest.raises(edgebert.InputError, match="has no mask token"):
        MaskedLanguageModel(tmp_path / "maskless")


def test_each_word_takes_the_first_source_that_has_some(masked: Path, tmp_path: Path) -> None:
    model = MaskedLanguageModel(masked)
    table = WordVectors(vectors(tmp_path, "zyxwv 1 0\nother 1 0.1\nstory 1 0.2\n"))
    words = find_words(TEXT)
    story, last = 1, len(words.spans) - 1
    both = InOrder([model, table]).at(words, [last, story], 4)
    assert both == [("other", "story"), model.at(words, [story], 4)[0]]
    assert InOrder([table, model]).at(words, [story], 4) == [("other", "zyxwv")]
    assert model.identity in InOrder([model, table]).identity
    assert model.identity != table.identity
    other = WordVectors(vectors(tmp_path, "zyxwv 1 0\nother 1 0.1\nstory 1 0.3\n"))
    assert other.identity != table.identity
