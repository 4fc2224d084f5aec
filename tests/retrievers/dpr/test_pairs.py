"""The pairs of fine-tuning, which texts are negatives, and what validation ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.types import Video
from retrievers.dpr.pairs import make_ranking, sibling_pairs, summary_pairs


def videos(*references: Sequence[str]) -> list[Video]:
    none = np.empty((0, 1), dtype=np.float32)
    return [Video(f"v{i}", "", none, tuple(texts)) for i, texts in enumerate(references)]


def of(texts: Sequence[str]) -> dict[str, str]:
    return {f"v{i}": text for i, text in enumerate(texts)}


def test_siblings_are_different_queries_of_one_video() -> None:
    some = videos(("red", "Red "), ("fox", "whale"), ("only",), ())
    assert sorted(sibling_pairs(some, 0, None).pairs) == [("fox", "whale"), ("whale", "fox")]
    assert len(sibling_pairs(videos(("a", "b", "c")), 0, 3).pairs) == 3


def test_a_pair_is_a_query_and_the_summary_of_its_video() -> None:
    some = videos(("red", "Red ", "fox"), ("blue",), (), ("whale",), ("beef",))
    summaries = {"v0": "cook", "v1": " ", "v2": "oil", "v3": "pan"}  # none of v4
    expected = [("Red ", "cook"), ("fox", "cook"), ("whale", "pan")]
    assert sorted(summary_pairs(some, summaries, 0, None).pairs) == expected
    assert len(summary_pairs(some, summaries, 0, 2).pairs) == 2


def test_the_same_text_and_any_video_of_the_query_are_no_negatives() -> None:
    # "funny" is a query of two videos
    pairs = sibling_pairs(videos(("funny", "cat"), ("funny", "dog"), ("red", "blue")), 0, 1)
    assert not pairs.is_negative("funny", "cat")
    assert not pairs.is_negative("funny", "dog")
    assert not pairs.is_negative("funny", "FUNNY")
    assert pairs.is_negative("cat", "dog")
    assert pairs.is_negative("funny", "red")


def test_a_summary_of_another_video_is_no_negative_when_it_equals_the_query_or_the_positive() -> None:
    some = videos(("red", "fox"), ("blue",), ("whale",), ("swims",))
    pairs = summary_pairs(some, of(["cook", "COOK", "red", "oil"]), 0, None)
    summaries = ("cook", "red", "oil")
    assert [pairs.is_negative("blue", text) for text in summaries] == [False, True, True]
    assert [pairs.is_negative("red", text) for text in summaries] == [False, False, True]
    assert [pairs.is_negative("fox", text) for text in summaries] == [False, True, True]


def test_a_shared_query_keeps_the_relevant_texts_of_all_its_videos() -> None:
    some = videos(("funny", "cat"), ("funny", "dog"), ("red", "blue"))
    ranking = make_ranking(sibling_pairs(some, 0, None))
    assert ranking.relevant["funny"] == {"cat", "dog"}
    assert ranking.relevant["red"] == {"blue"}
    assert set(ranking.documents) == {"funny", "cat", "dog", "red", "blue"}


def test_validation_ranks_all_summaries_and_equal_ones_are_one() -> None:
    some = videos(("red", "fox"), ("red",), (), ("oil",))
    summaries = ["cook", "Beef", "beef", ""]
    ranking = make_ranking(summary_pairs(some, of(summaries), 0, None), summaries)
    assert set(ranking.queries) == {"red", "fox"}
    assert set(ranking.documents) == {"cook", "beef"}
    assert ranking.relevant == {"red": {"cook", "beef"}, "fox": {"cook"}}
