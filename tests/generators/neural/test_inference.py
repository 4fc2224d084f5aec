"""Teacher-forced losses by the decoder equal those of one pass over the target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.types import Video
from generators.bart.rows import BartText
from generators.neural.examples import prepare
from tests.generators.conftest import MakeRow, built, toy
from tests.generators.test_rows import ROWS

Make = Callable[..., Context]


@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row, type)], ids=lambda row: row.__name__)
def test_a_loss_is_that_of_one_pass_over_every_reference(row: MakeRow, context: Make) -> None:
    videos = [
        Video(v.video_id, v.transcript, v.frames, (*v.references, "see why")[: 1 + i % 3])
        for i, v in enumerate([*toy(6, where="text"), *toy(5, where="frames", start=50)])
    ]
    generator = built(row(context(mdvc__smoothing=0.0, decode__batch_size=2)), videos)
    examples, _ = prepare(videos, generator.tokens, generator.text)
    with torch.no_grad():
        expected = []
        for example in examples:
            passes = [
                (len(target) - 1, float(generator.module(generator.collate([(example, target)]))["loss"]))
                for target in example.targets
            ]
            expected.append(sum(n * loss for n, loss in passes) / sum(n for n, _ in passes))
    assert generator.reference_losses(videos) == pytest.approx(expected, abs=1e-5)


def test_a_video_without_references_has_no_loss(context: Make) -> None:
    first, second = toy(2, where="text")
    generator = built(BartText(context()), [first, second])
    losses = generator.reference_losses([Video(first.video_id, "hello", first.frames), second])
    assert np.isnan(losses).tolist() == [True, False]
