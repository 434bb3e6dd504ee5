"""One token too many, and 100,000 of them (transformers.js 355); cut where (transformers 4476)."""

from __future__ import annotations

from pathlib import Path

import pytest
import students
from field_checkpoints import FLOAT_ONNX, change_json

import edgebert
from edgebert_runtime.manifest import BACKENDS
from edgebert_runtime.tokenization import MAX_WINDOWS

SPECIAL = 2
LIMIT = 64


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tokens", [LIMIT, LIMIT + 1, 100_000])
def test_cut_read_in_windows_or_refused(backend: str, tokens: int, bundle: Path) -> None:
    text = "a " * (tokens - SPECIAL)
    fits = tokens == LIMIT
    with edgebert.load(bundle, backend=backend, threads=1) as model:
        cut = model.predict(text)
        parts = model.predict(text, long_text="windows")
        if fits:
            assert model.predict(text, long_text="error") == cut
        else:
            with pytest.raises(edgebert.InputError, match=f"got {tokens} tokens, expected at most"):
                model.predict(text, long_text="error")
        whole = model.predict("a " * (LIMIT - SPECIAL))
    for each in (cut, parts, whole):
        assert isinstance(each, edgebert.Classification)
    assert (cut.truncated, cut.windows) == (not fits, 1)
    assert cut.scores == whole.scores
    assert parts.windows == (1 if fits else 2 if tokens == LIMIT + 1 else MAX_WINDOWS)
    # What lies behind the last window is not looked at, and the answer says so.
    assert parts.truncated == (tokens == 100_000)


def test_a_tokenizer_that_cuts_the_beginning_is_refused(tmp_path: Path) -> None:
    folder = students.checkpoint(tmp_path / "student")
    change_json(folder / "tokenizer_config.json", truncation_side="left")
    with pytest.raises(edgebert.ConversionError, match="cuts long texts on the left, and"):
        edgebert.convert(folder, tmp_path / "bundle", FLOAT_ONNX)
