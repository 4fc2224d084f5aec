"""Lead takes a fixed number of words or characters, or as many as training queries have."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.context import Context
from bench.errors import DataError
from bench.protocols import Trainable
from bench.types import Video
from generators.lead import LeadOfMeanLength, make_lead
from generators.options import LeadOptions
from tests.generators.conftest import video

TEXT = Video("v", "one two three four five six seven eight nine ten", video(0).frames)


def lead(units: int, language: str = "en") -> LeadOfMeanLength:
    made = make_lead(Context(language=language, sections={"lead": LeadOptions(units=units)}))
    assert isinstance(made, LeadOfMeanLength)
    return made


def test_the_paper_s_length_is_eight_and_needs_no_training() -> None:
    made = make_lead(Context())
    assert not isinstance(made, Trainable)
    assert made.summarize([TEXT]) == {"v": "one two three four five six seven eight"}


def test_the_mean_length_of_training_queries_is_rounded_up(tmp_path: Path) -> None:
    train = [video(0, references=["a b", "a b c"]), video(1, references=["a b"])]
    made, loaded = lead(0), lead(0)
    made.fit(train, [])
    made.save(tmp_path)
    loaded.load(tmp_path)
    assert loaded.summarize([TEXT]) == made.summarize([TEXT]) == {"v": "one two three"}


def test_characters_are_counted_in_chinese() -> None:
    made = lead(0, "zh")
    made.fit([video(0, references=["红烧 肉"])], [])
    assert made.summarize([Video("v", "今天 我们 做菜", TEXT.frames)]) == {"v": "今天我"}


def test_without_training_queries_there_is_no_length() -> None:
    with pytest.raises(DataError, match=r"lead\.units=0 and no training video has a query"):
        lead(0).fit([TEXT], [])
