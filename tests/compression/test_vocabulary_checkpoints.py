"""Checkpoints whose vocabulary is pruned: same answers on kept words, same ids for every reader."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import students
import torch
import transformers

from edgebert.compression import vocabulary
from edgebert.compression.vocabulary import VocabularyOptions, VocabularyReport, prune_vocabulary
from edgebert.distillation import models
from edgebert_converters import families
from edgebert_converters.checkpoint import load_checkpoint
from edgebert_converters.fast_tokenizer import read_tokenizer
from edgebert_runtime.errors import ConversionError, EdgeBertError, InputError
from edgebert_runtime.tokenization import Tokenizer

CORPUS, OTHERS = students.SENTENCES[:60:2], students.SENTENCES[1:60:2]
CLASSES = {
    "bert": transformers.BertTokenizer,
    "roberta": transformers.RobertaTokenizer,
    "xlm-roberta": transformers.XLMRobertaTokenizer,
    "albert": transformers.AlbertTokenizer,
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(CORPUS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("others") / "others.jsonl"
    rows = [json.dumps({"text": text}) for text in (*OTHERS, "lone \ud800")]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def logits(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
    with torch.inference_mode():
        result: torch.Tensor = model.eval()(**inputs).logits
    return result


def classifier(folder: Path) -> tuple[Any, Any]:
    kind = transformers.AutoModelForSequenceClassification
    return kind.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("family", families.SUPPORTED)
def test_same_answers(family: str, tmp_path: Path, corpus: Path, others: Path) -> None:
    source, target = students.checkpoint(tmp_path / "whole", family), tmp_path / "pruned"
    report = prune_vocabulary(source, target, VocabularyOptions((corpus,), others))
    (before, whole), (after, pruned) = classifier(source), classifier(target)
    assert torch.equal(logits(before, whole, CORPUS), logits(after, pruned, CORPUS))
    table = after.get_input_embeddings()
    assert report.tokens_before == 400
    # Everything but the letters of bytes is used where there are six merges.
    assert report.tokens_after == after.config.vocab_size == table.num_embeddings < 400
    assert report.parameters_before == before.get_input_embeddings().weight.numel()
    assert report.parameters_after == table.weight.numel()
    assert table.padding_idx == after.config.pad_token_id == pruned.pad_token_id
    assert report.corpus.pieces_changed == 0
    assert report.held_out is not None
    assert report.held_out.texts == len(OTHERS) + 1
    assert report.held_out.unknown_after == report.held_out.unknown_before
    names = [name for name in before.config.to_dict() if name.endswith("_token_id")]
    for name in names:
        old = getattr(before.config, name)
        new = getattr(after.config, name)
        if new is not None:
            assert whole.convert_ids_to_tokens(old) == pruned.convert_ids_to_tokens(new)
    assert load_checkpoint(target).student is not None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert len({path.stat().st_mode for path in target.iterdir()}) == 1


@pytest.mark.parametrize("own_class", [False, True], ids=["generic", "own class"])
@pytest.mark.parametrize("family", CLASSES)
def test_every_reader_gives_the_same_ids(
    family: str, own_class: bool, tmp_path: Path, corpus: Path
) -> None:
    source, target = tmp_path / "whole", tmp_path / "pruned"
    # A mask token that the vocabulary lacks is added behind it.
    students.checkpoint(source, family, vocab_size=401)
    if own_class:
        use_own_class(source, CLASSES[family])
    whole = read_tokenizer(source, 401)
    prune_vocabulary(source, target, VocabularyOptions((corpus,)))
    assert {path.name for path in target.iterdir()} <= {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        "special_tokens_map.json",
    }
    auto = transformers.AutoTokenizer.from_pretrained(target)
    if own_class:
        assert type(auto) is CLASSES[family]
    content = (target / "tokenizer.json").read_bytes()
    ours = read_tokenizer(target, auto.vocab_size + 10)
    models.save(transformers.AutoModel.from_pretrained(target), target, tmp_path / "again")
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "tokenizer.json").read_bytes()) == json.loads(content)
    for text in (*CORPUS, *OTHERS, "[MASK] <s> </s> 🎬 ﷽"):
        expected = auto(text)["input_ids"]
        assert Tokenizer(content, 500).encode(text).ids == expected
        assert Tokenizer(ours.content, 500).encode(text).ids == expected
        assert again(text)["input_ids"] == expected
    before = Tokenizer(whole.content, 500)
    for text in CORPUS:
        pieces = [whole.whole().id_to_token(each) for each in before.encode(text).ids]
        assert auto.convert_ids_to_tokens(auto(text)["input_ids"]) == pieces
    pair = auto(CORPUS[0], CORPUS[1])["input_ids"]
    assert Tokenizer(content, 500).encode((CORPUS[0], CORPUS[1])).ids == pair


def use_own_class(folder: Path, kind: Any) -> None:
    """Save the tokenizer as the family's own class makes it of the same vocabulary."""
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        vocabulary = [(name, score) for name, score in vocabulary]
    merges = [tuple(each) for each in model.get("merges", [])]
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    made = kind(vocab=vocabulary, **({"merges": merges} if merges else {}))
    made.save_pretrained(folder)


