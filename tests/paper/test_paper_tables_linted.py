"""What the audit finds in the paper's tables, and that it finds nothing else."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.paper.published import lint_paper_table as lint


def violations_of(target: str) -> set[tuple[str, str]]:
    return {(v.cell, v.rule) for v in lint(target).violations}


def test_table_5_breaks_arithmetic_in_five_known_cells_and_no_other() -> None:
    assert violations_of("table5") == {
        ("BM25/BART (Text), R@5", "never-falls"),
        ("BM25/Seq2Seq, Acc@5", "acc-within-hits"),
        ("BM25/Seq2Seq, Acc@10", "acc-within-hits"),
        ("BM25/Seq2Seq, Acc@30", "acc-within-hits"),
        ("DPR (FT)/Improvement. %, R@1", "improvement"),
    }
    assert len(lint("table5").violations) == 5


def test_the_wrong_improvement_is_recomputed_and_its_origin_named() -> None:
    (wrong,) = (v for v in lint("table5").violations if v.rule == "improvement")
    assert wrong.figures["printed"] == "9.45"
    assert wrong.figures["recomputed"] == "7.89"
    assert "the gain over BART (MM)" in wrong.message


def test_recall_that_falls_is_shown_with_both_figures() -> None:
    (wrong,) = (v for v in lint("table5").violations if v.rule == "never-falls")
    assert wrong.figures == {"R@1": "19.71", "R@5": "19.12"}


def test_the_smallest_number_of_evaluated_queries_is_5000_a_note_and_no_violation() -> None:
    report = lint("table5")
    (note,) = (note for note in report.notes if "smallest number of queries" in note)
    assert "all 96 values" in note
    assert "5,000" in note
    assert not any(v.rule == "granularity" for v in report.violations)


@pytest.mark.parametrize("n", [5000, 37921])
def test_neither_number_of_queries_is_contradicted_by_any_single_cell_of_table_5(n: int) -> None:
    assert not any(v.rule == "granularity" for v in lint("table5", n=n).violations)


def test_a_number_of_queries_that_cannot_give_the_printed_values_is_a_violation() -> None:
    assert any(v.rule == "granularity" for v in lint("table5", n=4999).violations)


def test_totals_of_the_text_that_exceed_the_splits_of_table_2_are_violations_of() -> None:
    assert violations_of("table2") == {("#Query, Total", "sums"), ("#V-Q Pair, Total", "sums")}


@pytest.mark.parametrize("table", ["table3", "table4", "table6", "table7"])
def test_the_other_tables_raise_no_alarm(table: str) -> None:
    report = lint(table)
    assert report.violations == ()
    assert report.ok
    assert report.cells > 0


@pytest.mark.parametrize(
    ("table", "cells"), [("table2", 12), ("table3", 60), ("table5", 297), ("table6", 18)]
)
def test_every_cell_is_read(table: str, cells: int) -> None:
    assert lint(table).cells == cells


def test_the_text_of_a_report_names_cell_rule_and_count() -> None:
    text = lint("table5").to_text()
    assert "BM25/BART (Text), R@5: R@5 19.12 < R@1 19.71" in text
    assert text.endswith("paper:table5: 297 cells, 5 violations")
    assert lint("table3").to_text().endswith("paper:table3: 60 cells, no violation")


def test_an_unknown_table_of_the_paper_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="table8"):
        lint("table8")
