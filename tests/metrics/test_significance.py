from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, permutation_test, ttest_rel
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from bench.metrics import significance
from bench.metrics.significance import (
    DRAWS,
    Groups,
    groups_by_tests,
    holm,
    letters,
    minimum_detectable_difference,
    paired_test,
)

RNG = np.random.default_rng(7)


def scipy_p(differences: np.ndarray, draws: float) -> float:
    def mean(x: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(x.mean(axis=axis))

    pair = (differences, np.zeros_like(differences))
    test = permutation_test(
        pair, lambda x, y, axis: mean(x - y, axis), permutation_type="samples", n_resamples=draws, rng=0
    )
    return float(test.pvalue)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.2, 1.0]), min_size=2, max_size=9))
def test_few_queries_get_scipys_exact_p(differences: list[float]) -> None:
    d = np.array(differences)
    assert paired_test(d, np.zeros_like(d)).p_value == pytest.approx(scipy_p(d, np.inf), abs=1e-12)


def test_the_largest_number_of_queries_that_is_counted_gets_scipys_exact_p() -> None:
    d = RNG.normal(0.3, 1, size=13)
    assert paired_test(d, np.zeros_like(d)).p_value == pytest.approx(scipy_p(d, np.inf), abs=1e-12)


@pytest.mark.parametrize("d", [np.ones(60), np.linspace(1, 2, 60)])
def test_the_observed_signs_are_one_of_the_draws(d: np.ndarray) -> None:
    assert paired_test(d, np.zeros_like(d), draws=99).p_value == pytest.approx(1 / 100, abs=1e-12)


def test_every_draw_is_made_also_in_parts_of_unequal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = np.empty

    def unset(shape: Any, *kind: Any, **more: Any) -> Any:  # what is not drawn counts as extreme
        return np.full(99, np.inf) if shape == 99 else empty(shape, *kind, **more)

    monkeypatch.setattr(np, "empty", unset)
    monkeypatch.setattr(significance, "_CHUNK", 600)  # ten draws of 60 sizes
    assert paired_test(np.linspace(1, 2, 60), np.zeros(60), draws=99).p_value == pytest.approx(1 / 100)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("grid", [None, 0.25])
def test_many_queries_get_scipys_p_up_to_chance(shift: float, grid: float | None) -> None:
    d = RNG.normal(shift, 1, size=400)
    d = d if grid is None else np.round(d / grid) * grid  # as ranking metrics: few distinct values
    ours = paired_test(d, np.zeros_like(d)).p_value
    assert ours == pytest.approx(scipy_p(d, 9999), abs=0.02)
    assert ours == pytest.approx(ttest_rel(d, np.zeros_like(d)).pvalue, abs=0.03)


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_identical_systems_do_not_differ(n: int) -> None:
    scores = RNG.random(n)
    test = paired_test(scores, scores.copy())
    assert (test.p_value, test.difference, test.wins, test.ties, test.losses) == (1.0, 0.0, 0, n, 0)


def test_rounding_is_no_difference() -> None:
    a = RNG.random(200)
    test = paired_test(a, a + 1e-16)
    assert (test.p_value, test.ties) == (1.0, 200)


def test_one_query_proves_nothing() -> None:
    test = paired_test(np.array([1.0]), np.array([0.0]))
    assert (test.p_value, test.difference, test.wins) == (1.0, 1.0, 1)


def test_a_constant_gain_is_found_without_a_warning() -> None:
    assert paired_test(np.ones(20), np.zeros(20)).p_value < 1e-3
    assert paired_test(np.ones(5), np.zeros(5)).p_value == pytest.approx(2 / 2**5)


def test_wins_and_losses_are_ours() -> None:
    test = paired_test(np.array([1, 1, 0, 0.5]), np.array([0, 0.5, 1, 0.5]))
    assert (test.wins, test.ties, test.losses) == (2, 1, 1)
    assert test.difference == pytest.approx(0.125)


