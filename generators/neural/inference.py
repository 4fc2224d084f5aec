"""What a trained module does without training: it writes summaries, and prices given texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.types import VideoId
from generators.neural.batches import Batch, Collate, pad, to_device
from generators.neural.decoding.beams import Replay, Rules, beam_search
from generators.neural.examples import Example
from generators.neural.options import DecodeOptions
from generators.neural.tokens import Tokens

Floats: TypeAlias = npt.NDArray[np.float64]
EXAMPLES_AT_ONCE, REFERENCES_AT_ONCE = 64, 256
"""Sizes of the batches of validation: no option, as the last bits of a loss depend on them."""


@dataclass(frozen=True)
class Inference:
    """Applies a module to examples, in batches of like length, by the options of decoding."""

    module: Any
    tokens: Tokens
    collate: Collate
    options: DecodeOptions
    device: str
    bf16: bool
    replay: Replay | None = None
    """What repeats the steps of a search on a GPU."""

    def write(self, examples: Sequence[Example]) -> dict[VideoId, str]:
        """Write a summary of each example by beam search.

        The longest come first, so that too little memory shows at once.
        """
        order, size = sorted(examples, key=len, reverse=True), self.options.batch_size
        rules = Rules.of(self.options, self.tokens.prompt, self.tokens.eos, self.tokens.pad)
        summaries: dict[VideoId, str] = {}
        self.module.eval()
        with self._precision():
            for start in range(0, len(order), size):
                part = order[start : start + size]
                written = beam_search(self.module, self._batch(part), rules, self.replay)
                for example, ids in zip(part, written, strict=True):
                    summaries[example.video_id] = self.tokens.decode(ids)
        return summaries

    @torch.inference_mode()
    def reference_losses(self, examples: Sequence[Example]) -> Floats:
        """Measure the mean loss of each example's references ``[n]``, in nats per token; NaN without any.

        The decoder that writes summaries reads the true tokens, and each next one costs -log p. All
        references of an example count, each token alike; a prompt costs nothing.
        """
        losses = np.full(len(examples), np.nan)
        self.module.eval()
        with self._precision():
            for numbers in _groups(examples, REFERENCES_AT_ONCE):
                group = [examples[i] for i in numbers]
                state = self.module.start(self._batch(group))
                losses[numbers] = self._losses(state, [example.targets for example in group])
        return losses

    def _precision(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.bf16)

    def _batch(self, examples: Sequence[Example]) -> Batch:
        return to_device(self.collate([(example, []) for example in examples]), self.device)

    def _losses(self, state: Any, targets: Sequence[list[list[int]]]) -> Floats:
        """Compute each video's loss per token ``[b]``; ``targets`` are the references of each."""
        module, tokens, device = self.module, self.tokens, self.device
        counts = torch.tensor([len(of_video) for of_video in targets], device=device)
        ids, mask = pad([target for of_video in targets for target in of_video], tokens.pad)
        ids, mask, start = ids.to(device), mask.to(device), len(tokens.prompt)  # [r, t]
        prompt = torch.tensor(tokens.prompt, device=device).repeat(len(targets), 1)  # [b, prompt]
        each = torch.arange(len(targets), device=device).repeat_interleave(counts)  # [r]
        scores, state = module.step(prompt, state)
        scores, state = scores[each], module.select(state, each)  # [r, v]
        total = torch.zeros(len(ids), device=device)
        for place in range(start, ids.shape[1]):
            column: Tensor = ids[:, place : place + 1]  # [r, 1]
            total -= scores.float().gather(1, column).squeeze(1) * mask[:, place]
            if place + 1 < ids.shape[1]:
                scores, state = module.step(column, state)
        by_video = torch.zeros(2, len(targets), device=device)  # nats and tokens
        by_video.index_add_(1, each, torch.stack((total, mask[:, start:].sum(1).float())))
        return (by_video[0] / by_video[1].clamp(min=1)).double().cpu().numpy()


def _groups(examples: Sequence[Example], rows: int) -> Iterator[list[int]]:
    """Yield numbers of examples of like length, with at least ``rows`` references together."""
    order = [i for i, example in enumerate(examples) if example.targets]
    group: list[int] = []
    for number in sorted(order, key=lambda i: len(examples[i]), reverse=True):
        group.append(number)
        if sum(len(examples[i].targets) for i in group) >= rows:
            yield group
            group = []
    if group:
        yield group
