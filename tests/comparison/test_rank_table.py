"""bench table --table ranks: median and mean rank of the first relevant video."""

from __future__ import annotations

import itertools
import statistics
from pathlib import Path

import pytest

import bench
from bench.choices import Ties
from bench.comparison.hit_ranks import hits_of
from bench.comparison.rank_table import first_ranks, rank_table
from bench.metrics.ranking import Relevance
from bench.types import Run
from tests.competing_run import CompetingRun
from tests.conftest import Cli

POOL = ("a", "b", "c", "d", "e", "f")


def test_a_query_without_a_relevant_video_has_the_expected_rank_of_all_orders_behind_the_run() -> None:
    truth = Relevance.from_mapping({"q1": ["c", "e"], "q2": ["b"]}, ("q1", "q2"), POOL)
    run = Run.from_hits({"q1": [("a", 2.0), ("b", 1.0)], "q2": [("a", 2.0), ("b", 1.0)]}, POOL, 4)
    ranks, returned = first_ranks(run, truth, len(POOL))
    behind = [video for video in POOL if video not in ("a", "b")]
    firsts = [2 + min(order.index("c"), order.index("e")) + 1 for order in itertools.permutations(behind)]
    assert ranks.tolist() == [pytest.approx(statistics.mean(firsts)), 2.0]
    assert returned.tolist() == [False, True]


def test_the_table_has_a_row_for_each_cell_and_orders_them_as_the_scores_do(
    competing_run: CompetingRun, cli: Cli
) -> None:
    shown = cli("table", competing_run.out, "--table", "ranks", "--format", "csv")
    assert shown.status == 0, shown.err
    header, *rows = [line.split(",") for line in shown.out.splitlines() if not line.startswith("#")]
    assert header == ["Retriever", "Model", "MdR", "MnR", "not returned %"]
    mean = {(retriever, model): float(rank) for retriever, model, _, rank, _ in rows}
    assert len(mean) == len(rows)
    assert mean["BM25", "Oracle"] <= mean["BM25", "long"] < mean["BM25", "short"]


def test_titles_of_tables_say_that_a_dataset_is_synthetic(competing_run: CompetingRun, cli: Cli) -> None:
    ranks = cli("table", competing_run.out, "--table", "ranks", "--format", "markdown").out
    compared = cli("compare", competing_run.out, "--format", "markdown").out
    for text in (ranks, compared):
        assert "(synthetic)" in text.partition("**")[2].partition("**")[0]


def test_an_unknown_table_names_it_among_the_known(competing_run: CompetingRun, cli: Cli) -> None:
    refused = cli("table", competing_run.out, "--table", "rank")
    assert (refused.status, "Did you mean ranks?" in refused.error()) == (2, True)


@pytest.mark.parametrize(("ties", "rank"), [("trec_eval", 1), ("ours", 2), ("rank", 3)])
def test_ranks_of_given_runs_are_those_that_were_scored(tmp_path: Path, ties: Ties, rank: int) -> None:
    (tmp_path / "run.trec").write_text("q Q0 b 3 1.0 x\nq Q0 a 2 1.0 x\nq Q0 c 1 0.5 x\n")
    result = bench.evaluate(tmp_path / "run.trec", {"q": {"b": 1}}, ties=ties, metrics=["MRR"])
    assert result.scores["value"].tolist() == [pytest.approx(1 / rank)]
    assert hits_of(result.out, result.manifest) == {"run.run": {"q": (rank,)}}
    ((_, cells),) = rank_table(result).rows
    assert cells[0].text == f"{rank}.0"
