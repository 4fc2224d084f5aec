"""Several seeds: a folder each, means and deviations on top, intervals over items and seeds."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from bench.harness.seeds import aggregate_scores, cell_intervals
from bench.metrics.definitions import BLEU
from bench.metrics.intervals import mean_interval
from bench.metrics.text import TextScores
from bench.metrics.text_tests import text_intervals
from bench.output.manifest import read_manifest
from bench.output.per_item import ItemScores
from tests.conftest import Cli
from tests.harness.commands import command
from tests.metrics.test_text_tests import scores_of
from tests.tiny import Tiny


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


def test_an_interval_over_seeds_that_disagree_stays_where_scores_can_be() -> None:
    assert cell_intervals(queries(np.array([[0.0, 0.2], [0.9, 1.0]])))["R@1"] == (0.0, 1.0)


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


def test_the_intervals_of_a_cell_are_drawn_once_for_all_its_metrics() -> None:
    values = np.random.default_rng(2).random((2, 9))
    cell = ItemScores(tuple("abcdefghi"), both := {"R@1": values, "P@1": values / 2}, both)
    asked = []

    def find(*name: str) -> ItemScores:
        asked.append(name)
        return cell

    rows = [("lead", "bm25", name, scores.mean(), 9, "0") for name, scores in both.items()]
    columns = ["generator", "retriever", "metric", "value", "n", "seed"]
    results = [SimpleNamespace(scores=pd.DataFrame(rows, columns=columns).assign(ci_low=0.0, ci_high=0.0))]
    made = aggregate_scores(cast("Any", results), cast("Any", SimpleNamespace(cell=find)))
    assert asked == [("lead", "bm25")]
    means = made[made["seed"] == "mean"].set_index("metric")
    for name, limits in cell_intervals(cell).items():
        assert tuple(means.loc[name, ["ci_low", "ci_high"]]) == limits


def videos(*seeds: TextScores) -> ItemScores:
    own = {name: np.stack([scores.per_video[name] for scores in seeds]) for name in seeds[0].per_video}
    return ItemScores(seeds[0].video_ids, own, own, np.stack([scores.bleu_counts for scores in seeds]))


def test_several_seeds_have_a_folder_each_and_mean_and_deviation_on_top(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    outcome = cli(*command(tiny, out, "lead,oracle", "--seed", "0,1,2"))
    assert outcome.status == 0, outcome.err
    for seed in (0, 1, 2):
        assert (out / f"seed-{seed}" / "runs" / "oracle.bm25.trec").is_file()
        assert json.loads((out / f"seed-{seed}" / "manifest.json").read_text())["settings"]["seed"] == [seed]
    scores = pd.read_csv(out / "scores.csv", dtype={"seed": str}, keep_default_na=False)
    one = scores[(scores.generator == "oracle") & (scores.retriever == "bm25") & (scores.metric == "R@1")]
    values = dict(zip(one["seed"], one["value"].astype(float), strict=True))
    seeds = [values[str(seed)] for seed in (0, 1, 2)]
    assert len(set(seeds)) > 1
    assert values["mean"] == pytest.approx(np.mean(seeds))
    assert values["sd"] == pytest.approx(np.std(seeds, ddof=1))
    assert f"{values['mean'] * 100:.2f}" in outcome.out
    assert "seeds: 0,1,2" in outcome.out
    top, *below = (read_manifest(folder) for folder in (out, *sorted(out.glob("seed-*"))))
    shares = [manifest.distinct["oracle"] for manifest in below]
    assert top.distinct["oracle"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert top.coverage_line.startswith("of seed 0: dataset: ")
    ranks = cli("table", out, "--table", "ranks")
    assert f"bench: {out} has the seeds 0, 1, 2; the table 'ranks' is that of seed 0.\n" in ranks.err


def test_a_generator_without_chance_is_made_once_for_all_seeds(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    cli(*command(tiny, tmp_path / "out", "lead,oracle", "--seed", "0,1", "--store", tmp_path / "store"))
    assert len(list((tmp_path / "store" / "summaries").iterdir())) == 3  # lead once, oracle twice
