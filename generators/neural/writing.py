"""Summaries of a list of videos by one beam search, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from bench.types import VideoId
from generators.neural.batches import Collate, Example, to_device
from generators.neural.decoding import Rules, beam_search
from generators.neural.tokens import Tokens


def write_summaries(
    module: Any,
    examples: Sequence[Example],
    *,
    collate: Collate,
    tokens: Tokens,
    rules: Rules,
    batch_size: int,
    device: str,
    bf16: bool,
) -> dict[VideoId, str]:
    """Return a summary of each example.

    The longest come first, so that too little memory shows at once.
    """
    order = sorted(examples, key=len, reverse=True)
    summaries: dict[VideoId, str] = {}
    module.eval()
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            batch = to_device(collate([(example, []) for example in part]), device)
            for example, ids in zip(part, beam_search(module, batch, rules), strict=True):
                summaries[example.video_id] = tokens.decode(ids)
    return summaries