def test_swapping_the_systems_swaps_the_sign_only() -> None:
    a, b = RNG.random(60), RNG.random(60)
    one, other = paired_test(a, b), paired_test(b, a)
    assert one.p_value == other.p_value
    assert one.difference == -other.difference


def test_the_test_is_determined_by_its_seed() -> None:
    a, b = RNG.random(60), RNG.random(60)
    assert paired_test(a, b, seed=1) == paired_test(a, b, seed=1)
    assert paired_test(a, b, seed=1) != paired_test(a, b, seed=2)
    assert paired_test(a, b) == paired_test(a, b, seed=0) != paired_test(a, b, seed=1)


def test_a_null_is_rejected_as_often_as_alpha() -> None:
    rng = np.random.default_rng(11)
    p = np.array([paired_test(*rng.random((2, 40)), seed=s, draws=400).p_value for s in range(1000)])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.05)


def test_a_null_of_few_values_is_never_rejected_more_often_than_alpha() -> None:
    rng = np.random.default_rng(12)
    p = [paired_test(*(rng.random((2, 40)) < 0.4), seed=s, draws=400).p_value for s in range(1000)]
    assert np.mean(np.array(p) <= 0.05) <= 0.06


@pytest.mark.parametrize("bad", [np.array([1.0, np.nan]), np.array([1.0, np.inf])])
def test_scores_that_are_no_numbers_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^a paired test needs finite scores$"):
        paired_test(bad, np.zeros(2))
    with pytest.raises(ValueError, match=r"^a paired test needs finite scores$"):
        paired_test(bad, bad)


def test_other_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="same queries twice"):
        paired_test(np.zeros(3), np.zeros(4))


@settings(max_examples=15)  # statsmodels collects garbage on every call
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_that_of_statsmodels_and_only_raises_p(p_values: list[float]) -> None:
    ours = holm(p_values)
    assert ours.shape == (len(p_values),)
    assert (ours >= np.array(p_values)).all()
    assert (ours <= 1).all()
    if p_values:
        assert ours == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.01, 0.04], dtype=np.float32)).dtype == np.float64


def groups_of(scores: np.ndarray, draws: int = DRAWS) -> Groups:
    """Return the groups that all pairwise tests of ``[systems, Q]`` scores leave together."""
    pairs = combinations(scores, 2)
    return groups_by_tests(scores.mean(axis=1), [paired_test(a, b, draws=draws).p_value for a, b in pairs])


def test_groups_of_three_levels() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, size=(5, 300))
    scores = noise + np.array([0.2, 0.5, 0.5, 0.9, 0.2])[:, None]
    scores[2] = scores[1]
    groups = groups_of(scores)
    assert groups[0] == (3,)
    assert set(groups[1]) == {1, 2}
    assert set(groups[2]) == {0, 4}
    assert len(groups) == 3


def test_not_differing_is_not_transitive() -> None:
    # a beats c, but b in the middle differs from neither
    base = RNG.normal(0, 1, size=200)
    shift = base - base.mean()
    scores = np.stack([0.0 * base, 0.11 + shift, 0.22 + 0.05 * shift])
    groups = groups_of(scores)
    assert [set(group) for group in groups] == [{2, 1}, {1, 0}]
    assert letters(groups, 3) == ("b", "a b", "a")


@settings(max_examples=10)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_letters_are_shared_by_exactly_the_pairs_that_do_not_differ(systems: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, size=(systems, 40)) + rng.uniform(0, 1, size=(systems, 1))
    shown = letters(groups_of(scores, draws=500), systems)
    pairs = list(combinations(range(systems), 2))
    adjusted = holm([paired_test(scores[i], scores[j], draws=500).p_value for i, j in pairs])
    for (i, j), p in zip(pairs, adjusted, strict=True):
        assert bool(set(shown[i].split()) & set(shown[j].split())) == (p >= 0.05)
    assert all(shown)


def test_one_system_and_none_are_groups_too() -> None:
    assert groups_by_tests(np.ones(1), []) == ((0,),)
    assert groups_by_tests(np.zeros(0), []) == ()


