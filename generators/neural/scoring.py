"""How probable a row finds given texts: teacher-forced losses, by the decoder that writes its summaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from generators.neural.batches import Collate, Example, pad, to_device
from generators.neural.tokens import Tokens

Floats: TypeAlias = npt.NDArray[np.float64]


@torch.inference_mode()
def reference_losses(
    module: Any,
    examples: Sequence[Example],
    *,
    collate: Collate,
    tokens: Tokens,
    rows: int,
    device: str,
    bf16: bool,
) -> Floats:
    """Return the mean loss of each example's references ``[n]``, in nats per token; NaN where it has none.

    The decoder reads the true tokens, and each next one costs -log p. All references of an example count,
    each token alike; a prompt costs nothing. About ``rows`` references are read at once.
    """
    losses = np.full(len(examples), np.nan)
    module.eval()
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
        for numbers in _groups(examples, rows):
            group = [examples[i] for i in numbers]
            batch = to_device(collate([(example, []) for example in group]), device)
            state = module.start(batch)
            losses[numbers] = _losses(module, state, [example.targets for example in group], tokens, device)
    return losses


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


def _losses(
    module: Any, state: Any, targets: Sequence[list[list[int]]], tokens: Tokens, device: str
) -> Floats:
    """Return each video's loss per token ``[b]``; ``targets`` are the references of each."""
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
