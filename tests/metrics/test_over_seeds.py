from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from bench.metrics.over_seeds import (
    interval_over_seeds,
    minimum_detectable_over_seeds,
    paired_test_over_seeds,
)
from bench.metrics.significance import paired_test


def make_null(rng: np.random.Generator, seed_spread: float, seeds: int = 4) -> list[np.ndarray]:
    """Return two methods that do not differ, ``[seeds, Q]``: hard queries, lucky seeds, noise."""
    hard = rng.normal(0, 1, size=50)
    return [
        hard + rng.normal(0, seed_spread, size=(seeds, 1)) + rng.normal(0, 0.3, size=(seeds, 50))
        for _ in range(2)
    ]


@pytest.mark.parametrize("seed_spread", [0.0, 0.2])
def test_a_null_is_not_rejected_more_often_than_alpha(seed_spread: float) -> None:
    rng = np.random.default_rng(5)
    pairs = [make_null(rng, seed_spread) for _ in range(400)]
    rejected = np.mean([paired_test_over_seeds(a, b).p_value < 0.05 for a, b in pairs])
    assert rejected <= 0.075


def test_averaging_seeds_alone_would_detect_differences_that_are_chance() -> None:
    rng = np.random.default_rng(5)
    pairs = [make_null(rng, 0.2) for _ in range(100)]
    naive = [paired_test(a.mean(0), b.mean(0), draws=300).p_value < 0.05 for a, b in pairs]
    assert np.mean(naive) > 0.3


def test_a_real_difference_is_detected() -> None:
    a, b = make_null(np.random.default_rng(2), 0.02)
    test = paired_test_over_seeds(a + 0.5, b)
    assert test.p_value < 0.001
    assert test.difference == pytest.approx(0.5, abs=0.1)
    assert test.wins > 40


def test_luckier_seeds_make_a_difference_less_certain() -> None:
    a, b = make_null(np.random.default_rng(2), 0.0)
    lucky = np.array([[-0.4], [-0.1], [0.1], [0.4]])
    assert paired_test_over_seeds(a + 0.2 + lucky, b).p_value > paired_test_over_seeds(a + 0.2, b).p_value


def test_one_seed_each_is_the_paired_t_test_over_queries() -> None:
    a, b = make_null(np.random.default_rng(3), 0.1, seeds=1)
    assert paired_test_over_seeds(a, b).p_value == pytest.approx(ttest_rel(a[0], b[0]).pvalue, abs=1e-12)


def test_a_system_without_chance_repeats_itself_and_the_test_holds() -> None:
    a, b = make_null(np.random.default_rng(3), 0.1)
    fixed = np.repeat(b[:1], 4, axis=0)
    assert 0 < paired_test_over_seeds(a, fixed).p_value <= 1
    assert paired_test_over_seeds(fixed, b[:1]).p_value == 1.0


def test_identical_methods_and_a_single_query_prove_nothing() -> None:
    a, _ = make_null(np.random.default_rng(3), 0.1)
    assert paired_test_over_seeds(a, a).p_value == 1.0
    assert paired_test_over_seeds(a, a[::-1]).p_value == 1.0  # the same models in another order
    assert paired_test_over_seeds(a[:, :1] + 1, a[:, :1]).p_value == 1.0
    assert paired_test_over_seeds(np.ones((3, 9)), np.zeros((2, 9))).p_value == 0.0


def test_the_interval_takes_in_queries_and_seeds() -> None:
    rng = np.random.default_rng(4)
    a, b = make_null(rng, 0.3)
    both = interval_over_seeds(a, b)
    one_model = interval_over_seeds(a.mean(0, keepdims=True), b.mean(0, keepdims=True))
    assert both.high - both.low > 2 * (one_model.high - one_model.low)
    assert both.low < (a.mean() - b.mean()) < both.high
    assert interval_over_seeds(a, b) == both
    alone = interval_over_seeds(a)
    assert alone.low < a.mean() < alone.high


@pytest.mark.parametrize(
    ("seeds", "seed_spread", "queries"),
    [(3, 0.1, 150), (3, 0.5, 150), (3, 0.1, 1000), (2, 0.3, 150), (3, 0.0, 150), (5, 0.1, 150)],
)
def test_an_interval_over_seeds_covers_the_truth_as_often_as_it_says(
    seeds: int, seed_spread: float, queries: int
) -> None:
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(400):
        lucky, noise = rng.normal(0, seed_spread, size=(seeds, 1)), rng.normal(0, 0.3, size=(seeds, queries))
        low, high = interval_over_seeds(rng.normal(0, 1, size=queries) + lucky + noise, draws=120)
        covered.append(low <= 0 <= high)
    assert np.mean(covered) >= 0.93


def test_an_interval_of_a_difference_over_seeds_covers_none_where_methods_are_equal() -> None:
    rng = np.random.default_rng(9)
    intervals = [interval_over_seeds(*make_null(rng, 0.2, seeds=3), draws=120) for _ in range(400)]
    assert np.mean([low <= 0 <= high for low, high in intervals]) >= 0.93


def test_seeds_that_agree_have_the_interval_of_one() -> None:
    one = np.random.default_rng(4).random((1, 60))
    assert interval_over_seeds(np.repeat(one, 3, axis=0)) == pytest.approx(interval_over_seeds(one))


def test_two_seeds_of_one_query_have_the_interval_of_their_seeds() -> None:
    low, high = interval_over_seeds(np.array([[0.4], [0.6]]))
    assert (low, high) == pytest.approx((0.5 - 12.706 * 0.1, 0.5 + 12.706 * 0.1), abs=1e-3)


@pytest.mark.parametrize("other", [np.zeros((4, 49)), np.zeros(50), np.zeros((0, 50))])
def test_other_queries_are_refused(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two arrays"):
        paired_test_over_seeds(np.zeros((4, 50)), other)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 33])
@pytest.mark.parametrize(("seeds", "seed_spread"), [(3, 0.1), (3, 0.3), (4, 0.3)])
def test_what_can_be_detected_over_seeds_is_what_a_simulation_detects(
    seeds: int, seed_spread: float, alpha: float
) -> None:
    rng = np.random.default_rng(4)

    def draw(difference: float) -> tuple[np.ndarray, np.ndarray]:
        queries = rng.normal(0, 1, size=60)
        sides = [
            rng.normal(0, seed_spread, size=(seeds, 1)) + rng.normal(0, 0.5, size=(seeds, 60))
            for _ in range(2)
        ]
        return sides[0] + queries + difference, sides[1] + queries

    estimates = [minimum_detectable_over_seeds(*draw(0.0), alpha=alpha) for _ in range(150)]
    detectable = float(np.median(estimates))
    detected = [paired_test_over_seeds(*draw(detectable)).p_value < alpha for _ in range(300)]
    assert np.mean(detected) == pytest.approx(0.8, abs=0.1)


def test_nothing_can_be_detected_over_a_single_query_and_nothing_is_known_without_spread() -> None:
    assert minimum_detectable_over_seeds(np.ones((3, 1)), np.zeros((3, 1))) == math.inf
    assert math.isnan(minimum_detectable_over_seeds(np.ones((3, 5)), np.zeros((3, 5))))
