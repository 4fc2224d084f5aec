"""The epoch that stays is the one whose summaries of validation videos have the best CIDEr."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.context import Context
from generators.bart.rows import BartText
from generators.neural.training.plan import SCORE
from generators.neural.validation import cider
from generators.qms.rows import qms
from tests.generators.conftest import MakeRow, blind, toy

Make = Callable[..., Context]
VAL = toy(16, where="text", start=100)


@pytest.mark.parametrize("row", [BartText, qms], ids=lambda row: row.__name__)
@pytest.mark.parametrize("first", [0, 9])
def test_the_score_in_the_log_is_the_cider_of_what_the_model_writes(
    row: MakeRow, first: int, context: Make
) -> None:
    rules = {"train__validation_videos": first, "train__validation_beams": 4, "train__epochs": 8}
    generator = row(context(**rules))
    generator.fit(toy(96, where="text"), VAL)
    seen = VAL[:first] if first else VAL
    score = cider(generator.summarize(blind(seen)), {v.video_id: v.references for v in seen})
    assert generator.best_score == pytest.approx(score)
    assert score > 0, "every epoch scored 0: nothing was compared"


def test_validation_may_be_decoded_more_cheaply_than_summaries(context: Make) -> None:
    scores = []
    for beams in (1, 4):
        generator = BartText(
            context(train__validation_beams=beams, train__epochs=5, decode__no_repeat_ngram=0)
        )
        generator.fit(toy(96, where="text"), VAL)
        scores.append([entry[SCORE] for entry in generator.log if SCORE in entry])
    assert len(scores[0]) == len(scores[1]) == 5
    assert scores[0] != scores[1]
