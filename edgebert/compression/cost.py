"""What a model of given widths weighs and computes, without making it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from edgebert.compression.importance import Scores
from edgebert_converters import pruning
from edgebert_converters.pruning import Widths


@dataclass(frozen=True)
class Cost:
    """Of a classifier; `macs` are multiply-accumulates of one text."""

    parameters: int
    macs: int


class CostModel:
    """Costs of all models that can be pruned from one."""

    def __init__(self, model: Any, tokens: int) -> None:
        """`tokens` is the length of the text that `macs` counts for."""
        config = model.config
        self.tokens = tokens
        self.hidden = int(config.hidden_size)
        self.width = self.hidden // int(config.num_attention_heads)
        self.owners = pruning.owners(model)
        layers = {id(each) for named in pruning.linears(model) for each in named.values()}
        others = [
            (name, module)
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear) and id(module) not in layers
        ]
        # A projection of the embeddings works on every token, a head on the first alone.
        self.fixed_macs = sum(
            module.weight.numel() * (tokens if _is_projection(name) else 1)
            for name, module in others
        )
        widths = pruning.widths(model)
        own = sum(self._parameters(widths[owner]) for owner in sorted(set(self.owners)))
        self.fixed_parameters = pruning.parameters(model) - own

    def cost(self, widths: Sequence[Widths]) -> Cost:
        """Cost with these widths, of what is exported; the number of layers is the model's."""
        rows = [self._rows(layer) for layer in range(len(widths))]
        own = sum(self._parameters(widths[owner]) for owner in sorted(set(self.owners)))
        macs = sum(map(self._macs, widths, rows))
        return Cost(self.fixed_parameters + own, self.fixed_macs + macs)

    def efficiency(self, scores: Scores) -> Scores:
        """Importance for each multiply-accumulate.

        In the last layer, which is computed for one token, neurons cost next to nothing.
        """
        own = range(len(scores.heads))
        # A layer that runs several times costs each of them.
        rows = [self._rows(layer) for layer in own]
        runs = [[layer for layer in own if self.owners[layer] == self.owners[each]] for each in own]
        heads, neurons = (
            [sum(self._macs(widths, rows[layer]) for layer in each) for each in runs]
            for widths in (Widths(1, 0), Widths(0, 1))
        )
        return Scores(
            tuple(score / cost for score, cost in zip(scores.heads, heads, strict=True)),
            tuple(score / cost for score, cost in zip(scores.neurons, neurons, strict=True)),
        )

    def _rows(self, layer: int) -> int:
        """Rows that a layer computes: all, but the last one for the first token alone."""
        return 1 if layer == len(self.owners) - 1 else self.tokens

    def _parameters(self, widths: Widths) -> int:
        attention = widths.heads * self.width
        return (
            3 * attention * (self.hidden + 1)
            + attention * self.hidden
            + widths.feed_forward * (2 * self.hidden + 1)
        )

    def _macs(self, widths: Widths, rows: int) -> int:
        attention = widths.heads * self.width
        projections = attention * self.hidden * (2 * rows + 2 * self.tokens)
        scores = 2 * rows * self.tokens * attention
        return projections + scores + 2 * rows * self.hidden * widths.feed_forward


def _is_projection(name: str) -> bool:
    return name.endswith(("embeddings_project", "embedding_hidden_mapping_in"))
