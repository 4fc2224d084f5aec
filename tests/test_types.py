"""The one ordering rule: score descending, then video id ascending, empty places last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.types import NO_HIT, Run

IDS = ["v10", "v2", "b", "a", "视频", "V2"]
HITS = st.dictionaries(
    st.sampled_from(IDS), st.sampled_from([0.0, -1.5, 2.0, 2.25, 1e-7, 1e6]), max_size=len(IDS)
).map(lambda hits: list(hits.items()))


def ranked(run: Run, row: int = 0) -> list[str]:
    return [run.video_ids[hit] for hit in run.hits[row] if hit != NO_HIT]


def test_a_tie_goes_by_id_as_text_not_as_number_nor_as_position() -> None:
    run = Run.from_hits({"q": [("v2", 1.0), ("v10", 1.0), ("b", 1.0), ("a", 2.0)]}, IDS, 10)
    assert ranked(run) == ["a", "b", "v10", "v2"]


@given(st.lists(HITS, min_size=1, max_size=4), st.integers(1, 8))
def test_each_row_is_best_first_and_ties_by_id(queries: list[list[tuple[str, float]]], k: int) -> None:
    run = Run.from_hits({f"q{i}": hits for i, hits in enumerate(queries)}, IDS, k)
    assert run.hits.shape == run.scores.shape == (len(queries), k)
    assert run.depth == k
    for row, hits in enumerate(queries):
        best = sorted(hits, key=lambda hit: (-np.float32(hit[1]), hit[0]))[:k]
        assert ranked(run, row) == [video for video, _ in best]
        empty = run.hits[row] == NO_HIT
        assert np.isneginf(run.scores[row][empty]).all()
        assert not empty[: len(best)].any()


@given(HITS, st.randoms(use_true_random=False))
def test_the_order_in_which_hits_are_given_decides_nothing(
    hits: list[tuple[str, float]], chance: object
) -> None:
    shuffled = list(hits)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (Run.from_hits({"q": hits}, IDS, 6) for hits in (hits, shuffled))
    assert ranked(one) == ranked(other)


@given(HITS, st.permutations(IDS))
def test_the_order_of_the_pool_decides_nothing(hits: list[tuple[str, float]], pool: list[str]) -> None:
    assert ranked(Run.from_hits({"q": hits}, IDS, 6)) == ranked(Run.from_hits({"q": hits}, pool, 6))


def test_scores_are_compared_as_they_are_kept() -> None:
    run = Run.from_hits({"q": [("b", 1.0 + 1e-12), ("a", 1.0)]}, IDS, 2)  # one float32
    assert ranked(run) == ["a", "b"]


def test_a_query_without_results_is_a_row_of_nothing() -> None:
    run = Run.from_hits({"q": [], "r": [("a", 1.0)]}, IDS, 3)
    assert run.query_ids == ("q", "r")
    assert ranked(run, 0) == []
    assert ranked(run, 1) == ["a"]


@pytest.mark.parametrize("queries", [{}, {"q": []}])
def test_nothing_to_order_is_no_error(queries: dict[str, list[tuple[str, float]]]) -> None:
    assert Run.from_hits(queries, [], 5).hits.shape == (len(queries), 5)


def test_a_depth_below_0_is_refused_and_ids_may_be_read_once() -> None:
    with pytest.raises(ValueError, match="at least 0, not -1"):
        Run.from_hits({"q": [("a", 1.0)]}, ["a"], -1)
    assert Run.from_hits({"q": [("b", 1.0)]}, iter(["a", "b"]), 1).video_ids == ("a", "b")


def test_a_stranger_is_refused() -> None:
    with pytest.raises(KeyError):
        Run.from_hits({"q": [("nobody", 1.0)]}, IDS, 3)


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_order_are_left_as_sorting_leaves_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = [f"v{number}" for number in rng.permutation(30)]
    hits = np.array([rng.permutation(30)[:12] for _ in range(8)])  # [Q, m]
    hits[3, 7:] = NO_HIT
    scores = rng.integers(0, 4, hits.shape).astype(np.float32)  # with many ties
    run = Run.from_arrays([f"q{i}" for i in range(8)], ids, hits, scores, 12)
    again = Run.from_arrays(run.query_ids, ids, run.hits, run.scores, 12)
    assert np.array_equal(again.hits, run.hits)
    assert np.array_equal(again.scores, run.scores)
    for row, values in zip(run.hits, run.scores, strict=True):
        keys = [(-score, ids[hit]) for hit, score in zip(row, values, strict=True) if hit != NO_HIT]
        assert keys == sorted(keys)
