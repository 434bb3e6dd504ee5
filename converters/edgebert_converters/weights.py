"""The weights of a folder → a transformers model that has every one of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from edgebert_converters import pruning
from edgebert_converters.fast_tokenizer import quiet_transformers
from edgebert_runtime.errors import ConversionError

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def pretrained(kind: Any, folder: Path, dispensable: tuple[str, ...], **settings: Any) -> Any:
    """A float32 model with every weight it needs; transformers fills what is missing at random.

    Weights with a part of their name in `dispensable` may be missing; `settings` are those of
    `from_pretrained`.

    Raises:
        ConversionError: if others are missing, of other shapes or not finite, or the files cannot
            be read.
    """
    try:
        with quiet_transformers():
            # transformers' own refusal of other shapes names none of them.
            settings["ignore_mismatched_sizes"] = True
            if "config" not in settings:
                settings["config"] = AutoConfig.from_pretrained(folder, local_files_only=True)
            model, info = _class(kind, settings["config"]).from_pretrained(
                folder,
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
                **settings,
            )
    except ConversionError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(
            f"the weights in {str(folder)!r} cannot be loaded ({reason}); expected a complete "
            "model.safetensors or pytorch_model.bin"
        ) from error
    other = sorted(
        (name, tuple(given), tuple(wanted))
        for name, given, wanted in info["mismatched_keys"]
        if not any(part in name for part in dispensable)
    )
    if other:
        name, given, wanted = other[0]
        raise ConversionError(
            f"the weights in {str(folder)!r} have {len(other)} tensors of other shapes than "
            f"config.json says, {name!r} first: got {given}, expected {wanted}; save the "
            "checkpoint again"
        )
    adapters = sorted(name for name in info["unexpected_keys"] if "lora_" in name)
    if adapters or (folder / "adapter_config.json").is_file():
        raise ConversionError(
            f"the checkpoint in {str(folder)!r} has an adapter that is not merged, and would be "
            "converted without it; merge it first: peft's merge_and_unload() and save_pretrained()"
        )
    missing = sorted(
        name for name in info["missing_keys"] if not any(part in name for part in dispensable)
    )
    if missing:
        raise ConversionError(
            f"the weights in {str(folder)!r} lack {len(missing)} tensors, {missing[0]!r} first; "
            "expected those of the whole model: save the checkpoint again"
        )
    damaged = sorted(
        name for name, weight in model.named_parameters() if not bool(weight.isfinite().all())
    )
    if damaged:
        raise ConversionError(
            f"the weights in {str(folder)!r} have {len(damaged)} tensors with numbers that are not "
            f"finite, {damaged[0]!r} first; go back to a checkpoint before training went wrong"
        )
    return model


def _class(kind: Any, config: Any) -> Any:
    """What reads the weights: for a pruned checkpoint, a class whose models are as narrow."""
    pruned = pruning.read(config)
    if pruned is None:
        return kind
    with torch.device("meta"):
        whole = type(kind.from_config(config))

    def __init__(self: Any, config: Any, *inputs: Any, **settings: Any) -> None:  # noqa: N807
        whole.__init__(self, config, *inputs, **settings)
        pruning.narrow(self, pruned)
        # From here on it is like any other: it can be copied, saved and named.
        self.__class__ = whole

    return type(whole.__name__, (whole,), {"__init__": __init__, "__module__": whole.__module__})


def weights_hash(folder: Path) -> str:
    """SHA-256 over the files of weights in a folder, in the order of their names."""
    digest = hashlib.sha256()
    for pattern in _WEIGHTS:
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as stream:
                while chunk := stream.read(1024 * 1024):
                    digest.update(chunk)
        if any(folder.glob(pattern)):
            break
    return digest.hexdigest()
