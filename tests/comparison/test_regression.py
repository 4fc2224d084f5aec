"""bench check: the gate fails on a rise as on a fall, names the queries, and moves only with --update."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from bench.comparison.regression import (
    Baseline,
    BaselineScore,
    baseline_of,
    differences,
    read_baseline,
    refuse_other_data,
    write_baseline,
)
from tests.competing_run import CompetingRun
from tests.conftest import ROOT, Cli

COMMITTED = ROOT / "results" / "regression"


@pytest.fixture
def table(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> Path:
    """Return a new table of the competing run."""
    path = tmp_path / "scores.csv"
    outcome = cli("check", competing_run.out, "--against", path, "--update")
    assert outcome.status == 0, outcome.err
    assert outcome.out == f"{path}: 90 scores, new\n"
    return path


def edit(path: Path, cell: str, change: Callable[[float], float] | None) -> float:
    """Change the value of a cell of a table, or remove its line; return what it was."""
    lines = path.read_text().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if line.startswith(f"{cell},"))
    fields = lines[place].split(",")
    before = float(fields[3])
    lines[place] = ",".join([*fields[:3], repr(change(before)), *fields[4:]]) if change else ""
    path.write_text("".join(lines))
    return before


def test_a_run_meets_its_own_table(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    outcome = cli("check", competing_run.out, "--against", table)
    assert (outcome.status, outcome.err) == (0, "")
    assert "90 scores checked, each within its tolerance" in outcome.out


@pytest.mark.parametrize("step", [0.001, -0.001])
def test_a_rise_fails_as_a_fall_does(competing_run: CompetingRun, table: Path, cli: Cli, step: float) -> None:
    edit(table, "long,bm25,R@10", lambda value: value - step)
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 5
    assert "long.bm25 R@10: " in outcome.out
    assert f"({step:+g}, tolerance 0)" in outcome.out
    assert "1 score of" in outcome.error()
    assert "--update" in outcome.error()


def test_a_missing_and_a_new_cell_fail(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    edit(table, "oracle,bm25,P@1", None)
    table.write_text(table.read_text() + "ghost,bm25,R@1,0.5,9,0\n")
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 5
    assert "oracle.bm25 P@1: " in outcome.out
    assert "is new" in outcome.out
    assert "ghost.bm25: not in the run (1 score)" in outcome.out


def test_cells_of_one_side_are_a_line_each(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    kept = [line for line in table.read_text().splitlines() if not line.startswith("oracle,")]
    ghosts = [
        f"ghost,{retriever},{metric},0.5,9,0" for retriever in ("bm25", "x") for metric in ("R@1", "P@1")
    ]
    table.write_text("\n".join([*kept, *ghosts]) + "\n")
    lines = cli("check", competing_run.out, "--against", table).out.splitlines()
    assert lines[:2] == ["ghost.bm25: not in the run (2 scores)", "ghost.x: not in the run (2 scores)"]
    assert "oracle.bm25: new (12 scores)" in lines
    assert "oracle: new (6 scores)" in lines
    assert any(
        "bench run --generators" in line and "ghost" in line and "--retrievers bm25,x" in line
        for line in lines
    )
    assert len(lines) == 5


def test_the_queries_behind_a_cell_are_named(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    hits = table.with_suffix(".hits.csv")
    head, *rows = hits.read_text().splitlines()
    column = head.split(",").index("long.bm25")
    place = next(i for i, row in enumerate(rows) if row.split(",")[column] == "1")
    fields = rows[place].split(",")
    rows[place] = ",".join([*fields[:column], "40", *fields[column + 1 :]])
    hits.write_text("\n".join([head, *rows]) + "\n")
    edit(table, "long,bm25,R@10", lambda value: value - 0.01)
    edit(table, "short,bm25,R@10", lambda value: value - 0.01)
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.out.count("relevant at") == 1  # nothing is known of the other cell's change
    line = next(line for line in outcome.out.splitlines() if "relevant at" in line)
    assert line.startswith(f"    {fields[0]} '")
    assert line.endswith("relevant at 40 -> 1")


@pytest.mark.parametrize("metric", ["MRR", "nDCG@2", "MAP@2", "Bpref"])
def test_the_queries_behind_measures_of_other_packages_are_named(
    metric: str, tmp_path: Path, cli: Cli
) -> None:
    for name, first, second in (("old", "a", "b"), ("new", "b", "a")):
        ranked = f"q1 Q0 {first} 1 3 x\nq1 Q0 {second} 2 2 x\nq2 Q0 a 1 1 x\n"
        (tmp_path / f"{name}.trec").write_text(ranked)
        bench.evaluate(
            {"run": tmp_path / f"{name}.trec"}, {"q1": {"a": 1, "b": 0}, "q2": {"a": 1}},
            metrics=[metric], out=tmp_path / name,
        )  # fmt: skip
    table = tmp_path / "table.csv"
    assert cli("check", tmp_path / "old", "--against", table, "--update").status == 0
    outcome = cli("check", tmp_path / "new", "--against", table)
    assert outcome.status == 5, outcome.err
    assert [line for line in outcome.out.splitlines() if "relevant at" in line] == [
        "    q1 'q1': relevant at 1 -> 2"
    ]
    assert cli("check", tmp_path / "new", "--against", table, "--update").status == 0


def test_a_cell_with_two_values_is_refused(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[-1].replace("0.", "0.9")]) + "\n")
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 3
    assert f"{table}:{len(lines) + 1}: a second value of " in outcome.error()


def test_a_tolerance_holds_both_ways_and_outlives_an_update(
    competing_run: CompetingRun, table: Path, cli: Cli
) -> None:
    assert (
        cli("check", competing_run.out, "--against", table, "--update", "--tolerance", "long.*=0.01").status
        == 0
    )
    for step in (0.0099, -0.0099):
        edit(table, "long,bm25,R@10", lambda value, step=step: value + step)  # type: ignore[misc]
        assert cli("check", competing_run.out, "--against", table).status == 0
        assert cli("check", competing_run.out, "--against", table, "--update").status == 0
    edit(table, "long,bm25,R@10", lambda value: value + 0.0101)
    assert cli("check", competing_run.out, "--against", table).status == 5
    edit(table, "short,bm25,R@10", lambda value: value + 0.0001)
    assert "short.bm25 R@10" in cli("check", competing_run.out, "--against", table).out


def test_an_update_tells_what_moves_and_check_changes_nothing(
    competing_run: CompetingRun, table: Path, cli: Cli
) -> None:
    whole = table.read_bytes()
    before = edit(table, "long,bm25,R@10", lambda value: value / 2)
    edited = table.read_bytes()
    cli("check", competing_run.out, "--against", table)
    assert table.read_bytes() == edited
    outcome = cli("check", competing_run.out, "--against", table, "--update")
    assert f"long.bm25 R@10: {before / 2:.6g} -> {before:.6g}" in outcome.out
    assert "90 scores, 1 moved" in outcome.out
    assert table.read_bytes() == whole


def test_another_draw_of_queries_is_another_measurement(
    competing_run: CompetingRun, table: Path, tmp_path: Path, cli: Cli
) -> None:
    competing_run.run(tmp_path / "out", query_seed=1)
    outcome = cli("check", tmp_path / "out", "--against", table)
    assert outcome.status == 3
    assert "query-seed 0" in outcome.error()
    assert "query-seed 1" in outcome.error()


def test_other_options_of_a_system_are_printed_and_refused_on_request(
    competing_run: CompetingRun, table: Path, tmp_path: Path, cli: Cli
) -> None:
    competing_run.run(tmp_path / "out", set={"bm25.k1": 1.2})
    words = ["check", tmp_path / "out", "--against", table]
    assert "bench: setting changed: bm25: " in cli(*words).err
    refused = cli(*words, "--same-settings")
    assert refused.status == 5
    assert "k1=1.2" in refused.error()


def test_what_is_no_table_is_told(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("check", competing_run.out, "--against", tmp_path / "none.csv")
    assert (outcome.status, "--update" in outcome.error()) == (4, True)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    outcome = cli("check", competing_run.out, "--against", tmp_path / "other.csv")
    assert (outcome.status, "did not write this table" in outcome.error()) == (3, True)


@pytest.mark.parametrize("rule", ["long.*", "long.*=much", "=0.1", "long.*=-1", "long.*=nan", "long.*=1_0"])
def test_a_tolerance_is_a_cell_and_a_number(
    competing_run: CompetingRun, table: Path, cli: Cli, rule: str
) -> None:
    outcome = cli("check", competing_run.out, "--against", table, "--update", "--tolerance", rule)
    assert outcome.status == 2
    assert rule in outcome.error()


def test_a_tolerance_goes_with_an_update(competing_run: CompetingRun, table: Path, cli: Cli) -> None:
    outcome = cli("check", competing_run.out, "--against", table, "--tolerance", "*=1")
    assert outcome.status == 2
    assert "--update" in outcome.error()


def test_the_committed_table_holds(tmp_path: Path) -> None:
    """The retrieval of fixed summaries on the demo, made afresh as results/regression/README.md says."""
    before = read_baseline(COMMITTED / "demo-summaries.csv")
    result = bench.run(
        data="demo", generators="lead,transcript,oracle", retrievers="bm25,dpr-pt", device="cpu",
        out=tmp_path / "out", quiet=True,
    )  # fmt: skip
    after = baseline_of(result)
    assert before.evaluation == after.evaluation
    assert [difference.to_text() for difference in differences(before, after)] == []
    assert before.hits.keys() == after.hits.keys()


@pytest.mark.regression
@pytest.mark.parametrize("rows", ["mdvc", "bart-mm,qms"])
def test_the_committed_table_of_trained_rows_holds(rows: str, tmp_path: Path) -> None:
    """Rows of the preset quick trained afresh on the demo, as results/regression/README.md says: minutes."""
    committed = read_baseline(COMMITTED / "demo-quick.csv")
    cells = {key: cell for key, cell in committed.cells.items() if key[0] in rows.split(",")}
    assert cells
    before = dataclasses.replace(committed, cells=cells)
    result = bench.run(
        data="demo", generators=rows, retrievers="bm25,dpr-pt", device="cpu", out=tmp_path / "out", quiet=True
    )
    after = baseline_of(result)
    assert before.evaluation == after.evaluation
    assert [difference.to_text() for difference in differences(before, after)] == []


def test_committed_tables_are_small_and_strict_on_bm25() -> None:
    for path in COMMITTED.glob("*.csv"):
        assert path.stat().st_size < 200_000
    cells = read_baseline(COMMITTED / "demo-summaries.csv").cells
    assert {cell.tolerance for key, cell in cells.items() if key[1] in ("", "bm25")} == {0.0}
    assert {cell.tolerance for key, cell in cells.items() if key[1] == "dpr-pt"} == {0.005}


# Tables that --update did not write


@pytest.mark.parametrize("tolerance", ["inf", "nan", "-1"])
def test_a_tolerance_that_lets_everything_pass_is_refused(
    competing_run: CompetingRun, table: Path, cli: Cli, tolerance: str
) -> None:
    lines = table.read_text().splitlines()
    lines[-1] = f"{lines[-1].rpartition(',')[0]},{tolerance}"
    table.write_text("\n".join(lines) + "\n")
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 3
    assert f"{table}:{len(lines)}: the tolerance {tolerance}" in outcome.error()


@pytest.mark.parametrize("line", [b"\xff\xfe", b"a,b,c", b"lead,bm25,R@1,one,9,0", b"lead,bm25,R@1,inf,9,0"])
def test_a_damaged_line_is_named(competing_run: CompetingRun, table: Path, cli: Cli, line: bytes) -> None:
    data = table.read_bytes()
    table.write_bytes(data + line + b"\n")
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 3
    assert f"{table}:{data.count(bytes([10])) + 1}: " in outcome.error()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q999", "1 fields where"),
        (None, "is not a list of ranks"),
        ("9" * 140_000, "1 fields where"),
        ('"q999', "a cell ends on its line"),
    ],
)
def test_a_damaged_line_of_the_hits_is_named(
    competing_run: CompetingRun, table: Path, cli: Cli, line: str | None, problem: str
) -> None:
    hits = table.with_suffix(".hits.csv")
    lines = hits.read_text().splitlines()
    lines[3] = line or lines[3].rpartition(",")[0] + ",one"
    hits.write_text("\n".join(lines) + "\n")
    outcome = cli("check", competing_run.out, "--against", table)
    assert outcome.status == 3
    assert f"{hits}:4: " in outcome.error()
    assert problem in outcome.error()


def test_update_replaces_nothing_but_a_file(competing_run: CompetingRun, tmp_path: Path, cli: Cli) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    outcome = cli("check", competing_run.out, "--against", pipe, "--update")
    assert outcome.status == 2
    assert "not a regular file" in outcome.error()
    assert pipe.is_fifo()


def test_update_does_not_write_through_a_link(
    competing_run: CompetingRun, table: Path, tmp_path: Path, cli: Cli
) -> None:
    before = table.read_bytes()
    (link := tmp_path / "link.csv").symlink_to(table)
    outcome = cli("check", competing_run.out, "--against", link, "--update")
    assert outcome.status == 2
    assert "not a regular file" in outcome.error()
    assert link.is_symlink()
    assert table.read_bytes() == before


def test_names_like_formulas_are_guarded_and_read_back(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    hits = {"=1+1.bm25": {"@q": (1, 3), "-dQw4": ()}}
    baseline = Baseline({"n": "1"}, "0", {("=1+1", "bm25", "R@1"): BaselineScore(0.5, 2)}, hits)
    write_baseline(table, baseline)
    assert "\n'=1+1,bm25,R@1," in table.read_text()
    assert (tmp_path / "table.hits.csv").read_text() == "query_id,'=1+1.bm25\n'@q,1 3\n-dQw4,\n"
    read = read_baseline(table)
    assert (read.cells, read.hits) == (baseline.cells, hits)


def test_a_name_that_begins_as_a_comment_is_read_back(tmp_path: Path) -> None:
    baseline = Baseline({"n": "1"}, "0", {("#x: y", "run", "R@1"): BaselineScore(0.5, 2)})
    write_baseline(tmp_path / "table.csv", baseline)
    assert read_baseline(tmp_path / "table.csv").cells == baseline.cells


def test_a_copy_of_the_judgements_measures_the_same(tmp_path: Path) -> None:
    def table(data: str) -> Baseline:
        return Baseline({"data": data, "judgements": "TREC"}, "0", {})

    refuse_other_data(tmp_path, table("q.trec:e833cebd"), table("copy.trec:e833cebd"))
    with pytest.raises(bench.DataError, match="something else"):
        refuse_other_data(tmp_path, table("q.trec:e833cebd"), table("q.trec:00000000"))