@pytest.mark.parametrize("family", families.SUPPORTED)
@pytest.mark.parametrize("tied", [True, False])
def test_masked_language_models(family: str, tied: bool, tmp_path: Path, corpus: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(students.checkpoint(tmp_path / "c", family))
    config.tie_word_embeddings = tied
    torch.manual_seed(0)
    before = transformers.AutoModelForMaskedLM.from_config(config)
    with torch.no_grad():
        for name, parameter in before.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    before.save_pretrained(tmp_path / "whole")
    whole = students.tokenizer(family)
    whole.save_pretrained(tmp_path / "whole")
    prune_vocabulary(tmp_path / "whole", tmp_path / "pruned", VocabularyOptions((corpus,)))
    after = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "pruned")
    pruned = transformers.AutoTokenizer.from_pretrained(tmp_path / "pruned")
    rows = [
        whole.convert_tokens_to_ids(pruned.convert_ids_to_tokens(each))
        for each in range(after.config.vocab_size)
    ]
    expected = logits(before, whole, CORPUS)[..., rows]
    torch.testing.assert_close(logits(after, pruned, CORPUS), expected)
    shares = after.get_input_embeddings().weight is after.get_output_embeddings().weight
    assert shares == (before.get_input_embeddings().weight is before.get_output_embeddings().weight)


def test_weights_keep_their_dtype_and_the_configuration_its_keys(
    tmp_path: Path, corpus: Path
) -> None:
    source = students.checkpoint(tmp_path / "whole")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source).half()
    model.config.added_by = {"someone": [4, 3]}
    model.save_pretrained(source)
    prune_vocabulary(source, tmp_path / "pruned", VocabularyOptions((corpus,)))
    after = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "pruned")
    assert after.dtype == torch.float16
    assert after.config.added_by == {"someone": [4, 3]}


@pytest.mark.parametrize("lower", [False, True])
def test_sentence_transformers_folders(lower: bool, tmp_path: Path, corpus: Path) -> None:
    source = tmp_path / "whole"
    model = transformers.AutoModel.from_pretrained(students.checkpoint(source))
    model.save_pretrained(source)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
    ]
    (source / "modules.json").write_text(json.dumps(modules))
    (source / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 32, "do_lower_case": lower})
    )
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    prune_vocabulary(source, tmp_path / "pruned", VocabularyOptions((corpus,)))
    whole, pruned = load_checkpoint(source), load_checkpoint(tmp_path / "pruned")
    assert (pruned.task, pruned.max_length) == ("embedding", 32)
    for text in CORPUS:
        vectors = [
            each.float_model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
            for each in (whole, pruned)
            for ids in [torch.tensor([Tokenizer(each.tokenizer, 32).encode(text).ids])]
        ]
        assert torch.equal(*vectors)


def test_rows_without_tokens_go(tmp_path: Path, corpus: Path) -> None:
    source = students.checkpoint(tmp_path / "whole", vocab_size=512, eos_token_id=500)
    report = prune_vocabulary(source, tmp_path / "pruned", VocabularyOptions((corpus,)))
    assert (report.tokens_before, report.tokens_after < 400) == (512, True)
    config = json.loads((tmp_path / "pruned" / "config.json").read_text())
    assert config["eos_token_id"] is None
    assert report.held_out is None
    assert json.loads(json.dumps(dataclasses.asdict(report)))["held_out"] is None


