"""The verbs as functions: in memory or from files, in a notebook or a script."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
    assert not bench.check(new, old, tolerances={"run.run": 1})[0].failed
    frame = bench.compare(bench.evaluate(RUNS, QRELS, metrics=["P@1"]), metrics=["P@1"], baseline="old")
    assert frame["score"].tolist() == [0.0, 100.0]
    assert frame["difference"].tolist()[1] == 100.0


def test_a_p_too_small_to_print_is_a_number_in_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    # drawing gives no such p for one seed; the test over several seeds does
    monkeypatch.setattr("bench.comparison.compare_runs.holm", lambda p_values: np.full(len(p_values), 1e-6))
    frame = bench.compare(bench.evaluate(RUNS, QRELS, metrics=["P@1"]), metrics=["P@1"], baseline="old")
    assert frame[frame["p (Holm)"] < 0.05][["Model", "p (Holm)"]].to_numpy().tolist() == [["new", 1e-6]]


def test_results_are_compared_in_each_slice_of_the_queries(tmp_path: Path) -> None:
    (tmp_path / "queries.tsv").write_text("q1\tred\nq2\tfox\n")
    qrels = tmp_path / "qrels"
    qrels.write_text("q1 0 a 2\nq1 0 b 1\nq2 0 c 1\n")
    result = bench.evaluate(RUNS, qrels, queries=tmp_path / "queries.tsv", metrics=["P@1"])
    frame = bench.compare(result, metrics=["P@1"], baseline="old", by="length")
    found = frame[["Model", "length", "score"]].to_numpy().tolist()
    assert found == [["old", "1 (n = 2)", 0.0], ["new", "1 (n = 2)", 100.0]]
    with pytest.raises(bench.UsageError, match="holds one retriever"):
        bench.compare(result, by="retriever")
    with pytest.raises(bench.UsageError, match=r"unknown attribute 'lenght'.* length"):
        bench.compare(result, by="lenght")


def test_a_kept_folder_is_opened_again(tmp_path: Path) -> None:
    bench.evaluate(RUNS, QRELS, out=tmp_path / "out")
    assert bench.open(tmp_path / "out").table("retrieval").index.tolist() == [("Run", "old"), ("Run", "new")]


def test_no_run_at_all_is_refused() -> None:
    with pytest.raises(bench.UsageError, match="no run to evaluate"):
        bench.evaluate({}, QRELS)


@pytest.mark.parametrize("run", [{"q1": {"a": float("nan")}}, {"q1": {"a": "x"}}, {"q1": {"": 1.0}}])
def test_a_run_in_memory_is_checked_as_a_file_is(run: bench.foreign.functions.Hits) -> None:
    with pytest.raises(bench.DataError, match="run 'a'"):
        bench.evaluate({"a": run}, QRELS)


@pytest.mark.parametrize("run", [{"q1": {}}])
def test_a_run_in_memory_that_found_nothing_scores_0(run: bench.foreign.functions.Hits) -> None:
    table = bench.evaluate({"none": run, **RUNS}, QRELS, metrics=["P@1"]).table("retrieval")
    assert table.loc[("Run", "none"), "P@1"] == 0.0
    with pytest.raises(bench.DataError, match="qrels: it holds no query with a document"):
        bench.evaluate(RUNS, run)  # type: ignore[arg-type]


def test_numbers_of_numpy_and_ids_that_are_integers_are_read() -> None:
    hits: Any = {1: {7: np.float32(0.5), 8: np.float64(1)}}
    grades: Any = {1: {8: np.int64(1)}}
    scores = bench.evaluate({"a": hits}, grades, metrics=["P@1"]).scores
    assert scores["value"].tolist() == [1.0]


@pytest.mark.parametrize("grades", [{}, {"q1": {"a": 0}}, {"q1": {"a": 0.5}}, {"q9": {"a": 1}}])
def test_judgements_in_memory_that_judge_nothing_are_refused(grades: Any) -> None:
    with pytest.raises(bench.DataError):
        bench.evaluate({"a": {"q1": {"a": 1.0}}}, grades)


def test_without_a_run_there_is_nothing_to_evaluate() -> None:
    with pytest.raises(bench.UsageError, match="no run"):
        bench.evaluate([], QRELS)


def test_a_name_may_have_an_equals_sign_and_no_slash(tmp_path: Path) -> None:
    (tmp_path / "run.trec").write_text("q1 Q0 a 1 1.0 x\n")
    result = bench.evaluate({"k1=0.9": tmp_path / "run.trec"}, QRELS, metrics=["P@1"])
    assert result.scores["generator"].tolist() == ["k1=0.9"]
    with pytest.raises(bench.UsageError, match="name of a run"):
        bench.evaluate({"a/b": tmp_path / "run.trec"}, QRELS)


class Place(os.PathLike[str]):
    """A path of another library."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def test_collections_of_any_kind_and_paths_of_any_kind_are_taken(tmp_path: Path) -> None:
    run = tmp_path / "new"
    run.write_text("q1 Q0 b 1 1 x\n")
    collections: list[Any] = [iter([str(run)]), np.array([str(run)]), Place(run)]
    for runs in collections:
        result = bench.evaluate(runs, QRELS, metrics=iter(["P@1"]))
        assert result.scores["metric"].tolist() == ["P@1"]
        assert result.scores["generator"].tolist() == ["new"]
    assert bench.evaluate(RUNS, QRELS, metrics="P@1,Bpref").scores["metric"].nunique() == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 5}, "runs: a list is expected, not int"),
        ({"runs": {"new"}}, "runs: a list is expected, not set"),  # its order is another in each process
        ({"runs": pd.DataFrame({"score": [1.0]})}, "runs: a list is expected, not DataFrame"),
        ({"runs": [5]}, "runs: a path is expected, not int"),
        ({"runs": {5: RUNS["new"]}}, "the name of a run: a text is expected, not 5"),
        ({"metrics": 5}, "metrics: a list is expected"),
        ({"metrics": [None]}, "metrics: a text is expected, not None"),
        ({"ties": "trec-eval"}, r"unknown ties 'trec-eval'\. Did you mean trec_eval\?"),
        ({"ties": None}, "unknown ties None"),
        ({"fuse": 5}, "fuse: a list is expected"),
        ({"fuse": [5]}, "fuse: a text is expected, not 5"),
        ({"out": b"x"}, "out: a path is expected, not bytes"),
    ],
)
def test_an_argument_of_another_type_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(bench.UsageError, match=message):
        bench.evaluate(**{"runs": RUNS, "qrels": QRELS, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail_on": "drops"}, r"unknown fail_on 'drops'\. Did you mean drop\?"),
        ({"fail_on": None}, "unknown fail_on None"),
        ({"tolerances": [("*", float("nan"))]}, r"pairs such as .* are expected, not \('\*', nan\)"),
        ({"tolerances": {"*": float("inf")}}, "are expected"),
        ({"tolerances": {"*": -1}}, "are expected"),
        ({"tolerances": "P@1=1"}, "tolerances: a list is expected, not str"),
        ({"tolerances": [("*", 1, 2)]}, "are expected"),
        ({"by": 5}, "by: a text is expected"),
    ],
)
def test_a_gate_of_no_known_rule_is_refused(options: dict[str, Any], message: str) -> None:
    """A tolerance that is no number passed every run."""
    with pytest.raises(bench.UsageError, match=message):
        bench.check("new", "old", **options)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home" / "new").write_text("q1 Q0 b 1 1 x\n")
    result = bench.evaluate({"run": "~/new"}, QRELS, out="~/out", metrics=["P@1"])
    assert result.out == tmp_path / "home" / "out"
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("value", [None, 5, b"x", [1]])
def test_what_is_no_result_is_refused(value: Any) -> None:
    for function in (bench.open, bench.compare):
        with pytest.raises(bench.UsageError, match="result: a path is expected"):
            function(value)


