"""What the modules here share: a changed JSON file, tokenizer files of the older kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import edgebert

FLOAT_ONNX = edgebert.ConvertOptions(formats=("onnx",), recipes=("float32",))


def change_json(path: Path, **values: Any) -> None:
    """Set keys of a JSON object in a file, which may not be there yet."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**content, **values}), encoding="utf-8")


def write_vocabulary(folder: Path, words: tuple[str, ...], **settings: Any) -> Path:
    """vocab.txt in place of tokenizer.json: the last pieces make room for `words`."""
    path = folder / "tokenizer.json"
    ids = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = sorted(ids, key=lambda piece: int(ids[piece]))
    pieces[len(pieces) - len(words) :] = words
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    path.unlink()
    (folder / "tokenizer_config.json").unlink()
    change_json(folder / "tokenizer_config.json", tokenizer_class="BertTokenizer", **settings)
    return folder