def test_the_same_words_make_the_same_files(tmp_path: Path, corpus: Path) -> None:
    source = students.checkpoint(tmp_path / "whole")
    reports: list[VocabularyReport] = []
    for name in ("one", "two"):
        reports.append(prune_vocabulary(source, tmp_path / name, VocabularyOptions((corpus,))))
    assert reports[0] == reports[1]
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    again = prune_vocabulary(tmp_path / "one", tmp_path / "three", VocabularyOptions((corpus,)))
    assert again.tokens_before == again.tokens_after


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_refusals_leave_nothing(tmp_path: Path, corpus: Path) -> None:
    source = students.checkpoint(tmp_path / "whole")
    good = VocabularyOptions((corpus,))

    def refused(message: str, kind: type[EdgeBertError], options: VocabularyOptions) -> None:
        with pytest.raises(kind, match=message):
            prune_vocabulary(source, tmp_path / "out", options)
        assert not (tmp_path / "out").exists()

    for content, message in (
        (b"", "the corpus has no tokens"),
        (b"\n\n \n", "the corpus has no tokens"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "expected UTF-8 text"),
    ):
        bad = write(tmp_path / "bad.txt", content)
        refused(message, InputError, VocabularyOptions((bad,)))
    bad = write(tmp_path / "bad.tsv", b"nothing\tto read\n")
    refused("expected a header", InputError, VocabularyOptions((corpus,), bad))
    with pytest.raises(InputError, match="is no file"):
        VocabularyOptions((tmp_path,))
    with pytest.raises(InputError, match="is no file"):
        VocabularyOptions((corpus,), tmp_path / "missing")
    with pytest.raises(InputError, match="got no file"):
        VocabularyOptions(())
    with pytest.raises(InputError, match="corpus: got 3, expected a path"):
        VocabularyOptions((3,))  # type: ignore[arg-type]
    assert VocabularyOptions(str(corpus)) == good  # type: ignore[arg-type]
    with pytest.raises(InputError, match="exists"):
        prune_vocabulary(source, source, good)
    with pytest.raises(InputError, match="named as a bundle"):
        prune_vocabulary(source, tmp_path / "out.edgebert", good)
    with pytest.raises(ConversionError, match="no checkpoint at"):
        prune_vocabulary(tmp_path / "nowhere", tmp_path / "out", good)
    for config, message in (
        ({"model_type": "gpt2"}, "model_type 'gpt2' is not supported"),
        ({"model_type": "bert", "architectures": ["BertForMultipleChoice"]}, "ForMultiple"),
    ):
        other = tmp_path / "other"
        shutil.rmtree(other, ignore_errors=True)
        other.mkdir()
        (other / "config.json").write_text(json.dumps(config))
        with pytest.raises(ConversionError, match=message):
            prune_vocabulary(other, tmp_path / "out", good)


@pytest.mark.parametrize("task", ["token-classification", "question-answering"])
def test_heads_of_tokens_answer_as_before(tmp_path: Path, corpus: Path, task: str) -> None:
    source = students.checkpoint(tmp_path / "whole", task=task)
    prune_vocabulary(source, tmp_path / "pruned", VocabularyOptions((corpus,)))
    outputs = []
    for folder in (source, tmp_path / "pruned"):
        loaded = load_checkpoint(folder)
        encoding = Tokenizer(loaded.tokenizer, 32).encode(CORPUS[0])
        ids = torch.tensor([encoding.ids])
        with torch.inference_mode():
            outputs.append(loaded.student(ids, torch.ones_like(ids), torch.zeros_like(ids)))
    assert torch.equal(*outputs)


def test_a_full_disk_leaves_nothing(tmp_path: Path, corpus: Path) -> None:
    source = students.checkpoint(tmp_path / "whole")
    (tmp_path / "temporary").mkdir()
    script = (
        "import sys, pathlib\n"
        "from edgebert.compression.vocabulary import VocabularyOptions, prune_vocabulary\n"
        "options = VocabularyOptions((pathlib.Path(sys.argv[3]),))\n"
        "from edgebert_runtime.errors import ConversionError\n"
        "try: prune_vocabulary(sys.argv[1], sys.argv[2], options)\n"
        "except ConversionError as error: print(error)\n"
    )
    limited = 'trap "" XFSZ; ulimit -f 20; exec "$@"'
    arguments = source, tmp_path / "out", corpus
    child = subprocess.run(
        ["bash", "-c", limited, "bash", sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    )
    assert "could not be written" in child.stdout, child.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "temporary"}
    assert not any(path.name.startswith("edgebert") for path in (tmp_path / "temporary").iterdir())


def test_a_vocabulary_as_large_as_the_model_is_wide() -> None:
    config = transformers.BertConfig(
        vocab_size=32, hidden_size=32, num_attention_heads=4, num_hidden_layers=1
    )
    model = transformers.BertForMaskedLM(config)
    table = model.get_input_embeddings().weight.detach().clone()
    vocabulary.apply(model, [0, 3, 31])
    assert torch.equal(model.get_input_embeddings().weight, table[[0, 3, 31]])
    assert model(torch.tensor([[0, 1, 2]])).logits.shape == (1, 3, 3)


def test_positions_need_the_tokens_below_padding(tmp_path: Path, corpus: Path) -> None:
    source = students.checkpoint(tmp_path / "whole", "roberta", pad_token_id=5)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    chosen = vocabulary.choose(
        model.config, read_tokenizer(source, 400), VocabularyOptions((corpus,))
    )
    assert chosen.kept[:6] == (0, 1, 2, 3, 4, 5)
