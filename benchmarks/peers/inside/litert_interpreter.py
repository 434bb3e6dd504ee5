"""A .tflite file of one length by ai-edge-litert and tokenizers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from one_by_one import OneByOne, arrays

_NAMES = {"ids": "input_ids", "mask": "attention_mask", "types": "token_type_ids"}


class LitertInterpreter(OneByOne):
    """Every text is padded to the file's one length, longer ones are cut."""

    def __init__(self, folder: Path, task: str, threads: int) -> None:
        self._interpreter = Interpreter(str(folder / "model.tflite"), num_threads=threads)
        self._runner = self._interpreter.get_signature_runner()
        details = self._runner.get_input_details()
        self._tokens = int(details["ids"]["shape"][1])
        self._kinds = {name: each["dtype"] for name, each in details.items()}
        super().__init__(folder, task, self._tokens)

    def ready(self, ids: list[int]) -> Any:
        """Padded inputs of the kind that the file wants."""
        given = arrays(ids, self._tokens)
        return {name: given[_NAMES[name]].astype(kind) for name, kind in self._kinds.items()}

    def logits(self, inputs: Any) -> Any:
        """Raw outputs [width] of one text."""
        (output,) = self._runner(**inputs).values()
        return output[0]


def open_model(folder: Path, variant: str, task: str, threads: int) -> LitertInterpreter:
    """The folder's model.tflite."""
    return LitertInterpreter(folder, task, threads)