def test_groups_hold_the_best_mean_first_and_equal_means_in_the_order_given() -> None:
    assert groups_by_tests(np.array([1.0, 3.0, 2.0]), [1.0] * 3) == ((1, 2, 0),)
    means = np.tile([1.0, 2.0], 30)
    [group] = groups_by_tests(means, np.ones(60 * 59 // 2))
    assert group == (*range(1, 60, 2), *range(0, 60, 2))


def test_systems_differ_below_alpha_alone() -> None:
    assert groups_by_tests(np.array([1.0, 2.0]), [0.05]) == ((1, 0),)
    assert groups_by_tests(np.array([1.0, 2.0]), [0.049]) == ((1,), (0,))


def test_every_pair_needs_a_p_value() -> None:
    with pytest.raises(ValueError, match="shorter"):
        groups_by_tests(np.ones(3), [1.0])


def test_the_27th_group_is_a_double_letter() -> None:
    shown = letters(tuple((i,) for i in range(54)), 54)
    assert (shown[0], shown[25], shown[26], shown[51], shown[53]) == ("a", "z", "aa", "zz", "bbb")


@pytest.mark.parametrize("n", [1324, 1327, 1330, 1399, 5_000, 331_000])
def test_the_detectable_difference_of_many_queries_is_that_of_a_normal_distribution(n: int) -> None:
    d = np.tile([1.0, -1.0], n // 2 + 1)[:n]
    expected = (norm.isf(0.05 / 11 / 2) + norm.isf(0.2)) / n**0.5
    least = minimum_detectable_difference(d, np.zeros(n), alpha=0.05 / 11)
    assert least / d.std(ddof=1) == pytest.approx(expected, rel=0.01)


def test_the_detectable_difference_is_detected_with_the_promised_power() -> None:
    rng = np.random.default_rng(13)
    d = rng.normal(0, 0.4, size=100)
    least = minimum_detectable_difference(d, np.zeros(100))
    power = TTestPower().power(effect_size=least / d.std(ddof=1), nobs=100, alpha=0.05)
    assert power == pytest.approx(0.8, abs=1e-5)
    sample = rng.normal(least, d.std(ddof=1), size=(1000, 100))
    detected = np.mean([ttest_rel(row, np.zeros(100)).pvalue < 0.05 for row in sample])
    assert detected == pytest.approx(0.8, abs=0.04)


def test_more_queries_and_less_spread_detect_smaller_differences() -> None:
    d = RNG.normal(size=50)
    least = minimum_detectable_difference(d, np.zeros(50))
    assert minimum_detectable_difference(np.tile(d, 4), np.zeros(200)) < 0.55 * least
    assert minimum_detectable_difference(d / 2, np.zeros(50)) == pytest.approx(least / 2)
    assert minimum_detectable_difference(d, np.zeros(50), power=0.95) > least
    assert minimum_detectable_difference(d[:2], np.zeros(2)) > least
    assert minimum_detectable_difference(np.tile(d, 800), np.zeros(40000)) == pytest.approx(
        2.8016 * d.std() / 200, rel=1e-3
    )


def test_nothing_is_detectable_from_one_query_and_nothing_known_without_spread() -> None:
    assert minimum_detectable_difference(np.ones(1), np.zeros(1)) == math.inf
    assert math.isnan(minimum_detectable_difference(np.ones(9), np.ones(9)))


@pytest.mark.parametrize(
    ("n", "alpha", "power"),
    [(2, 0.05, 0.8), (5, 0.05 / 55, 0.8), (30, 0.05, 0.5), (5000, 0.01, 0.95), (4, 0.3, 0.35)],
)
def test_the_detectable_difference_is_that_of_statsmodels(n: int, alpha: float, power: float) -> None:
    differences = np.resize([1.0, -1.0, 0.5], n)
    expected = float(
        np.squeeze(TTestPower().solve_power(nobs=n, alpha=alpha, power=power))
    ) * differences.std(ddof=1)
    ours = minimum_detectable_difference(differences, np.zeros(n), alpha=alpha, power=power)
    assert ours == pytest.approx(expected, rel=1e-4), "its solver stops near 1e-5"
