from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from bench.metrics import intervals
from bench.metrics.intervals import bootstrap_sums, mean_interval, mean_intervals

RNG = np.random.default_rng(1)


def test_the_interval_is_that_of_scipy() -> None:
    values = RNG.beta(0.3, 0.5, size=300)
    ours = mean_interval(values, draws=10_000)
    theirs = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=2).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_narrows_with_the_root_of_the_queries() -> None:
    values = RNG.normal(size=400)
    few, many = mean_interval(values), mean_interval(np.tile(values, 16))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.1)
    assert few.high - few.low == pytest.approx(2 * norm.isf(0.025) * values.std() / 20, rel=0.1)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = [
        low <= 0.3 <= high
        for low, high in (mean_interval(rng.random(80) < 0.3, seed=s, draws=300) for s in range(300))
    ]
    assert 0.90 <= np.mean(held) <= 0.98


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    values = RNG.normal(size=50)
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


def test_chunks_change_nothing_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.normal(size=(50, 2))
    at_once = bootstrap_sums(values, draws=101)
    monkeypatch.setattr(intervals, "_CHUNK", 500)
    assert bootstrap_sums(values, draws=101) == pytest.approx(at_once, abs=1e-12)


def test_columns_share_their_draws() -> None:
    values = RNG.normal(size=60)
    both = mean_intervals({"once": values, "twice": 2 * values})
    assert both["once"] == pytest.approx(mean_interval(values), abs=1e-12)
    assert np.array(both["twice"]) == pytest.approx(2 * np.array(both["once"]), abs=1e-12)


def test_one_query_and_a_constant_have_no_width_and_no_query_no_number() -> None:
    assert mean_interval(np.array([0.25])) == (0.25, 0.25)
    assert mean_interval(np.ones(10)) == (1.0, 1.0)
    assert all(math.isnan(end) for end in mean_interval(np.zeros(0)))


def test_an_item_that_counts_several_times_is_drawn_once_with_its_weight() -> None:
    values, weights = RNG.random(80), RNG.integers(1, 9, size=80).astype(float)
    copies = np.repeat(values, weights.astype(int))
    low, high = mean_interval(values * weights, weights=weights)
    naive = mean_interval(copies)
    assert low < copies.mean() < high
    assert high - low > 1.5 * (naive.high - naive.low)
    assert mean_interval(weights, weights=weights) == (1.0, 1.0)
    assert mean_interval(values, weights=np.ones(80)) == mean_interval(values)