def test_a_run_in_memory_is_no_result_and_the_error_says_what_makes_one_of_it() -> None:
    with pytest.raises(bench.UsageError, match="not a run in memory"):
        bench.check(RUNS["new"], RUNS["old"])


USES: list[Callable[[bench.Result], Any]] = [
    lambda result: result.runs,
    lambda result: result.summaries,
    lambda result: result.summary,
    lambda result: result.tables(),
    lambda result: result.per_query(),
    lambda result: result.plot(),
    bench.compare,
    lambda result: bench.compare(bench.evaluate(RUNS, QRELS), result),
    lambda result: bench.check(bench.evaluate(RUNS, QRELS), result),
]


@pytest.mark.parametrize("use", USES)
def test_a_result_whose_folder_a_later_run_used_answers_nothing(
    use: Callable[[bench.Result], Any], tmp_path: Path
) -> None:
    first = bench.evaluate({"run": RUNS["old"]}, QRELS, out=tmp_path)
    bench.evaluate({"run": RUNS["new"]}, QRELS, out=tmp_path)
    with pytest.raises(bench.UsageError, match=r"a later run.* of its own"):
        use(first)
    assert "a later run" in repr(first)
    assert "a later run" in first._repr_html_()


def test_a_result_whose_folder_got_the_same_run_again_still_answers(tmp_path: Path) -> None:
    first = bench.evaluate(RUNS, QRELS, out=tmp_path)
    bench.evaluate(RUNS, QRELS, out=tmp_path)
    assert len(first.runs) == len(bench.compare(first)["Model"].unique()) == 2


def test_a_run_without_plots_has_none_to_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.report.page.draw_plots", lambda _: {})
    with pytest.raises(bench.UsageError, match="there is no plot of this run"):
        bench.evaluate(RUNS, QRELS).plot()


def test_a_query_id_that_begins_with_a_byte_order_mark_is_refused() -> None:
    with pytest.raises(bench.DataError, match="byte order mark"):
        bench.evaluate({"a": {"\ufeffq": {"d": 1.0}}}, {"\ufeffq": {"d": 1}, "z": {"d": 1}})
