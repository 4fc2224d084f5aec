"""The use of an input is above 0 where the query follows from it, and at 0 where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.context import Context
from bench.exchange import MODALITIES, Modality, exchange_inputs
from bench.metrics.intervals import Interval, mean_interval
from bench.output.schema import LEAST_GAP
from bench.protocols import MeasuringLoss
from generators.bart.rows import BartText
from generators.neural.row import NeuralRow
from generators.qms.rows import qms, without_textual, without_visual
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import toy
from tests.generators.neural.test_learning import LONGER

Make = Callable[..., Context]


def use(row: NeuralRow, modality: Modality, where: str) -> tuple[float, Interval]:
    test = toy(64, where=where, start=2000)
    wrong = exchange_inputs(test, modality, seed=0)
    right = [video for video in test if video.video_id in wrong]
    gaps = row.reference_losses([wrong[video.video_id] for video in right]) - row.reference_losses(right)
    return float(np.mean(gaps)), mean_interval(gaps)


@pytest.mark.parametrize(("where", "other"), [("frames", "text"), ("text", "frames")])
def test_a_row_reads_the_input_that_has_the_query(where: Modality, other: Modality, context: Make) -> None:
    row = Seq2Seq(context(**LONGER))
    row.fit(toy(160, where=where), toy(16, where=where, start=1000))
    gap, interval = use(row, where, where)
    assert gap > 1
    assert interval.low > 0.5
    gap, interval = use(row, other, where)
    assert abs(gap) < LEAST_GAP
    assert interval.low < 0.001, "0 but for rounding: what remains is the noise of a confident model"
    assert interval.high > -0.001
    logged = [entry for entry in row.log if "val_loss" in entry]
    assert logged[-1][f"reads_{where}"] > 1 > abs(logged[-1][f"reads_{other}"])


def test_a_row_names_the_inputs_that_it_has(context: Make) -> None:
    made = {row: row(context()) for row in (Seq2Seq, BartText, qms, without_textual, without_visual)}
    assert [tuple(row.reads) for row in made.values()] == [
        MODALITIES, ("text",), MODALITIES, ("frames",), ("text",)
    ]  # fmt: skip
    assert all(isinstance(row, MeasuringLoss) for row in made.values())
