"""What does not fit into a batch or a model is counted or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.context import Context
from bench.errors import UsageError
from generators.bart.rows import BartText, VGBartDP, VGBartMH
from generators.neural.batches import Collate, Example
from generators.seq2seq import Seq2Seq
from tests.generators.conftest import MakeRow, blind, video
from tests.generators.test_rows import ROWS, fitted

Make = Callable[..., Context]


def test_what_was_cut_is_counted(context: Make) -> None:
    long = [video(i, text=["apple"] * 40 * (i % 2), references=["buy " * 9]) for i in range(4)]
    generator = fitted(Seq2Seq, context(train__epochs=1), long)
    assert generator.coverage() == {"transcripts truncated": 2, "queries truncated": 4}
    generator.summarize(blind(long[:2]))
    assert generator.coverage() == {"transcripts truncated": 1}


def test_collating_needs_no_frames_in_the_whole_batch() -> None:
    batch = Collate(0, 4)([(Example("a", [2, 3], np.zeros((0, 0)), []), [])])
    assert batch["frames"].shape == (1, 0, 4)
    assert batch["targets"].shape == (1, 0)


@pytest.mark.parametrize("row", [row for row in ROWS if row is not Seq2Seq], ids=lambda row: row.__name__)
@pytest.mark.parametrize("where", ["text", "frames"])
def test_inputs_longer_than_a_model_has_places_for_say_which_options_to_lower(
    row: MakeRow, where: str, context: Make
) -> None:
    if (row, where) in ((BartText, "frames"), (VGBartDP, "frames"), (VGBartMH, "frames")):
        return  # their frames have no places
    text, frames = (["apple"] * 600, 1) if where == "text" else (["apple"], 600)
    long = [video(i, text=text, frames=frames, references=["buy apple"]) for i in range(4)]
    generator = row(context(text__transcript_tokens=600, train__epochs=1))
    with pytest.raises(UsageError, match=r"text\.transcript_tokens and data\.max_frames .* 512"):
        generator.fit(long, [])
