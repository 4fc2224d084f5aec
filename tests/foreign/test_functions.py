"""The verbs as functions: in memory or from files, in a notebook or a script."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import bench

QRELS = {"q1": {"a": 2, "b": 1}, "q2": {"c": 1}}
RUNS = {"old": {"q1": {"c": 3.0, "a": 2.0}, "q2": {"a": 1.0}}, "new": {"q1": {"a": 2.0}, "q2": {"c": 1.0}}}


def test_runs_in_memory_are_scored_and_leave_nothing() -> None:
    result = bench.evaluate(RUNS, QRELS, metrics=["P@1", "nDCG@10"])
    folder = result.out
    assert result.table("retrieval").to_numpy().tolist()[1][0] == 100.0
    per_query = result.per_query()
    assert per_query[["generator", "query_id", "P@1"]].to_numpy().tolist() == [
        ["old", "q1", 0.0], ["old", "q2", 0.0], ["new", "q1", 1.0], ["new", "q2", 1.0],
    ]  # fmt: skip
    assert folder.is_dir()
    del result, per_query
    gc.collect()
    assert not folder.exists()


def test_results_are_compared_and_gated() -> None:
    old, new = (bench.evaluate({"run": RUNS[name]}, QRELS, metrics=["P@1"]) for name in ("old", "new"))
    (row,) = bench.check(new, old)
    assert (row.name, row.before, row.after, row.failed) == ("run.run P@1", 0.0, 1.0, True)
    assert not bench.check(new, old, fail_on="drop")[0].failed
    frame = bench.compare(bench.evaluate(RUNS, QRELS, metrics=["P@1"]), metrics=["P@1"], baseline="old")
    assert frame["score"].tolist() == [0.0, 100.0]
    assert frame["difference"].tolist()[1] == 100.0


def test_a_kept_folder_is_opened_again(tmp_path: Path) -> None:
    bench.evaluate(RUNS, QRELS, out=tmp_path / "out")
    assert bench.open(tmp_path / "out").table("retrieval").index.tolist() == [("Run", "old"), ("Run", "new")]


def test_no_run_at_all_is_refused() -> None:
    with pytest.raises(bench.UsageError, match="no run to evaluate"):
        bench.evaluate({}, QRELS)
