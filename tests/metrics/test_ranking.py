from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from bench.errors import UsageError
from bench.metrics.ranking import (
    RANKING_METRICS,
    RankingMetric,
    Relevance,
    relevant_ranks,
    score,
)
from bench.types import Run
from tests.metrics.strategies import as_dicts, relevant_sets, runs

POOL = ("a", "b", "c", "d")


def run_of(hits: dict[str, str], k: int = 4) -> Run:
    """Build a run in which each query finds the letters of its word, in that order."""
    scored = {q: [(v, float(-i)) for i, v in enumerate(word)] for q, word in hits.items()}
    return Run.from_hits(scored, POOL, k)


def test_the_printed_name_is_the_metric() -> None:
    assert [str(m) for m in RANKING_METRICS[:5]] == ["R@1", "R@5", "R@10", "R@30", "P@1"]
    assert all(RankingMetric.parse(str(m)) == m for m in RANKING_METRICS)
    assert RankingMetric.parse("Acc@7") == RankingMetric("Acc", 7)
    assert RankingMetric.parse("P@123456789") == RankingMetric("P", 123456789)


@pytest.mark.parametrize(
    "name",
    ["R@0", "R@05", "R@", "R5", "r@5", "MRR@5", "R@-1", "R@٣", "R@1٣", "", "P@9999999999", "P@" + "9" * 5000],
)
def test_another_name_is_wrong_use(name: str) -> None:
    with pytest.raises(UsageError, match="unknown ranking metric"):
        RankingMetric.parse(name)


def test_a_metric_that_does_not_exist_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="R@0"):
        RankingMetric("R", 0)


def test_the_three_definitions_by_hand() -> None:
    run = run_of({"q": "abc"})
    relevant = Relevance.from_mapping({"q": {"b", "c", "d"}}, ["q"], POOL)
    metrics = [RankingMetric(kind, k) for kind in ("R", "P", "Acc") for k in (1, 2, 3, 10)]
    values = {name: float(value[0]) for name, value in score(run, relevant, metrics).items()}
    assert values == pytest.approx(
        {"R@1": 0, "R@2": 1 / 3, "R@3": 2 / 3, "R@10": 2 / 3}
        | {"P@1": 0, "P@2": 1 / 2, "P@3": 2 / 3, "P@10": 2 / 10}  # P divides by k, not by what came back
        | {"Acc@1": 0, "Acc@2": 1, "Acc@3": 1, "Acc@10": 1}
    )


def test_a_query_without_results_scores_nothing_and_still_counts() -> None:
    run = run_of({"none": "", "all": "a"})
    relevant = Relevance.from_mapping({"none": ["a"], "all": ["a"]}, ["none", "all"], POOL)
    for values in score(run, relevant).values():
        assert values.shape == (2,)
        assert values[0] == 0
        assert values[1] > 0


def test_a_run_without_any_place_scores_nothing() -> None:
    relevant = Relevance.from_mapping({"q": ["a"]}, ["q"], POOL)
    assert score(run_of({"q": ""}, k=0), relevant)["R@30"].tolist() == [0.0]


def test_relevance_outside_the_pool_is_not_counted() -> None:
    relevant = Relevance.from_mapping({"q": ["a", "elsewhere", "a"]}, ["q", "unjudged"], POOL)
    assert relevant.counts.tolist() == [1, 0]
    run = run_of({"q": "a", "unjudged": "a"})
    assert score(run, relevant)["R@1"].tolist() == [1.0, 0.0]


def test_videos_that_only_the_run_knows_take_up_ranks() -> None:
    run = run_of({"q": "da"})
    relevant = Relevance.from_mapping({"q": ["a", "d"]}, ["q"], POOL[:3])
    assert relevant_ranks(run, relevant).tolist() == [2]
    assert score(run, relevant)["R@1"].tolist() == [0.0]


def test_another_order_of_queries_or_videos_is_refused() -> None:
    run, relevant = run_of({"q": "a", "p": "b"}), Relevance.from_mapping({}, ["q", "p"], POOL)
    with pytest.raises(ValueError, match="different queries"):
        score(run, replace(relevant, query_ids=("p", "q")))
    with pytest.raises(ValueError, match="different pools"):
        score(run, replace(relevant, video_ids=("b", "a", "c", "d")))


@settings(max_examples=100)
@given(runs())
def test_the_arrays_agree_with_the_definitions_spelled_out(case: tuple[Run, Relevance]) -> None:
    run, relevant = case
    values = score(run, relevant)
    truth = relevant_sets(relevant)
    for n, (query, ranking) in enumerate(as_dicts(run).items()):
        for metric in RANKING_METRICS:
            good = len(set(ranking[: metric.k]) & truth[query])
            wanted = {"R": good / len(truth[query]), "P": good / metric.k, "Acc": float(good > 0)}
            assert values[str(metric)][n] == wanted[metric.kind]


def test_chunks_do_not_change_the_ranks() -> None:
    rng = np.random.default_rng(0)
    queries, videos = [f"q{i}" for i in range(300)], [f"v{i}" for i in range(400)]
    order = rng.permuted(np.tile(np.arange(400), (300, 1)), axis=1)
    run = Run.from_arrays(queries, videos, order, -np.arange(400.0)[None].repeat(300, 0), 400)
    relevant = Relevance.from_mapping(dict.fromkeys(queries, videos[:100]), queries, videos)  # 3 chunks
    assert len(relevant.positions) * run.depth > 2 * 2**22
    assert (relevant_ranks(run, relevant) == 1 + np.argsort(order, axis=1)[:, :100].ravel()).all()


def test_positions_and_ranks_are_small_integers_also_where_nothing_is_relevant() -> None:
    run = Run.from_hits({"q": [("a", 1.0)]}, ("a", "b"), 1)
    for videos in ("ab", ""):
        relevant = Relevance.from_mapping({"q": videos}, ["q"], ("a", "b"))
        assert relevant.positions.dtype == np.int32
        assert relevant_ranks(run, relevant).dtype == np.int32
