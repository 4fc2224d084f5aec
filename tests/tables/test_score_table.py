"""The score tables: stars, improvement, references below, seeds, intervals; from files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.lint.report import lint
from bench.output.schema import COST_COLUMNS, SCORE_COLUMNS, SIGNIFICANCE_COLUMNS
from bench.result import Result
from bench.tables.build import build_tables
from bench.tables.table import RENDERERS, SUFFIXES, Table, to_csv, to_latex, to_markdown
from tests.competing_run import CompetingRun
from tests.conftest import Cli
from tests.manifests import small_manifest

MANIFEST = small_manifest(
    labels={"one": "One", "two": "Two", "ref": "Reference", "bm25": "BM25"}, references=["ref"]
)


def score(generator: str, value: float, **more: object) -> dict[str, object]:
    return {
        "generator": generator,
        "retriever": "bm25",
        "metric": "Acc@10",
        "value": value,
        "seed": 0,
        **more,
    }


def contest(p_holm: float, **more: object) -> dict[str, object]:
    usual = {"table": "retrieval", "retriever": "bm25", "metric": "Acc@10", "best": "two", "baseline": "one"}
    return {**usual, "difference": 0.1, "p_holm": p_holm, "mde": 0.0321, "n": 9, "seeds": 1, **more}


def built(scores: list[dict[str, object]], contests: list[dict[str, object]] | None, **more: Any) -> Table:
    frame = pd.DataFrame(scores).reindex(columns=list(SCORE_COLUMNS))
    costs = pd.DataFrame(columns=["generator", "retriever"])
    significance = (
        None if contests is None else pd.DataFrame(contests).reindex(columns=list(SIGNIFICANCE_COLUMNS))
    )
    tables = build_tables(frame, costs.reindex(columns=list(COST_COLUMNS)), MANIFEST, significance, **more)
    return next(table for table in tables if table.name == "retrieval")


def printed(table: Table) -> dict[str, str]:
    """Return the Acc@10 cell of each row, with its mark."""
    place = list(table.columns).index("Acc@10")
    return {names[-1]: cells[place].text + "*" * cells[place].star for names, cells in table.rows}


THREE = [score("ref", 0.9), score("one", 0.3), score("two", 0.4)]


def test_a_star_is_for_the_best_row_and_below_5_percent() -> None:
    assert printed(built(THREE, [contest(0.049)])) == {
        "One": "30.00", "Two": "40.00*", "Improvement %": "33.33", "Reference": "90.00",
    }  # fmt: skip
    assert printed(built(THREE, [contest(0.05)]))["Two"] == "40.00"


def test_references_stand_below_the_improvement_they_have_no_part_in() -> None:
    table = built(THREE, [contest(0.5)])
    assert [names[-1] for names, _ in table.rows] == ["One", "Two", "Improvement %", "Reference"]
    assert "Reference is a reference point: it is shown but not ranked." in table.notes


def test_an_improvement_over_what_prints_as_nothing_is_left_out() -> None:
    scores = [score("one", 0.00004), score("two", 0.4)]
    assert printed(built(scores, [contest(0.01)]))["Improvement %"] == ""


def test_an_unfinished_run_has_no_stars_and_says_so() -> None:
    table = built(THREE, None)
    assert "*" not in to_markdown(table).replace("**", "")
    assert "Improvement" not in to_markdown(table)
    assert "Significance: not computed yet; the run is unfinished." in table.notes


def test_the_footer_tells_the_test_and_what_it_could_have_found() -> None:
    scores = [*THREE, score("one", 0.1, metric="R@1"), score("two", 0.2, metric="R@1")]
    notes = "\n".join(built(scores, [contest(0.01), contest(0.2, metric="R@1")]).notes)
    assert "9 distinct queries, Holm-corrected over the table's 2 columns" in notes
    assert (
        "Significant. Best vs. second, Acc@10, BM25: +10.00 (Two vs. One); after correction for 2 columns "
        "this test detects a difference of about 3.21 with 80 % power." in notes
    )


def test_the_footer_of_a_restricted_table_speaks_of_a_printed_column() -> None:
    scores = [*THREE, score("one", 0.1, metric="R@1"), score("two", 0.2, metric="R@1")]
    contests = [contest(0.01), contest(0.2, metric="R@1")]
    notes = "\n".join(built(scores, contests, columns=["R@1"]).notes)
    assert "Holm-corrected over the whole table's 2 columns" in notes
    assert "Not significant. Best vs. second, R@1, BM25" in notes
    assert "Acc@10" not in notes
    assert "Best vs. second, R@1, BM25" in "\n".join(built(scores, contests[1:]).notes)


def test_a_difference_that_cannot_be_is_not_called_detectable() -> None:
    (note,) = (n for n in built(THREE, [contest(0.5, mde=1.2)]).notes if "Best vs. second" in n)
    assert note.endswith("detects no difference that is possible with 80 % power: the queries are too few.")


def test_a_single_test_is_not_called_corrected() -> None:
    notes = "\n".join(built(THREE, [contest(0.5)]).notes)
    assert "(Two vs. One); this test detects a difference of about 3.21 with 80 % power." in notes


def test_seeds_are_mean_and_deviation_and_their_rows_are_not_mixed_in() -> None:
    scores = [score("one", v, seed=s) for v, s in ((0.1, "0"), (0.3, "1"), (0.2, "mean"), (0.1414, "sd"))]
    table = built([*scores, score("two", 0.5, seed="mean"), score("two", 0.0, seed="sd")], [])
    assert printed(table) == {"One": "20.00 ± 14.14", "Two": "50.00 ± 0.00"}
    assert r"20.00 $\pm$ 14.14" in to_latex(table)


def test_intervals_are_shown_when_asked_for() -> None:
    scores = [score("one", 0.3, ci_low=0.2, ci_high=0.45)]
    assert printed(built(scores, []))["One"] == "30.00"
    assert printed(built(scores, [], intervals=True))["One"] == "30.00 [20.00, 45.00]"


# A real run


def test_the_printed_tables_pass_their_own_lint(competing_run: CompetingRun) -> None:
    for name in ("generation", "retrieval"):
        for suffix in ("md", "csv", "tex"):
            report = lint(str(competing_run.out / "tables" / f"{name}.{suffix}"))
            assert report.ok, report.to_text()


@pytest.mark.parametrize("seed", [0, [0, 1]])
def test_every_form_with_intervals_and_seeds_passes_its_own_lint(
    competing_run: CompetingRun, tmp_path: Path, seed: int | list[int]
) -> None:
    result = competing_run.run(tmp_path / "out", seed=seed)
    queries = result.manifest.evaluation.queries
    for table in [t for intervals in (False, True) for t in result.tables(intervals=intervals)[:2]]:
        known = [j for j, name in enumerate(table.columns) if name != "Distinct"]
        for form, suffix in SUFFIXES.items():
            path = tmp_path / f"{table.name}.{suffix}"
            path.write_text(RENDERERS[form](table))
            report = lint(str(path), n=queries)
            assert report.ok, report.to_text()
            assert report.cells == sum(bool(cells[j].text) for _, cells in table.rows for j in known)
    report = lint(str(tmp_path / "out" / "scores.csv"))
    assert report.ok, report.to_text()


def test_tables_printed_again_do_not_read_what_they_were_made_of(
    competing_run: CompetingRun, tmp_path: Path
) -> None:
    """Tables are functions of scores.csv, costs.csv, significance.csv, summary.json and the manifest."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("manifest.json", "scores.csv", "costs.csv", "significance.csv", "summary.json"):
        (copy / name).write_bytes((competing_run.out / name).read_bytes())
    for table in Result.read(copy).tables():
        assert to_csv(table) == (competing_run.out / "tables" / f"{table.name}.csv").read_text()


