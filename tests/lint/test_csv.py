"""CSV tables as people write them, and ragged tables of any format: read rightly, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import DataError
from bench.lint.readers.csv import parse_records
from bench.lint.report import lint
from tests.lint.reading import P1, R1, R5, one, tables, values


def test_two_header_rows_name_a_metric_together(tmp_path: Path) -> None:
    table = one(
        tmp_path,
        "t.csv",
        """
        Model,Recall,,Precision
        ,@1,@5,@1
        A,10.0,20.0,11.0
        """,
    )
    assert table.columns() == [R1, R5, P1]


def test_the_upper_header_row_tells_equal_columns_apart(tmp_path: Path) -> None:
    table = one(
        tmp_path,
        "t.csv",
        """
        Model,BM25,,DPR,
        ,R@1,R@5,R@1,R@5
        A,10.0,20.0,11.0,9.0
        """,
    )
    assert values(table) == {"BM25/A": [10.0, 20.0], "DPR/A": [11.0, 9.0]}


def test_equal_columns_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.csv:1: column 'R@1' appears 2 times"):
        tables(tmp_path, "t.csv", "Model,R@1,Recall@1\nA,1,2\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "Model,R@1,R@5\nA,1,2\nB,3\n"),
        ("t.md", "| Model | R@1 | R@5 |\n|---|---|---|\n| A | 1 | 2 |\n| B | 3 |\n"),
        (
            "t.tex",
            "\\begin{tabular}{lcc}\nModel & R@1 & R@5 \\\\\nA & 1 & 2 \\\\\nB & 3 \\\\\n\\end{tabular}",
        ),
    ],
)
def test_a_ragged_row_is_refused_with_file_and_line(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(DataError, match=rf"{name}:(3|4): a row of 2 cells in a table of 3 columns"):
        tables(tmp_path, name, text)


def test_unquoted_thousands_in_a_csv_are_ragged_and_not_two_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 cells in a table of 3"):
        tables(tmp_path, "t.csv", "Model,R@1,CIDEr\nA,10.5,1,234\n")


def test_a_thousand_or_a_decimal_comma_is_left_out_and_named(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", 'Model,R@1,CIDEr\nA,10,"1,234"\n')
    assert values(table) == {"A": [10.0]}
    (note,) = (note for note in table.notes if "left out" in note)
    assert "t.csv:2: column CIDEr: '1,234' may be a thousand or a decimal comma" in note


def test_a_comma_is_a_thousand_where_other_cells_have_a_decimal_point(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", 'Model,R@1,CIDEr\nA,10.5,"1,234"\n')
    assert values(table) == {"A": [10.5, 1234.0]}


def test_semicolons_and_decimal_commas_are_read_and_noted(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model;R@1;CIDEr\nA;10,55;1.234,5\n")
    assert values(table) == {"A": [10.55, 1234.5]}
    assert any("decimal comma" in note for note in table.notes)


def test_a_point_in_a_table_of_decimal_commas_is_left_out_and_named(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model;R@1;CIDEr\nA;10,55;1.234\n")
    assert values(table) == {"A": [10.55]}
    assert any("thousand or fraction" in note for note in table.notes)


def test_a_second_header_begins_another_table(tmp_path: Path) -> None:
    first, second = tables(tmp_path, "t.csv", "Model,R@1\nA,10\nModel,P@1\nA,12\n")
    assert first.columns() == [R1]
    assert second.columns() == [P1]


def test_small_percentages_of_one_family_are_left_out_of_cross_checks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Model,R@30,P@30,Acc@30\nA,20.0,0.9,26.0\nB,21.0,0.8,27.0\n")
    report = lint(str(path))
    assert report.ok
    assert any(note.startswith("P: all values at most 1 beside percentages") for note in report.notes)


def test_points_of_thousands_in_counts_are_refused_and_commas_read(tmp_path: Path) -> None:
    head = "Data;Train;Val;Test;Total\n"
    with pytest.raises(DataError, match=r"t.csv:2: column Train: '50.096' may be a thousand or a fraction"):
        tables(tmp_path, "t.csv", head + "videos;50.096;5.000;5.000;60.096\n")
    commas = one(tmp_path, "t.csv", head + "videos;50,096;5,000;5,000;60,096\n")
    assert values(commas) == {"videos": [50096, 5000, 5000, 60096]}


@pytest.mark.parametrize(("name", "cell"), [("t.md", "33.39 ± 0.10"), ("t.tex", r"33.39 $\pm$ 0.10")])
def test_a_mean_with_its_spread_is_not_held_to_the_steps_of_n(tmp_path: Path, name: str, cell: str) -> None:
    markdown = f"| Model | P@1 |\n|---|---|\n| A | {cell} |\n"
    latex = f"\\begin{{tabular}}{{lc}}\nModel & P@1 \\\\\nA & {cell} \\\\\n\\end{{tabular}}\n"
    path = tmp_path / name
    path.write_text(markdown if name == "t.md" else latex)
    assert lint(str(path), n=300).ok
    path.write_text(path.read_text().replace(cell, "33.39"))
    assert [v.rule for v in lint(str(path), n=300).violations] == ["granularity"]


def test_columns_of_two_data_sets_are_never_compared_with_each_other(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model,MSR-VTT,,DiDeMo\n,R@1,R@5,R@10\nA,30.0,60.0,50.0\n")
    assert values(table) == {"MSR-VTT/A": [30.0, 60.0], "DiDeMo/A": [50.0]}


def test_a_row_called_by_a_number_sign_is_a_row_and_a_signature_is_none(tmp_path: Path) -> None:
    text = "# made by hand\nData,Train,Val,Test,Total\n# videos,10,2,3,15\n# signature: n=5, k=3, x\n"
    assert values(one(tmp_path, "t.csv", text)) == {"# videos": [10, 2, 3, 15]}


def test_a_column_of_ranks_is_no_group(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Rank,Model,R@1\n1,A,30.0\n2,B,20.0\n")
    assert list(values(table)) == ["A", "B"]
    assert any("left out: Rank" in note for note in table.notes)


def test_a_csv_row_without_values_is_no_heading_of_the_rows_below(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model,R@1,R@5\nLead,,\nA,30.0,60.0\n")
    assert values(table) == {"A": [30.0, 60.0]}


def test_rows_of_spreads_are_left_out_and_named(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model,R@1,R@5\nA,30.0,60.0\nstd,0.3,0.1\n")
    assert list(values(table)) == ["A"]
    assert "rows that are no scores and left out: std" in table.notes


def test_a_quote_in_a_comment_opens_no_cell(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('Model,R@1\nLead,1.20\n# Signature: data: odd,"=name:d522 | n: 83\n')
    ((line, _), row) = parse_records(path.read_text(), str(path))
    assert (line, row) == (1, (2, ["Lead", "1.20"]))
