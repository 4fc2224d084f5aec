"""Intervals of cells with several seeds: over items and seeds, corpus BLEU included."""

from __future__ import annotations

import numpy as np
import pytest

from bench.harness.seeds import cell_intervals
from bench.metrics.definitions import BLEU
from bench.metrics.intervals import mean_interval
from bench.metrics.text import TextScores
from bench.metrics.text_tests import text_intervals
from bench.output.per_item import ItemScores
from tests.metrics.test_text_tests import scores_of


def queries(values: np.ndarray, weights: np.ndarray | None = None) -> ItemScores:
    named = {"R@1": values}
    return ItemScores(tuple(f"q{i}" for i in range(values.shape[1])), named, named, weights=weights)


def test_seeds_that_agree_have_the_interval_of_one_and_seeds_that_do_not_a_wider_one() -> None:
    rng = np.random.default_rng(0)
    one = rng.random((1, 60))
    single = mean_interval(one[0])
    assert cell_intervals(queries(np.repeat(one, 3, axis=0)))["R@1"] == pytest.approx(single, abs=1e-12)
    apart = cell_intervals(queries(one + np.array([[-0.2], [0.0], [0.2]])))["R@1"]
    assert apart.high - apart.low > 1.5 * (single.high - single.low)


def test_a_query_drawn_often_is_one_item_over_seeds_too() -> None:
    weights = np.array([0.5, 0.5, 2.0])
    assert cell_intervals(queries(np.tile(weights, (2, 1)), weights))["R@1"] == pytest.approx((1.0, 1.0))


def test_corpus_bleu_over_seeds_is_drawn_from_counts() -> None:
    rng = np.random.default_rng(1)
    good, bad = (scores_of(rng, 60, errors) for errors in (0.2, 0.5))
    same, both = (videos(*pair) for pair in ((good, good), (good, bad)))
    single = text_intervals(good)
    for name in (*BLEU, "CIDEr"):
        assert cell_intervals(same)[name] == pytest.approx(single[name], abs=1e-9)
        limits = cell_intervals(both)[name]
        middle = (good.corpus[name] + bad.corpus[name]) / 2
        assert limits.low < middle < limits.high
        assert limits.high - limits.low > single[name].high - single[name].low


def videos(*seeds: TextScores) -> ItemScores:
    own = {name: np.stack([scores.per_video[name] for scores in seeds]) for name in seeds[0].per_video}
    return ItemScores(seeds[0].video_ids, own, own, np.stack([scores.bleu_counts for scores in seeds]))
