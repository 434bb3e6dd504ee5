"""Where TinyBERT's augmentation takes words from (arXiv 1909.10351, Algorithm 1).

A masked language model for words that are one piece of its vocabulary, vectors of words for the
others: GloVe's, or the teacher's own input embeddings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from edgebert.distillation.vector_file import read_vectors
from edgebert.distillation.words import Nearest, Words, distinct, identity, whole_words
from edgebert_converters import sentence_transformers
from edgebert_converters.families import position_limit
from edgebert_converters.fast_tokenizer import quiet_transformers, read_tokenizer
from edgebert_runtime.errors import InputError

_SURROGATE = re.compile("[\ud800-\udfff]")
_WINDOW = 512
"""Tokens of a text that the masked model sees, as in the paper's own code."""
_LOGITS = 64 * 1024 * 1024
"""Most numbers in the logits of one batch, 256 MB."""


class Candidates(Protocol):
    """A source of words to replace others with."""

    @property
    def identity(self) -> str:
        """Differs between sources that may give different words."""

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        """For each of the positions in `words`, up to `most` words, the best first.

        All positions of a text come in one call, so that a model can take them as one batch. What
        is given depends on the text, the position and `most` alone, not on what was asked before.
        """


class InOrder:
    """Several sources: each word takes the first that has candidates for it."""

    def __init__(self, sources: Sequence[Candidates]) -> None:
        self._sources = sources
        self.identity = ", ".join(source.identity for source in sources)

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        for source in self._sources:
            rest = [position for position in positions if not found.get(position)]
            if rest:
                found.update(zip(rest, source.at(words, rest, most), strict=True))
        return [found.get(position, ()) for position in positions]


class WordVectors:
    """The nearest words by the vectors of a file, such as GloVe's."""

    def __init__(self, path: Path) -> None:
        """Read a file of lines `word number number …`, as `vector_file.read_vectors` does.

        Raises:
            InputError: with the line, if it cannot be read.
        """
        self._nearest = Nearest(*read_vectors(path))
        self.identity = self._nearest.identity("word vectors")

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        return [self._nearest.to(words[position], most) for position in positions]


class InputEmbeddings:
    """The nearest words by a checkpoint's own input embeddings, for want of a file of vectors.

    Only words of letters that are one piece of the vocabulary have candidates. Their vectors are
    centred first: a large part is common to all, which would make every word near.
    """

    def __init__(self, folder: Path) -> None:
        """Read the table of any checkpoint as save_pretrained or sentence-transformers writes it.

        Raises:
            InputError: if it cannot be read, or its vocabulary has no whole words.
            ConversionError: if there is no tokenizer that fits it.
        """
        sentence = sentence_transformers.read(folder)
        folder = folder if sentence is None else sentence.transformer
        model, missing = _pretrained(AutoModel, folder)
        table = model.get_input_embeddings().weight
        name = next(name for name, parameter in model.named_parameters() if parameter is table)
        if name in missing:
            raise InputError(
                f"{str(folder)!r} lacks the tensor {name!r}; expected a checkpoint's weights: save "
                "it again"
            )
        words = _vocabulary(read_tokenizer(folder, table.shape[0]).whole(), folder)
        vectors = table.detach()[list(words.values())]
        self._nearest = Nearest(list(words), vectors - vectors.mean(dim=0))
        self.identity = self._nearest.identity("input embeddings")

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        return [self._nearest.to(words[position], most) for position in positions]


