"""A checkpoint without the tokens that a corpus does not need: tokenizer, table, configuration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgebert.compression import vocabulary_files
from edgebert_converters import families, publish
from edgebert_converters.fast_tokenizer import FastTokenizer
from edgebert_converters.quiet import quiet
from edgebert_converters.vocabulary import PrunedTokenizer, Selection, prune
from edgebert_converters.vocabulary.usage import Comparison, compare
from edgebert_runtime.errors import ConversionError, EdgeBertError, InputError
from edgebert_runtime.examples import stream_texts
from edgebert_runtime.tokenization import Text


@dataclass(frozen=True)
class VocabularyReport:
    """What went, and what that changes."""

    tokens_before: int
    """Rows of the token table."""
    tokens_after: int
    parameters_before: int
    """Of the token table."""
    parameters_after: int
    characters_dropped: int
    """Characters that no piece has now, which will be unknown."""
    corpus: Comparison
    held_out: Comparison | None
    """On texts that did not choose; None: there were none."""


@dataclass(frozen=True)
class VocabularyOptions:
    """Texts to choose the vocabulary by, and how."""

    corpus: tuple[Path, ...]
    """Text, TSV, CSV or JSONL files like the texts that the model will meet."""
    held_out: Path | None = None
    """Such a file to count changes on, which has no part in the choice."""
    selection: Selection = field(default_factory=Selection)
    force: bool = False
    """Replace a checkpoint that is there already."""

    def __post_init__(self) -> None:
        """Paths may be given as strings, and one alone."""
        given = self.corpus if isinstance(self.corpus, tuple | list) else (self.corpus,)
        corpus = tuple(publish.as_path(path, "corpus") for path in given)
        if not corpus:
            raise InputError(
                "corpus: got no file, expected one or more to choose the vocabulary by"
            )
        held_out = None if self.held_out is None else publish.as_path(self.held_out, "held_out")
        object.__setattr__(self, "corpus", corpus)
        object.__setattr__(self, "held_out", held_out)
        for path in (*corpus, *([] if held_out is None else [held_out])):
            # They are read twice, which a pipe cannot be.
            if not path.is_file():
                raise InputError(f"{str(path)!r} is no file; expected one of UTF-8 text")


def prune_vocabulary(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: VocabularyOptions,
) -> VocabularyReport:
    """Write the checkpoint anew at `output`, with the corpus's tokens alone.

    Classifiers, masked language models, sentence-transformers folders and bare encoders; weights
    keep their dtype.

    Raises:
        InputError: for texts, options or an output that cannot be used.
        ConversionError: for a checkpoint or tokenizer that is not supported.
        In each case nothing is written at `output`.
    """
    folder, target = publish.as_path(checkpoint, "checkpoint"), publish.as_path(output, "output")
    _check_target(target, folder, force=options.force)
    if target.suffix == ".edgebert":
        raise InputError(f"output {str(target)!r} is named as a bundle; expected a folder's name")
    source = vocabulary_files.load(folder)
    pruned = choose(source.model.config, source.tokenizer, options)
    before = source.model.get_input_embeddings().weight
    report = measure(source.tokenizer, pruned, options, tuple(before.shape))
    apply(source.model, pruned.kept)
    try:
        with tempfile.TemporaryDirectory(prefix="edgebert-vocabulary-") as work:
            # The temporary folder is closed to other users, and a copy of it would be too.
            result = Path(work) / "checkpoint"
            result.mkdir()
            inner = vocabulary_files.copy_modules(folder, source, result)
            with quiet():
                source.model.to(source.dtype).save_pretrained(inner)
            vocabulary_files.write_tokenizer(source.folder, pruned, inner)
            publish.publish(result, target)
    except EdgeBertError:
        raise
    except Exception as error:
        # The libraries' own errors of a full disk are no OSError.
        raise ConversionError(
            f"the checkpoint could not be written ({' '.join(str(error).split())[:300]}); nothing "
            f"was left at {str(target)!r}: check free space there and in {tempfile.gettempdir()!r}"
        ) from error
    return report


def _check_target(target: Path, source: Path, *, force: bool) -> None:
    """With `force` a checkpoint may be there, but the one that is read, or files of another kind,
    may not."""
    if force and target.exists():
        if target.resolve() == source.resolve():
            raise InputError(f"output {str(target)!r} is what is read; choose another name")
        if not (target / "config.json").is_file():
            raise InputError(
                f"output {str(target)!r} exists and is no checkpoint, so --force does not replace "
                "it; remove it yourself, or choose another name"
            )
        return
    publish.check_target(target, force=False)


def choose(config: Any, tokenizer: FastTokenizer, options: VocabularyOptions) -> PrunedTokenizer:
    """The tokenizer with the corpus's tokens, and those that a transformers `config` names.

    Raises:
        InputError: if a file cannot be read, or has no tokens.
        ConversionError: for a tokenizer that is not supported.
    """
    pad = config.pad_token_id
    present = set(tokenizer.whole().get_vocab(with_added_tokens=True).values())
    needed = {each for ids in _special(config).values() for each in _listed(ids)}
    positions = families.position_limit(config)
    if positions < config.max_position_embeddings:
        # Positions are counted from the padding token's id on, which must not change.
        needed |= set(range(pad + 1))
        if missing := set(range(pad + 1)) - present:
            raise ConversionError(
                f"the tokenizer has no token of id {min(missing)}, and positions are counted from "
                f"pad_token_id {pad} on; save the tokenizer that belongs to the model"
            )
    return prune(tokenizer.content, _texts(options.corpus), options.selection, needed & present)


def measure(
    tokenizer: FastTokenizer,
    pruned: PrunedTokenizer,
    options: VocabularyOptions,
    shape: tuple[int, ...],
) -> VocabularyReport:
    """What pruning does to a table of `shape` (tokens, width) and to the texts."""
    tokens, width = shape

    def compared(paths: Sequence[Path]) -> Comparison:
        return compare(tokenizer.content, pruned.content, pruned.kept, _texts(paths))

    return VocabularyReport(
        tokens_before=tokens,
        tokens_after=len(pruned.kept),
        parameters_before=tokens * width,
        parameters_after=len(pruned.kept) * width,
        characters_dropped=pruned.characters_dropped,
        corpus=compared(options.corpus),
        held_out=None if options.held_out is None else compared([options.held_out]),
    )


def apply(model: Any, kept: Sequence[int]) -> None:
    """Leave the rows `kept` of a transformers model's token table, in place.

    A masked language model's decoder and bias lose the same rows; ids in the configuration are
    those of the new rows, None where a row is gone.
    """
    # What was one parameter of two modules stays one.
    cut: dict[nn.Parameter, nn.Parameter] = {}
    table = model.get_input_embeddings()
    for module, name, dimension in [(table, "weight", 0), *_decoder(model)]:
        whole = module.get_parameter(name)
        if whole not in cut:
            rows = torch.tensor(kept, device=whole.device)
            values = whole.detach().index_select(dimension, rows)
            cut[whole] = nn.Parameter(values, requires_grad=whole.requires_grad)
        setattr(module, name, cut[whole])
        if name == "weight":
            width = "in_features" if dimension else "out_features"
            setattr(module, "num_embeddings" if module is table else width, len(kept))
    model.config.vocab_size = len(kept)
    new_ids = {old: new for new, old in enumerate(kept)}
    for name, ids in _special(model.config).items():
        renamed: Any = (
            [new_ids[each] for each in ids if each in new_ids]
            if isinstance(ids, list)
            else new_ids.get(ids)
        )
        setattr(model.config, name, renamed)
    table.padding_idx = model.config.pad_token_id


def _decoder(model: Any) -> Iterator[tuple[nn.Module, str, int]]:
    """Parameters of a masked language model's decoder: module, name, dimension of the tokens."""
    decoder = model.get_output_embeddings()
    if decoder is None:
        return
    yield decoder, "weight", 0
    parents = (
        each for each in model.modules() if any(decoder is child for child in each.children())
    )
    for owner in (decoder, *parents):
        if getattr(owner, "bias", None) is not None:
            yield owner, "bias", 0
        if model.config.model_type == "mobilebert" and owner is not decoder:
            # The part of its decoder that is not the token table.
            yield owner.get_submodule("dense"), "weight", 1


def _special(config: Any) -> dict[str, Any]:
    """Ids of tokens that a configuration names: a number or a list each."""
    every = config.to_dict()
    return {
        name: ids for name, ids in every.items() if name.endswith("_token_id") and ids is not None
    }


def _listed(ids: int | list[int]) -> list[int]:
    return ids if isinstance(ids, list) else [ids]


def _texts(paths: Sequence[Path]) -> Iterator[Text]:
    for path in paths:
        yield from stream_texts(path)
