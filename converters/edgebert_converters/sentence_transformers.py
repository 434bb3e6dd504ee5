"""What a sentence-transformers folder adds to its encoder: pooling, dense layers, length, case."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from edgebert_runtime.errors import ConversionError

POOLINGS = ("mean", "cls")

_SETTINGS = "sentence_*_config.json"
"""sentence_bert_config.json; once each family had its own name for it."""

_ORDER = re.compile(r"(?:Transformer(?: Pooling(?: Dense)*(?: Normalize)*)?)?")
"""Modules one after another, as `EmbeddingHead` computes them."""

_VECTOR = "sentence_embedding"
"""What sentence-transformers calls the vector of a text among what its modules hand on."""

_SETFIT_HEAD = "model_head.pkl"

_OWN_SETTINGS = "config_sentence_transformers.json"
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "torch.nn.modules.linear.Identity": nn.Identity,
    "torch.nn.modules.activation.Tanh": nn.Tanh,
    "torch.nn.modules.activation.ReLU": nn.ReLU,
    "torch.nn.modules.activation.GELU": nn.GELU,
}


@dataclass(frozen=True)
class SentenceEncoder:
    """The recipe from hidden states to a sentence vector."""

    transformer: Path
    """Folder of the encoder's own checkpoint."""
    pooling: str = "mean"
    dense: nn.Sequential = field(default_factory=nn.Sequential)
    normalize: bool = False
    max_length: int | None = None
    """Tokens that sentence-transformers cuts at, where a file says so."""
    lower_case: bool = False
    activation: str | None = None
    """Of a cross-encoder's output, by the name of its class."""


def read(folder: Path) -> SentenceEncoder | None:
    """The folder's sentence-transformers files; None where there are none.

    Raises:
        ConversionError: for modules or a pooling that are not supported, or a broken file.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        return None
    if (folder / _SETFIT_HEAD).is_file():
        raise ConversionError(
            f"{str(folder / _SETFIT_HEAD)!r} is SetFit's classifier, a pickle, which is not "
            "converted; remove it to convert the encoder alone, or train a head: edgebert train"
        )
    modules = read_json(listing)
    transformer, pooling, normalize = folder, "mean", False
    layers: list[nn.Module] = []
    kinds = []
    for module in modules if isinstance(modules, list) else []:
        kind = str(module.get("type", "")).rpartition(".")[2]
        part = folder / str(module.get("path", ""))
        kinds.append(kind)
        if kind == "Transformer":
            transformer = part
        elif kind == "Pooling":
            pooling = _pooling(read_json(part / "config.json"))
        elif kind == "Normalize":
            normalize = True
        elif kind == "Dense":
            layers.extend(_dense(part))
        else:
            raise ConversionError(
                f"sentence-transformers module {kind!r} in {str(listing)!r} is not supported; "
                "supported: Transformer, Pooling, Dense, Normalize"
            )
    if not _ORDER.fullmatch(" ".join(kinds)):
        raise ConversionError(
            f"{str(listing)!r} has the modules {', '.join(kinds)}; supported: Transformer, "
            "Pooling, any number of Dense, Normalize, in this order"
        )
    settings: dict[str, Any] = {}
    for path in sorted(transformer.glob(_SETTINGS))[:1]:
        settings = read_json(path)
    return SentenceEncoder(
        transformer,
        pooling,
        nn.Sequential(*layers),
        normalize,
        settings.get("max_seq_length") or _tokenizer_limit(transformer),
        bool(settings.get("do_lower_case")),
        _own_settings(folder).get("activation_fn"),
    )


def _tokenizer_limit(transformer: Path) -> int | None:
    """Where newer versions of sentence-transformers write the length of a model."""
    path = transformer / "tokenizer_config.json"
    limit = read_json(path).get("model_max_length") if path.is_file() else None
    return limit if isinstance(limit, int) else None


def check_prompt(folder: Path) -> None:
    """Refuse a prompt that sentence-transformers puts before every text unasked.

    Raises:
        ConversionError: saying how it stands before the text.
    """
    config = _own_settings(folder)
    name, prompts = config.get("default_prompt_name"), config.get("prompts")
    if isinstance(name, str) and isinstance(prompts, dict) and (prompt := prompts.get(name)):
        raise ConversionError(
            f"{str(folder / _OWN_SETTINGS)!r} puts the prompt {name!r} before every text, and a "
            f"bundle reads texts as they are; set default_prompt_name to null, and put {prompt!r} "
            "before texts"
        )


def _own_settings(folder: Path) -> dict[str, Any]:
    path = folder / _OWN_SETTINGS
    settings = read_json(path) if path.is_file() else None
    return settings if isinstance(settings, dict) else {}


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ConversionError: if it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConversionError(
            f"{str(path)!r} cannot be read as JSON ({error}); save the checkpoint again"
        ) from None


def _pooling(config: dict[str, Any]) -> str:
    modes = {
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "cls",
    }
    chosen = [modes.get(key, key) for key, on in config.items() if on is True and "mode" in key]
    if isinstance(config.get("pooling_mode"), str):
        chosen.append(config["pooling_mode"])
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        raise ConversionError(
            f"pooling {chosen} is not supported; supported: one of {', '.join(POOLINGS)}"
        )
    if config.get("include_prompt") is False:
        raise ConversionError(
            "the pooling leaves the tokens of prompts out (include_prompt is false), and a bundle "
            "knows no prompts; set it to true in the pooling's config.json to embed texts as they "
            "are"
        )
    return chosen[0]


def _dense(part: Path) -> list[nn.Module]:
    config = read_json(part / "config.json")
    name = str(config.get("activation_function"))
    if name not in _ACTIVATIONS:
        raise ConversionError(
            f"dense activation {name!r} is not supported; supported: {', '.join(_ACTIVATIONS)}"
        )
    names = [config.get(f"module_{side}_name", _VECTOR) for side in ("input", "output")]
    if any(each not in (None, _VECTOR) for each in names):
        raise ConversionError(
            f"the dense layer in {str(part)!r} makes {names[1]!r} of {names[0]!r}; supported: from "
            f"{_VECTOR!r} to {_VECTOR!r}"
        )
    weights: dict[str, Tensor]
    try:
        if (part / "model.safetensors").is_file():
            weights = load_file(part / "model.safetensors")
        else:
            weights = torch.load(part / "pytorch_model.bin", weights_only=True, map_location="cpu")
        rows, columns = weights["linear.weight"].shape
        layer = nn.Linear(columns, rows, bias="linear.bias" in weights)
        layer.load_state_dict(
            {key.removeprefix("linear."): value.float() for key, value in weights.items()}
        )
    except Exception as error:
        raise ConversionError(
            f"the dense layer in {str(part)!r} cannot be read ({error}); save it again"
        ) from error
    return [layer, _ACTIVATIONS[name]()]
