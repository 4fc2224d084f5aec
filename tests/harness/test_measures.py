"""bench run --metrics: measures beside the paper's, with the relevance that the dataset grades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytrec_eval

import bench
from bench.output.trec import read_qrels, read_run
from bench.result import Result
from tests.conftest import Cli
from tests.tiny import Tiny

NAMES = ("nDCG@10", "MRR@5", "MAP@100", "R@100", "P(rel=2)@5")


def run(tiny: Tiny, out: Path, **more: Any) -> Result:
    options = {"data": tiny.folder, "generators": "lead,transcript", "retrievers": "bm25", "out": out}
    return bench.run(**{**options, "protocol": "all-queries", "metrics": NAMES, "quiet": True, **more})


def value(result: Result, metric: str, generator: str = "transcript") -> float:
    scores = result.retrieval
    rows = scores[(scores["metric"] == metric) & (scores["generator"] == generator)]
    return float(rows["value"].iloc[0])


def test_they_are_those_of_trec_eval_over_the_files_of_the_run(tiny: Tiny, tmp_path: Path) -> None:
    result = run(tiny, tmp_path / "out")
    qrels = read_qrels(result.out / "qrels.trec")
    assert 2 in qrels["q1"].values(), "the grades of the dataset are in the qrels"
    hits = read_run(result.out / "runs" / "transcript.bm25.trec").hits
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map_cut.100", "recall.100"}).evaluate(
        hits
    )
    for name, key in (("nDCG@10", "ndcg_cut_10"), ("MAP@100", "map_cut_100"), ("R@100", "recall_100")):
        mean = sum(topic[key] for topic in theirs.values()) / len(qrels)
        assert value(result, name) == pytest.approx(mean, abs=1e-12), name


def test_they_have_a_column_a_test_and_a_place_in_the_gate(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    result = run(tiny, tmp_path / "out")
    table = (result.out / "tables" / "retrieval.md").read_text().splitlines()
    assert next(line for line in table if line.startswith("| Retriever |")).endswith(
        f"| {' | '.join(NAMES)} |"
    )
    gate = tmp_path / "gate.csv"
    assert cli("check", result.out, "--against", gate, "--update").status == 0
    assert "transcript,bm25,nDCG@10," in gate.read_text()
    compared = cli("compare", result.out, "--baseline", "transcript", "--metric", "nDCG@10")
    assert compared.status == 0, compared.err


def test_means_over_seeds_have_them_and_a_repeated_run_has_no_other_columns(
    tiny: Tiny, tmp_path: Path
) -> None:
    over_seeds = run(tiny, tmp_path / "seeds", seed="0,1", metrics="nDCG@10")
    assert value(over_seeds, "nDCG@10") == value(run(tiny, tmp_path / "one"), "nDCG@10")
    plain = run(tiny, tmp_path / "plain", metrics=())
    assert "nDCG@10" not in set(plain.scores["metric"])


def test_each_has_its_bounds_under_ties(tiny: Tiny, tmp_path: Path) -> None:
    result = run(tiny, tmp_path / "out", metrics="nDCG@10")
    rows = result.retrieval[result.retrieval["metric"] == "nDCG@10"]
    assert (rows["tie_worst"] <= rows["tie_expected"] + 1e-12).all()
    assert (rows["tie_expected"] <= rows["tie_best"] + 1e-12).all()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("MAP", "such as MAP@10"),
        ("nDCG@101", "from 1 to 100"),
        ("Judged@10", "bench evaluate computes it"),
        ("nDGC@10", "unknown measure 'nDGC@10'"),
    ],
)
def test_what_a_run_cannot_give_is_refused_before_anything_is_written(
    name: str, problem: str, tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    refused = cli("run", "--data", tiny.folder, "--metrics", name, "--out", tmp_path / "out")
    assert (refused.status, problem in refused.error()) == (2, True), refused.err
    assert not (tmp_path / "out").exists()
