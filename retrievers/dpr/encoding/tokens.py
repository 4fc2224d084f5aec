"""Texts as ids without padding, from which batches of any shape are cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TOKENIZED_AT_ONCE = 1000


@dataclass(frozen=True)
class Tokens:
    """The tokens of texts, one text after another; a text is known by its number."""

    columns: Mapping[str, Tensor]
    """What a model reads of each token, by name: ``[sum of the lengths]``."""
    lengths: Tensor
    """The number of tokens of each text, ``[n]``."""
    starts: Tensor
    """Where the tokens of each text begin, ``[n]``."""

    def batch(self, numbers: Sequence[int], length: int, pad_id: int) -> dict[str, Tensor]:
        """Pad texts on the right, ``[b, length]`` for each column; none is longer."""
        device = self.lengths.device
        rows, places = torch.tensor(numbers, device=device), torch.arange(length, device=device)
        real = places < self.lengths[rows, None]  # [b, length]
        index = (self.starts[rows, None] + places) * real
        return {
            name: torch.where(real, column[index], pad_id if name == "input_ids" else 0)
            for name, column in self.columns.items()
        }


def tokenize(
    preprocess: Callable[[list[str]], Mapping[str, Tensor]], texts: Sequence[str], device: str | torch.device
) -> Tokens:
    """Convert texts by a function that pads them to ``[b, t]``; its ``attention_mask`` says what is real."""
    parts: dict[str, list[Tensor]] = {}
    lengths = []
    for start in range(0, len(texts), TOKENIZED_AT_ONCE):
        padded = preprocess(list(texts[start : start + TOKENIZED_AT_ONCE]))
        mask = padded["attention_mask"].bool()
        lengths.append(mask.sum(1))
        for name, value in padded.items():
            if torch.is_tensor(value):
                parts.setdefault(name, []).append(value[mask])
    counts = torch.cat(lengths)
    return Tokens(
        {name: torch.cat(values).to(device) for name, values in parts.items()},
        counts.to(device),
        (counts.cumsum(0) - counts).to(device),
    )
