"""What an approximate search misses is measured beside an exact one, written and printed; never silent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.output.schema import APPROXIMATION_COLUMNS
from bench.result import Result
from bench.types import Run
from retrievers.bm25.retriever import BM25
from tests.chaos.inputs import write_encoder
from tests.conftest import Cli
from tests.harness.engines.commands import grid, unmeasured
from tests.tiny import Tiny, write_tiny

IVF = ("dpr-search.method=ivf", "dpr-search.nlist=3", "dpr-search.nprobe=1")


class Forgetful:
    """BM25 without the best document of each query."""

    label = "Forgetful"
    approximation = "forgets(1)"

    def __init__(self, context: bench.Context) -> None:
        self._bm25 = BM25(context)

    def index(self, summaries: Mapping[str, str]) -> None:
        self._bm25.index(summaries)

    def search(self, queries: Mapping[str, str], k: int) -> Run:
        run = self._bm25.search(queries, k + 1)
        return Run(run.query_ids, run.video_ids, run.hits[:, 1:], run.scores[:, 1:])

    def search_exactly(self, queries: Mapping[str, str], k: int) -> Run:
        return self._bm25.search(queries, k)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Result:
    out = tmp_path_factory.mktemp("forgetful")
    return bench.run(
        data=write_tiny(out / "data").folder, generators="lead,transcript", retrievers=["bm25", Forgetful],
        out=out / "out", store=out / "store", seed=[0, 1],
    )  # fmt: skip


def test_recall_is_the_share_of_the_exact_best_that_was_returned(forgetful: Result) -> None:
    recall = forgetful.approximation
    assert recall is not None
    assert tuple(recall.columns) == APPROXIMATION_COLUMNS
    assert recall[["generator", "retriever", "k"]].to_numpy().tolist() == [
        [generator, "Forgetful", k] for generator in ("lead", "transcript") for k in (10, 30, 100)
    ]
    exact = {query: (run == query).sum() for run in [_hits(forgetful, "lead.bm25")] for query in run.unique()}
    expected = sum(1 - 1 / count for count in exact.values()) / len(exact)
    assert recall["recall"][2] == pytest.approx(expected, abs=1e-6)
    assert recall["lowest"][2] == pytest.approx(1 - 1 / min(exact.values()), abs=1e-6)
    assert recall["queries"].tolist()[:3] == [len(exact)] * 3


def _hits(result: Result, cell: str) -> pd.Series[str]:
    lines = (result.out / "seed-0" / "runs" / f"{cell}.trec").read_text(encoding="utf-8").splitlines()
    return pd.Series([line.split()[0] for line in lines])


def test_it_is_printed_below_the_tables(forgetful: Result) -> None:
    line = forgetful.manifest.coverage_line
    for cell in ("lead.Forgetful", "transcript.Forgetful"):
        assert re.search(rf"{cell}: [^;]*approximate search forgets\(1\): \d", line)
    assert "of the best 100 of an exact search returned" in line
    assert "approximate search" in (forgetful.out / "tables" / "retrieval.md").read_text(encoding="utf-8")


def test_a_run_that_searches_exactly_says_nothing_of_it(tiny: Tiny, tmp_path: Path) -> None:
    result = bench.run(data=tiny.folder, generators="lead", retrievers=["bm25"], out=tmp_path / "out")
    assert result.approximation is None
    assert not (tmp_path / "out" / "approximation.csv").exists()
    assert "approximate" not in result.manifest.coverage_line


def test_an_approximate_run_is_another_artefact_with_the_same_vectors(
    cli: Cli, tiny: Tiny, tmp_path: Path
) -> None:
    write_encoder(tmp_path / "encoder")
    weights, store = f"dpr.weights={tmp_path / 'encoder'}", tmp_path / "store"
    outs = [tmp_path / name for name in ("exact", "ivf", "parts")]
    for out, options in zip(outs, ((), IVF, (*IVF, "run.shards=2")), strict=True):
        done = cli(*grid(tiny, out, store, "transcript", "dpr-pt,hybrid", weights, *options))
        assert done.status == 0, done.err
    exact, ivf, _ = (Result.read(out) for out in outs)
    assert "search=exact" in exact.manifest.signature["dpr-pt"]
    assert "search=ivf(nlist=3,nprobe=1)" in ivf.manifest.signature["dpr-pt"]
    assert ivf.approximation is not None
    assert ivf.approximation["search"].tolist()[::3] == [
        "ivf(nlist=3,nprobe=1)",
        "dpr-pt ivf(nlist=3,nprobe=1)",
    ]
    assert (ivf.approximation["recall"] < 1).any()
    assert len(list((store / "embeddings").iterdir())) == 2  # a file for queries, one for documents
    assert unmeasured(outs[1]) == unmeasured(outs[2])
    assert not (store / "run-parts").exists()
