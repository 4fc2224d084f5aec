"""The decoder of a search gives what the library's decoder gives to whole sequences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart, random_bart
from generators.bart.shape import BartShape

SHAPE = BartShape(
    vocabulary=50, specials=(0, 2, 3), encoder_layers=1, decoder_layers=2, width=16, heads=2, feed_forward=32,
    dropout=0.1,
)  # fmt: skip
ROWS = [[0, 0, 1, 1, 2, 2], [2, 1, 0], [0, 1, 1, 1, 2], [1], [2, 2, 0, 0]]
"""What a search, or the losses of references, take of three videos: as many rows of each, or not."""


@pytest.fixture(scope="module")
def model() -> FusedBart:
    torch.manual_seed(0)
    return FusedBart(random_bart(SHAPE.config()), TextOnly(16, 1)).eval()


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("padded", [True, False])
@torch.inference_mode()
def test_each_row_reads_the_memory_of_its_video(model: FusedBart, rows: list[int], padded: bool) -> None:
    torch.manual_seed(1)
    memory, mask = torch.randn(3, 7, 16), torch.ones(3, 7).bool()
    if padded:
        mask[1, 4:] = False
    prompt, picked = torch.tensor([[2, 5], [2, 6], [2, 7]]), torch.tensor(rows)
    _, state = model.step(prompt, model.begin(memory, mask))
    state = model.select(state, picked)
    read: Tensor = prompt[picked]  # [n, 2]
    for _ in range(3):
        token = torch.randint(4, 50, (len(rows), 1))
        read = torch.cat((read, token), 1)
        scores, state = model.step(token, state)
        expected = model.logits(read, memory[picked], mask[picked])[:, -1].log_softmax(-1)
        torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_beams_are_ordered_anew_and_videos_dropped(model: FusedBart) -> None:
    torch.manual_seed(2)
    memory, mask = torch.randn(3, 7, 16), torch.ones(3, 7).bool()
    _, state = model.step(torch.full((3, 1), 2), model.begin(memory, mask))
    state = model.select(state, torch.arange(3).repeat_interleave(2))
    first = torch.arange(4, 10)[:, None]
    _, state = model.step(first, state)
    order = torch.tensor([1, 0, 2, 2, 5, 4])
    state = model.select(model.reorder(state, order), torch.tensor([0, 1, 4, 5]))
    rows = order[[0, 1, 4, 5]]
    read = torch.cat((torch.full((4, 1), 2), first[rows], torch.full((4, 1), 11)), 1)
    scores, _ = model.step(read[:, -1:], state)
    expected = model.logits(read, memory[rows // 2], mask[rows // 2])[:, -1].log_softmax(-1)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)
