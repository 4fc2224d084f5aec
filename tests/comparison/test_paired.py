"""Who is best, and whether that is more than chance: significance.csv and the scores behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from bench.comparison.compare_runs import compare_runs
from bench.comparison.paired import compare, p_value
from bench.metrics.intervals import bootstrap_sums, mean_interval
from bench.metrics.over_seeds import paired_test_over_seeds
from bench.output.per_item import ItemScores, RunItems
from bench.output.schema import GENERATION, RETRIEVAL, SIGNIFICANCE_COLUMNS, with_text
from bench.text import normalise
from tests.competing_run import CompetingRun
from tests.tiny import Tiny


@pytest.fixture(scope="module")
def table(competing_run: CompetingRun) -> pd.DataFrame:
    tested = competing_run.result().significance
    assert tested is not None
    return with_text(tested)


@pytest.fixture(scope="module")
def items(competing_run: CompetingRun) -> RunItems:
    result = competing_run.result()
    return RunItems(result.out, result.manifest)


# The scores behind a comparison


def test_the_items_of_a_cell_have_the_cells_score(competing_run: CompetingRun, items: RunItems) -> None:
    rows: list[Any] = list(with_text(competing_run.result().scores).itertuples())
    for row in rows:
        cell = items.cell(str(row.generator), str(row.retriever))
        assert cell.score(str(row.metric)) == pytest.approx(row.value, abs=1e-12)


def test_a_query_drawn_for_several_videos_is_one_item(competing_run: CompetingRun, items: RunItems) -> None:
    queries = dict(line.split("\t") for line in (competing_run.out / "queries.tsv").read_text().splitlines())
    distinct = {normalise(text) for text in queries.values()}
    assert len(distinct) < len(queries)  # or this world shows nothing
    cell = items.cell("long", "bm25")
    assert len(cell.ids) == len(distinct)
    per_query = pd.read_csv(competing_run.out / "per_query" / "long.bm25.csv")
    needs = per_query["query_id"].map(lambda query: normalise(queries[query]))
    sums = per_query.groupby(needs, sort=False)["R@5"].sum() * len(distinct) / len(per_query)
    assert cell.values["R@5"][0] == pytest.approx(sums.to_numpy())


def test_the_interval_of_a_score_counts_a_query_drawn_for_several_videos_as_one(
    competing_run: CompetingRun,
) -> None:
    queries = dict(line.split("\t") for line in (competing_run.out / "queries.tsv").read_text().splitlines())
    per_query = pd.read_csv(competing_run.out / "per_query" / "long.bm25.csv")
    needs = per_query["query_id"].map(lambda query: normalise(queries[query]))
    sums = per_query.groupby(needs, sort=False)["R@5"].agg(["sum", "size"]).to_numpy(dtype=float)
    row = competing_run.result().scores.query("generator == 'long' and metric == 'R@5'").iloc[0]
    expected = mean_interval(sums[:, 0], weights=sums[:, 1])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected, abs=1e-12)
    assert expected != mean_interval(per_query["R@5"].to_numpy())  # or this world shows nothing


def test_what_bleu_is_made_of_spreads_as_a_bootstrap_does(items: RunItems) -> None:
    from bench.metrics.text import bleu_of_counts

    cell = items.cell("long", "")
    assert cell.bleu_counts is not None
    drawn = bleu_of_counts(bootstrap_sums(cell.bleu_counts[0], draws=2000))[:, 0]
    pseudo = cell.values["BLEU-1"][0]
    assert pseudo.mean() == pytest.approx(cell.score("BLEU-1"), rel=0.05)
    assert pseudo.std(ddof=1) / np.sqrt(len(pseudo)) == pytest.approx(drawn.std(), rel=0.15)


# significance.csv


def test_each_column_of_each_table_is_one_comparison(table: pd.DataFrame) -> None:
    assert list(table.columns) == list(SIGNIFICANCE_COLUMNS)
    assert table[table["table"] == "generation"]["metric"].tolist() == list(GENERATION.values())
    assert table[table["table"] == "retrieval"]["metric"].tolist() == RETRIEVAL


def test_the_best_row_meets_the_strongest_other_one_and_no_reference(
    competing_run: CompetingRun, table: pd.DataFrame
) -> None:
    scores = with_text(competing_run.result().scores)
    own = scores[~scores["generator"].isin(["transcript", "oracle"])]
    rows: list[Any] = list(table.itertuples())
    for row in rows:
        block = own[(own["retriever"] == row.retriever) & (own["metric"] == row.metric)]
        values = dict(zip(block["generator"], block["value"], strict=True))
        best, second = sorted(values.values(), reverse=True)[:2]
        assert (values[row.best], values[row.baseline]) == (best, second)
        assert row.difference == pytest.approx(best - second, abs=1e-12)
        assert row.wins + row.ties + row.losses == row.n
        if row.table == "retrieval":
            assert row.ci_low <= row.difference <= row.ci_high


def test_p_is_corrected_by_holm_within_a_table(table: pd.DataFrame) -> None:
    for _, part in table.groupby("table"):
        expected = multipletests(part["p_value"], method="holm")[1]
        assert part["p_holm"].to_numpy() == pytest.approx(expected)
    assert (table["p_holm"] >= table["p_value"]).all()


def test_long_beats_short_and_twins_do_not_differ(table: pd.DataFrame, items: RunItems) -> None:
    tested = table[(table["metric"] == "Acc@10")].iloc[0]
    assert tested["best"] == "long"
    assert tested["p_holm"] < 0.05
    assert tested["difference"] > tested["mde"] / 2
    same = compare(items.cell("short", "bm25"), items.cell("twin", "bm25"), "Acc@10")
    assert (same.test.p_value, same.test.difference, same.test.wins, same.test.losses) == (1.0, 0.0, 0, 0)
    assert same.interval == (0.0, 0.0)


def test_one_row_alone_is_compared_with_nothing(tiny: Tiny, tmp_path: Path) -> None:
    import bench

    result = bench.run(
        data=tiny.folder, generators="lead,oracle", retrievers="bm25", out=tmp_path / "out", quiet=True
    )
    assert result.significance is not None
    assert result.significance.empty
    for name in ("generation", "retrieval"):
        printed = (tmp_path / "out" / "tables" / f"{name}.md").read_text()
        assert "Not tested: only one ranked system (Lead). Compare with a reference: " in printed
        assert "bench compare OUT --baseline oracle" in printed


# Several seeds


def cell(values: np.ndarray, ids: tuple[str, ...] | None = None) -> ItemScores:
    named = {"R@1": values}
    return ItemScores(ids or tuple(f"q{i}" for i in range(values.shape[1])), named, named)


def test_several_seeds_are_tested_over_queries_and_seeds() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((3, 40)) + 0.1, rng.random((2, 40))
    tested = compare(cell(ours), cell(theirs), "R@1")
    assert tested.test.p_value == paired_test_over_seeds(ours, theirs).p_value
    assert tested.test.difference == pytest.approx(ours.mean() - theirs.mean())
    assert tested.interval.low < tested.test.difference < tested.interval.high
    assert tested.mde > 0


def test_a_spread_of_seeds_makes_a_difference_less_sure() -> None:
    rng = np.random.default_rng(1)
    base = rng.random((1, 60))
    shift = np.array([[-0.2], [0.0], [0.2]])
    steady = p_value(cell(np.repeat(base + 0.1, 3, axis=0)), cell(np.repeat(base, 3, axis=0)), "R@1")
    unsteady = p_value(cell(base + 0.1 + shift), cell(base + shift), "R@1")
    assert steady < 0.05 < unsteady


@pytest.mark.parametrize("family", [1, 33])
def test_the_detectable_difference_is_found_with_80_percent_power_after_correction(family: int) -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.4, size=(1, 100))
    noise = (noise - noise.mean()) * 0.4 / noise.std(ddof=1)
    zero = np.zeros((1, 100))
    mde = compare(cell(noise), cell(zero), "R@1", family=family).mde
    tests = [p_value(cell(mde + rng.normal(0, 0.4, size=(1, 100))), cell(zero), "R@1") for _ in range(250)]
    assert np.mean([p * family < 0.05 for p in tests]) == pytest.approx(0.8, abs=0.07)


def test_the_detectable_difference_of_a_table_is_that_of_holms_first_step(
    table: pd.DataFrame, items: RunItems
) -> None:
    for name, part in table.groupby("table"):
        row = next(row for row in part.itertuples() if row.mde > 0)
        cells = (items.cell(str(system), str(row.retriever)) for system in (row.best, row.baseline))
        assert row.mde == compare(*cells, str(row.metric), family=len(part)).mde, name


def test_other_items_are_refused() -> None:
    values = np.zeros((1, 2))
    with pytest.raises(ValueError, match="same items"):
        compare(cell(values, ("a", "b")), cell(values, ("a", "c")), "R@1")


def test_a_run_over_seeds_prints_mean_and_deviation(competing_run: CompetingRun, tmp_path: Path) -> None:
    result = competing_run.run(tmp_path / "out", seed=[0, 1])
    assert result.significance is not None
    assert set(result.significance["seeds"]) == {2}
    printed = (tmp_path / "out" / "tables" / "retrieval.md").read_text()
    rows = {row.split("|")[2].strip(): row for row in printed.splitlines() if row.startswith("| BM25")}
    values = result.scores[(result.scores["generator"] == "oracle") & (result.scores["metric"] == "R@1")]
    one, two = values[values["seed"].isin(["0", "1"])]["value"]
    assert one != two
    assert f"| {(one + two) * 50:.2f} ± {abs(one - two) * 100 / 2**0.5:.2f} |" in rows["Oracle"]
    assert "± 0.00" in rows["long"]
    assert "and 2 seeds, crossed" in printed
    intervals_are_over_items_and_seeds(with_text(result.scores))
    compared = compare_runs([tmp_path / "out"], metrics=["R@10"])
    assert any(cells[4].text == "< 0.0001" for _, cells in compared.rows)
    assert not any("is the least that" in note for note in compared.notes)  # nothing was drawn


def intervals_are_over_items_and_seeds(scores: pd.DataFrame) -> None:
    """Hold the interval of a mean over seeds to those of the seeds: the same without luck, not with it."""
    keys = ["generator", "retriever", "metric", "seed"]
    limits = scores.set_index(keys)[["ci_low", "ci_high"]].sort_index()
    for retriever, metric in (("bm25", "R@1"), ("", "BLEU-2"), ("", "CIDEr")):
        steady = limits.loc["long", retriever, metric]
        assert steady.loc["mean"].to_numpy() == pytest.approx(steady.loc["0"].to_numpy(), abs=1e-12)
    lucky = limits.loc["oracle", "bm25", "R@1"]
    assert lucky.loc["mean"].to_numpy() != pytest.approx(lucky.loc[["0", "1"]].mean().to_numpy(), abs=1e-6)
    assert limits.xs("sd", level="seed").isna().all(axis=None)