def test_latex_has_bold_star_and_improvement(competing_run: CompetingRun) -> None:
    text = (competing_run.out / "tables" / "retrieval.tex").read_text()
    rows = {line.split(" & ")[1]: line for line in text.splitlines() if " & " in line}
    assert r"\textbf{" in rows["long"]
    assert "}*" in rows["long"]
    assert r"\textbf{" not in rows["short"]
    assert r"Improvement \%" in rows
    assert not any(mark in rows["Oracle"] for mark in ("textbf", "*"))


def test_ties_bound_what_the_run_scored(competing_run: CompetingRun) -> None:
    result = competing_run.result()
    table = next(table for table in result.tables() if table.name == "ties")
    assert list(table.columns[:3]) == ["P@1 worst", "P@1 expected", "P@1 best"]
    for _, cells in table.rows:
        numbers = [float(cell.text) for cell in cells]
        for start in range(0, len(numbers), 3):
            assert numbers[start] <= numbers[start + 1] <= numbers[start + 2]
    rows = {names[-1]: [float(cell.text) for cell in cells] for names, cells in table.rows}
    assert rows["short"] == rows["twin"]


def test_bench_table_shows_intervals(competing_run: CompetingRun, cli: Cli) -> None:
    plain, more = cli("table", competing_run.out), cli("table", competing_run.out, "--intervals")
    assert (plain.status, more.status) == (0, 0)
    row = next(line for line in more.out.splitlines() if line.startswith("| BM25 | long"))
    first = competing_run.result().scores.query("generator == 'long' and metric == 'R@1'").iloc[0]
    assert f"[{first['ci_low'] * 100:.2f}, {first['ci_high'] * 100:.2f}]" in row
    assert row not in plain.out


@pytest.mark.parametrize("form", ["markdown", "csv", "latex", "html"])
def test_every_format_has_the_notes(competing_run: CompetingRun, cli: Cli, form: str) -> None:
    outcome = cli("table", competing_run.out, "--format", form)
    for word in ("Significance:", "Best vs. second, ", "Signature:", "Coverage:"):
        assert word in outcome.out


def test_bench_table_prints_the_tables_and_columns_that_are_named(
    competing_run: CompetingRun, cli: Cli
) -> None:
    outcome = cli(
        "table", competing_run.out, "--format", "csv", "--table", "retrieval", "--metrics", "R@10,R@1"
    )
    assert outcome.out.splitlines()[0] == "Retriever,Model,R@10,R@1"
    both = cli("table", competing_run.out, "--format", "csv", "--metrics", "CIDEr,R@10").out
    assert [line for line in both.splitlines() if line.startswith(("Model", "Retriever"))] == [
        "Model,C", "Retriever,Model,R@10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metrics", "R@11"), "Did you mean R@1"),
        (("--table", "retrival"), "retrieval"),
        (("--table", "ties", "--metrics", "CIDEr"), "CIDEr"),
        (("--summary", "--metrics", "R@1"), "leave out --table and --metrics"),
    ],
)
def test_a_table_or_column_that_there_is_not_is_a_usage_error(
    competing_run: CompetingRun, cli: Cli, options: tuple[str, ...], message: str
) -> None:
    outcome = cli("table", competing_run.out, *options)
    assert outcome.status == 2
    assert message in outcome.error()