class MaskedLanguageModel:
    """The most probable words in place of one that is masked: BERT(x_m)[i] in Algorithm 1.

    The paper's published code also shows the model the text unmasked, as a second segment; the
    algorithm does not, nor is it done here. Words beyond the first 512 tokens are not seen.
    """

    def __init__(self, folder: Path) -> None:
        """Read a checkpoint with a masked-language-model head, as save_pretrained writes it.

        Raises:
            InputError: if it cannot be read, lacks weights (a classifier's has no such head), or
                its tokenizer has no mask.
            ConversionError: if there is no tokenizer that fits it.
        """
        model, missing = _pretrained(AutoModelForMaskedLM, folder)
        if missing:
            raise InputError(
                f"{str(folder)!r} lacks {len(missing)} tensors of a masked language model, "
                f"{missing[0]!r} first; expected a checkpoint with that head"
            )
        self._rows = model.get_input_embeddings().weight.shape[0]
        tokenizer = read_tokenizer(folder, self._rows)
        with quiet_transformers():
            named: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if named.mask_token_id is None:
            raise InputError(
                f"the tokenizer in {str(folder)!r} has no mask token; expected that of a masked "
                "language model"
            )
        self._mask, self._unknown = named.mask_token_id, named.unk_token_id
        self._tokenizer = tokenizer.whole()
        special = self._tokenizer.num_special_tokens_to_add(False)
        self._window = min(position_limit(model.config), _WINDOW) - special
        found = _vocabulary(self._tokenizer, folder)
        self._words, self._ids = list(found), torch.tensor(list(found.values()))
        weights = [tensor for _, tensor in sorted(model.state_dict().items())]
        self.identity = identity("masked language model", tokenizer.content, *weights)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = model.to(self._device)

    def at(self, words: Words, positions: Sequence[int], most: int) -> list[tuple[str, ...]]:
        ids, places = self._pieces(words)
        asked = [position for position in positions if position in places]
        found: dict[int, tuple[str, ...]] = {}
        batch = max(1, _LOGITS // (len(ids) * self._rows))
        for start in range(0, len(asked), batch):
            chunk = asked[start : start + batch]
            scores = self._scores(ids, [places[position] for position in chunk])
            # More than wanted: the word itself and other spellings of one word are left out.
            best = scores.topk(min(3 * most + 4, len(self._words))).indices.tolist()
            for position, row in zip(chunk, best, strict=True):
                ranked = (self._words[index] for index in row)
                found[position] = distinct(words[position], ranked, most)
        return [found.get(position, ()) for position in positions]

    def _scores(self, ids: list[int], places: list[int]) -> Tensor:
        """Logits [places, words] of the words there, each place masked in a copy of its own."""
        with torch.inference_mode():
            rows = torch.tensor([ids] * len(places), device=self._device)
            index = torch.arange(len(places), device=self._device)
            masked = torch.tensor(places, device=self._device)
            rows[index, masked] = self._mask
            logits = self._model(input_ids=rows, attention_mask=torch.ones_like(rows)).logits
            scores: Tensor = logits[index, masked].cpu()[:, self._ids]
            return scores

    def _pieces(self, words: Words) -> tuple[list[int], dict[int, int]]:
        """Ids of what the model sees, and where in them each word of one piece stands."""
        # A word is a piece at least: what comes after so many is not seen.
        seen, rest = words.spans[: self._window], words.spans[self._window :]
        text = _SURROGATE.sub("\ufffd", words.text[: rest[0][0] if rest else None])
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        encoding.truncate(self._window)
        # Read before special tokens are added, which would trim byte-level offsets a second time.
        pieces = [
            (end - len(text[start:end].lstrip()), end, index)
            for index, (start, end) in enumerate(encoding.offsets)
        ]
        whole = self._tokenizer.post_process(encoding)
        first = whole.sequence_ids.index(0) if pieces else 0
        positions = {span: position for position, span in enumerate(seen)}
        places = {}
        for before, (start, end, index), after in zip(
            [(0, 0, -1), *pieces], pieces, [*pieces[1:], (len(text), len(text), -1)], strict=False
        ):
            # Pieces of bytes may share a character: then none of them is the word.
            alone = before[1] <= start and end <= after[0]
            if (start, end) in positions and alone and self._is_whole(encoding, index):
                places[positions[start, end]] = first + index
        return whole.ids, places

    def _is_whole(self, encoding: Any, index: int) -> bool:
        prefix = getattr(self._tokenizer.model, "continuing_subword_prefix", None)
        continues = bool(prefix) and encoding.tokens[index].startswith(prefix)
        return not continues and encoding.ids[index] != self._unknown


def _vocabulary(tokenizer: Tokenizer, folder: Path) -> dict[str, int]:
    words = whole_words(tokenizer)
    if not words:
        raise InputError(
            f"the vocabulary of {str(folder)!r} has no whole words; give word vectors instead"
        )
    return words


def _pretrained(kind: Any, folder: Path) -> tuple[Any, list[str]]:
    """A float32 model of transformers, and the names of what it lacks, which is random."""
    try:
        with quiet_transformers():
            model, info = kind.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"no checkpoint can be read from {str(folder)!r} ({reason}); expected a folder with "
            "config.json, weights and tokenizer files, as save_pretrained writes it"
        ) from error
    return model.eval(), sorted(info["missing_keys"])
