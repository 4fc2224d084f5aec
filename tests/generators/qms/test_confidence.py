"""Confidence scores are Dice overlaps of multisets, at their best over a video's queries."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.qms.confidence import Confidence, dice

words = st.lists(st.sampled_from("abcd"), max_size=6)


@given(words, words)
def test_dice_is_within_0_and_1_and_symmetric(one: list[str], other: list[str]) -> None:
    score = dice(Counter(one), Counter(other))
    assert 0 <= score <= 1
    assert score == dice(Counter(other), Counter(one))


@given(words.filter(bool))
def test_identical_texts_score_1_even_with_repeated_words(text: list[str]) -> None:
    assert dice(Counter(text), Counter(text)) == 1


def test_repeated_words_count_as_often_as_both_have_them() -> None:
    assert dice(Counter("aab"), Counter("abb")) == pytest.approx(2 * 2 / 6)
    assert dice(Counter("aaaa"), Counter("a")) == pytest.approx(2 * 1 / 5)


def test_two_empty_texts_score_0() -> None:
    assert dice(Counter(), Counter()) == 0


def test_the_best_query_of_the_right_video_counts() -> None:
    texts = {1: "paint a star", 2: "红色汽车"}
    confidence = Confidence(lambda ids: texts[ids[0]], [["paint", "a star sign"], ["红车", "red car"]])
    assert confidence([[1], [2]], [0, 1]) == pytest.approx([2 * 2 / 6, 2 * 2 / 6])
    assert confidence([[1], [2]], [1, 0]) == [0, 0]
