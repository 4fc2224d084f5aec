"""Rows learn what follows from the inputs that they read, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.context import Context
from generators.bart.rows import BartText
from tests.generators.conftest import MakeRow, blind, named, toy
from tests.generators.test_rows import ROWS

Make = Callable[..., Context]
LONGER = {
    "train__epochs": 24,
    "train__patience": 6,
    "train__warmup": 0.1,
    "decode__max_tokens": 3,
    "seq2seq__lr": 1e-2,
    "seq2seq__width": 48,
    "seq2seq__dropout": 0.0,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
@pytest.mark.parametrize("where", ["text", "frames"])
def test_a_row_learns_what_follows_from_its_inputs(row: MakeRow, where: str, context: Make) -> None:
    generator = row(context(**LONGER))
    generator.fit(toy(160, where=where), toy(16, where=where, start=1000))
    test = toy(48, where=where, start=2000)
    right = named(generator.summarize(blind(test)), test)
    if where == "frames" and row is BartText:
        assert right < 0.35, "it does not read frames: chance is one in eight"
    else:
        assert right > 0.7
