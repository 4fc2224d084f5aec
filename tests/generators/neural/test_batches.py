"""What does not fit into a batch or a model is counted or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.errors import UsageError
from generators.bart.rows import BartText, VGBartDP, VGBartMH
from generators.neural.batches import Collate, TrainingSet
from generators.neural.examples import Example, ModalityDropout, prepare
from generators.neural.options import TextOptions
from generators.neural.targets import Uniform
from generators.neural.tokens import build
from generators.qms.model import CollateLabelled, Labelled
from generators.qms.rows import without_textual, without_visual
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import MakeRow, blind, video
from tests.generators.test_rows import ROWS, fitted

Make = Callable[..., Context]


def test_what_was_cut_is_counted(context: Make) -> None:
    long = [video(i, text=["apple"] * 40 * (i % 2), references=["buy " * 9]) for i in range(4)]
    generator = fitted(Seq2Seq, context(train__epochs=1), long)
    assert generator.coverage() == {"transcripts truncated": 2, "queries truncated": 4}
    generator.summarize(blind(long[:2]))
    assert generator.coverage() == {"transcripts truncated": 1}


def test_a_cut_query_has_no_end_to_be_learnt() -> None:
    videos = [video(0, references=["buy an apple now", "buy apple"])]
    tokens = build([text for one in videos for text in one.references], 60)
    (example,), _ = prepare(videos, tokens, TextOptions(query_tokens=3))
    cut, complete = example.targets
    assert tokens.decode(cut) == "buy an apple"
    assert tokens.eos not in cut
    assert complete[-1] == tokens.eos


def example(words: int, frames: int) -> Example:
    return Example("a", [2, *[7] * words, 3], np.ones((frames, 4)), [[2, 5, 3]])


def test_modality_dropout_takes_its_share_and_never_both() -> None:
    drop = ModalityDropout(0, text=0.3, frames=0.2, empty=[2, 3])
    drawn = [drop(example(4, 2), epoch) for epoch in range(2000)]
    texts = sum(one.tokens == [2, 3] for one in drawn) / len(drawn)
    frames = sum(len(one.frames) == 0 for one in drawn) / len(drawn)
    assert texts == pytest.approx(0.3, abs=0.03)
    assert frames == pytest.approx(0.2, abs=0.03)
    assert all(len(one.tokens) > 2 or len(one.frames) for one in drawn)
    assert [len(one) for one in drawn] == [len(drop(example(4, 2), epoch)) for epoch in range(2000)]


@pytest.mark.parametrize(("words", "frames"), [(0, 2), (4, 0), (0, 0)])
def test_the_only_modality_of_a_video_is_never_dropped(words: int, frames: int) -> None:
    drop, given = ModalityDropout(0, text=0.5, frames=0.5, empty=[2, 3]), example(words, frames)
    assert all(drop(given, epoch) is given for epoch in range(50))


def test_a_training_example_without_its_transcript_has_no_labels_of_words() -> None:
    labelled = Labelled("a", [2, 7, 3], np.ones((1, 4)), [[2, 5, 3]], labels=[0, 1, 0], row=4)
    drop = ModalityDropout(0, text=1.0, frames=0.0, empty=[2, 3])
    data = TrainingSet([labelled], Uniform(0), drop)
    batch = CollateLabelled(0, 4)([data[0]])
    assert batch["tokens"].tolist() == [[2, 3]]
    assert batch["labels"].tolist() == [[0.0, 0.0]]  # type: ignore[typeddict-item]


@pytest.mark.parametrize("row", [BartText, without_visual, without_textual])
def test_a_row_that_reads_one_modality_drops_none(row: MakeRow, context: Make) -> None:
    trained = [fitted(row, context(train__epochs=1, train__drop_text=share)) for share in (0.0, 0.9)]
    weights = [made.module.state_dict() for made in trained]
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())


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
