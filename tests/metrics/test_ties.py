from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from bench.metrics.ranking import RANKING_METRICS, RankingMetric, Relevance, score
from bench.metrics.ties import tie_bounds, unresolved
from bench.types import Run
from tests.metrics.strategies import runs

METRICS = [RankingMetric(kind, k) for kind in ("R", "P", "Acc") for k in (1, 2, 3, 6)]
POOL = tuple("abcdefgh")


def all_orders(scored: dict[str, float]) -> list[list[str]]:
    """Return every order of the documents that their scores allow."""
    levels = sorted(set(scored.values()), reverse=True)
    groups = [permutations([v for v, s in scored.items() if s == level]) for level in levels]
    return [[v for group in order for v in group] for order in product(*groups)]


def one_value(ranking: list[str], relevant: set[str], metric: RankingMetric) -> Fraction:
    good = len(set(ranking[: metric.k]) & relevant)
    denominator = {"R": len(relevant), "P": metric.k, "Acc": max(good, 1)}[metric.kind]
    return Fraction(good, denominator)


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(POOL), st.sampled_from([1.0, 2.0]), max_size=6),
    st.sets(st.sampled_from(POOL), min_size=1),
)
def test_the_bounds_are_those_of_all_permutations(scored: dict[str, float], relevant: set[str]) -> None:
    run = Run.from_hits({"q": list(scored.items())}, POOL, len(POOL))
    bounds = tie_bounds(run, Relevance.from_mapping({"q": relevant}, ["q"], POOL), METRICS)
    orders = all_orders(scored)
    for metric in METRICS:
        values = [one_value(order, relevant, metric) for order in orders]
        ours = bounds[str(metric)]
        assert ours.worst[0] == pytest.approx(float(min(values)), abs=1e-12)
        assert ours.best[0] == pytest.approx(float(max(values)), abs=1e-12)
        assert ours.expected[0] == pytest.approx(float(sum(values) / len(values)), abs=1e-12)


@settings(max_examples=100)
@given(runs())
def test_the_order_by_id_lies_within_the_bounds(case: tuple[Run, Relevance]) -> None:
    run, relevant = case
    ours, bounds = score(run, relevant), tie_bounds(run, relevant)
    for name, bound in bounds.items():
        assert (bound.worst <= ours[name]).all()
        assert (ours[name] <= bound.best).all()
        assert (bound.worst - 1e-12 <= bound.expected).all()
        assert (bound.expected <= bound.best + 1e-12).all()


def test_without_ties_there_is_nothing_to_bound() -> None:
    run = Run.from_hits({"q": [(v, float(i)) for i, v in enumerate(POOL)]}, POOL, 8)
    relevant = Relevance.from_mapping({"q": "ah"}, ["q"], POOL)
    for name, bound in tie_bounds(run, relevant).items():
        assert bound.worst == bound.expected == bound.best == score(run, relevant)[name]


def test_a_constant_scorer_is_chance() -> None:
    videos = [f"v{i:05}" for i in range(20000)]
    hits, scores = np.arange(20000)[None], np.zeros((1, 20000))
    run = Run.from_arrays(["q"], videos, hits, scores, 20000)
    relevant = Relevance.from_mapping({"q": videos[:700]}, ["q"], videos)
    for metric in RANKING_METRICS:
        bound = tie_bounds(run, relevant, [metric])[str(metric)]
        law = hypergeom(20000, 700, metric.k)
        wanted = {"R": law.mean() / 700, "P": 700 / 20000, "Acc": law.sf(0)}[metric.kind]
        assert bound.expected[0] == pytest.approx(wanted, rel=1e-9)
        assert bound.worst[0] == 0
        assert bound.best[0] == {"R": metric.k / 700, "P": 1, "Acc": 1}[metric.kind]


def test_empty_places_are_not_a_tie_group() -> None:
    run = Run.from_hits({"none": [], "one": [("a", 1.0)]}, POOL, 8)
    relevant = Relevance.from_mapping({"none": "a", "one": "b"}, ["none", "one"], POOL)
    for bound in tie_bounds(run, relevant).values():
        assert not bound.best.any()


def test_a_hit_of_score_minus_infinity_is_not_tied_with_empty_places() -> None:
    run = Run.from_hits({"q": [("a", -np.inf)], "other": [("a", 2.0), ("b", 1.0)]}, POOL, 8)
    relevant = Relevance.from_mapping({"q": "a", "other": "a"}, ["q", "other"], POOL)
    for bound in tie_bounds(run, relevant, [RankingMetric("R", 1)]).values():
        assert bound.worst.tolist() == bound.expected.tolist() == bound.best.tolist() == [1.0, 1.0]


def test_unresolved_is_the_query_whose_list_ends_inside_the_group() -> None:
    hits = {
        "ends inside": [("a", 3.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)],
        "ends after": [("a", 3.0), ("b", 1.0), ("c", 1.0), ("d", 0.5)],
        "not full": [("a", 3.0), ("b", 1.0), ("c", 1.0)],
        "another group": [("a", 3.0), ("b", 2.0), ("c", 1.0), ("d", 1.0)],
        "empty": [],
    }
    assert unresolved(Run.from_hits(hits, POOL, 4), 2).tolist() == [True, False, False, False, False]
    # shallower than the cut: nobody knows what follows a full list
    assert unresolved(Run.from_hits(hits, POOL, 4), 5).tolist() == [True, True, False, True, False]
    # the full pool was returned: nothing can follow
    assert not unresolved(Run.from_hits(hits, POOL[:4], 4), 2).any()
    assert unresolved(Run.from_hits(hits, POOL, 0), 2).all()


@settings(max_examples=60)
@given(runs(), st.integers(1, 10))
def test_cutting_a_run_changes_bounds_only_where_it_says_unresolved(
    case: tuple[Run, Relevance], depth: int
) -> None:
    run, relevant = case
    short = Run(run.query_ids, run.video_ids, run.hits[:, :depth], run.scores[:, :depth])
    for metric in [m for m in METRICS if m.k <= depth]:
        full, cut = (tie_bounds(r, relevant, [metric])[str(metric)] for r in (run, short))
        safe = ~unresolved(short, metric.k)
        assert (full.expected == cut.expected)[safe].all()
        assert (full.best == cut.best)[safe].all()
        assert (full.worst == cut.worst)[safe].all()


def test_a_run_of_depth_0_finds_nothing_in_any_order() -> None:
    run = Run(("q",), POOL, np.empty((1, 0), np.int32), np.empty((1, 0), np.float32))
    for bound in tie_bounds(run, Relevance.from_mapping({"q": "ah"}, ["q"], POOL)).values():
        assert bound.worst.tolist() == bound.expected.tolist() == bound.best.tolist() == [0.0]
    assert unresolved(run, 5).dtype == np.bool_
    assert unresolved(run, 5).tolist() == [True]


def test_a_run_without_queries_has_bounds_without_values() -> None:
    run = Run((), POOL, np.empty((0, 3), np.int32), np.empty((0, 3), np.float32))
    bounds = tie_bounds(run, Relevance.from_mapping({}, [], POOL), METRICS)
    assert list(bounds) == [str(metric) for metric in METRICS]
    for bound in bounds.values():
        assert bound.worst.shape == bound.expected.shape == bound.best.shape == (0,)
