"""CSV, Markdown and LaTeX tables as people write them: read rightly, or refused."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.lint.report import lint, read_tables
from bench.lint.table import Column, Table

R1, R5, P1, B1 = Column("R", 1), Column("R", 5), Column("P", 1), Column("BLEU", 1)


def tables(tmp_path: Path, name: str, text: str) -> list[Table]:
    path = tmp_path / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return read_tables(path)


def one(tmp_path: Path, name: str, text: str) -> Table:
    (table,) = tables(tmp_path, name, text)
    return table


def values(table: Table) -> dict[str, list[float]]:
    return {row.name: [float(e.number.value) for e in row.entries.values()] for row in table.rows}


MARKDOWN = """
    Some words | with a bar.

    | Method | Year | Recall@1 (%) ↑ | R@5 | BLEU-1 | CIDEr |
    |:---|---:|---:|---:|---|---|
    | *Baseline* [3] | 2020 | 10.1 ± 0.3 | <u>20.20</u> | 0.30 | 1,234.5 |
    | **Ours** | 2024 | **12.5**\\* | **25.0%** | **0.41**<sup>†</sup> | — |
"""


def test_markdown_with_marks_spreads_percent_and_thousands(tmp_path: Path) -> None:
    table = one(tmp_path, "t.md", MARKDOWN)
    assert values(table) == {"Baseline [3]": [10.1, 20.2, 0.3, 1234.5], "Ours": [12.5, 25.0, 0.41]}
    base, ours = table.rows
    assert base.entries[R5].underline
    assert not base.entries[R1].bold
    assert ours.entries[R1].bold
    assert ours.entries[B1].bold
    assert base.entries[R1].number.half == Decimal("0.05")
    assert any("left out: Year" in note for note in table.notes)


def test_markdown_inside_code_fences_is_no_table(tmp_path: Path) -> None:
    fenced = "```\n| Model | R@1 |\n|---|---|\n| a | 300 |\n```\n"
    real = "\n| Model | R@1 |\n|---|---|\n| a | 30 |\n"
    assert values(one(tmp_path, "t.md", fenced + real)) == {"a": [30.0]}


def test_blank_group_cells_of_markdown_are_filled_from_above(tmp_path: Path) -> None:
    table = one(
        tmp_path,
        "t.md",
        """
        | Retriever | Model | R@1 |
        |---|---|---|
        | BM25 | A | 1.5 |
        |      | B | 2.5 |
        | DPR  | A | 3.5 |
        """,
    )
    assert list(values(table)) == ["BM25/A", "BM25/B", "DPR/A"]


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


LATEX = r"""
    \begin{table} % a comment with \begin{tabular}
    \begin{tabular}{@{}ll*{4}{c}@{}}
    \toprule
    \multirow{2}{*}{Retriever} & \multirow{2}{*}{Model} &
    \multicolumn{2}{c}{Recall} & \multicolumn{2}{c}{BLEU} \\
    \cmidrule(lr){3-4} \cmidrule(lr){5-6}
     & & @1 & @5 & 1 & 4 \\
    \midrule
    \multirow{2}{*}{BM25} & Base~\cite{base20} & 10.1$_{\pm 0.3}$ & \underline{20.2} & 1{,}0 & $5.5$ \\
     & Ours & \textbf{12.5}$^{*}$ & $\mathbf{25.0}$\% & -- & 6.5 $\pm$ 0.1 \\[2pt]
    \bottomrule
    \end{tabular}
    \end{table}
"""


def test_latex_with_booktabs_multirow_multicolumn_marks_and_maths(tmp_path: Path) -> None:
    table = one(tmp_path, "t.tex", LATEX.replace("1{,}0", "45.0"))
    assert values(table) == {"BM25/Base": [10.1, 20.2, 45.0, 5.5], "BM25/Ours": [12.5, 25.0, 6.5]}
    base, ours = table.rows
    assert base.entries[R5].underline
    assert ours.entries[R1].bold
    assert ours.entries[R5].bold
    assert ours.line == 10


def test_decimal_commas_beside_decimal_points_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"decimal commas .*points"):
        tables(tmp_path, "t.tex", LATEX)


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        (r"\best{12.5}", r"unknown macro '\\best'"),
        (r"12.5_{3}", "not a number"),
        (r"\multirow{x}{*}{12.5}", "multirow over 'x' rows"),
        ("twelve", "not a number"),
        ("12.5/13.0", "not a number"),
    ],
)
def test_a_latex_cell_that_may_be_misread_is_refused_with_its_line(
    tmp_path: Path, cell: str, what: str
) -> None:
    text = "\\begin{tabular}{lc}\nModel & R@1 \\\\ \\hline\nA & CELL \\\\\n\\end{tabular}\n"
    with pytest.raises(DataError, match=rf"t.tex:3: .*{what}"):
        tables(tmp_path, "t.tex", text.replace("CELL", cell))


def test_a_tabular_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.tex:1: .*has no"):
        tables(tmp_path, "t.tex", "\\begin{tabular}{lc}\nModel & R@1 \\\\\n")


def test_escaped_percent_is_no_comment(tmp_path: Path) -> None:
    text = "\\begin{tabular}{lcc}\nModel & R@1 (\\%) & R@5 \\\\\nA & 12.5\\% & 20 \\\\ % 99\n\\end{tabular}\n"
    assert values(one(tmp_path, "t.tex", text)) == {"A": [12.5, 20.0]}


def test_a_latex_heading_row_groups_what_follows(tmp_path: Path) -> None:
    text = r"""
    \begin{tabular}{lcc}
    Model & R@1 & R@5 \\ \midrule
    \multicolumn{3}{c}{\textit{BM25}} \\
    A & 1.5 & 2.5 \\
    \midrule
    \multicolumn{3}{c}{\textit{DPR}} \\
    A & 3.5 & 4.5 \\
    \end{tabular}
    """
    assert values(one(tmp_path, "t.tex", text)) == {"BM25/A": [1.5, 2.5], "DPR/A": [3.5, 4.5]}


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


LONG = """
    # signature: something, with commas
    generator,retriever,metric,value,ci_low,ci_high,tie_worst,tie_expected,tie_best,n,seed
    lead,bm25,R@1,0.5,0.4,0.6,0.5,0.5,0.5,6,0
    lead,bm25,R@5,0.3333333333333333,0.2,0.4,0.5,0.5,0.5,6,0
    lead,bm25,MRR,0.4,,,,,,6,0
    lead,,BLEU-1,0.25,,,,,,3,0
"""


def test_our_scores_are_read_with_their_own_precision(tmp_path: Path) -> None:
    table = one(tmp_path, "scores.csv", LONG)
    assert values(table) == {"bm25/lead": [0.5, pytest.approx(1 / 3)], "lead": [0.25]}
    assert table.rows[0].entries[R1].number.half == Decimal("1e-9")
    assert table.rows[0].n == 6
    assert "metrics not known and left out: MRR" in table.notes
    assert {"scale of the ranking columns: fractions of 1"} <= set(table.notes)


def test_a_fall_of_recall_in_our_scores_is_found(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(textwrap.dedent(LONG).lstrip())
    (violation,) = lint(str(path)).violations
    assert violation.cell == "bm25/lead, R@5"


def test_n_in_our_scores_is_checked_against_precision_at_1(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("generator,retriever,metric,value,n,seed\nlead,bm25,P@1,0.3333333333333333,5000,0\n")
    (violation,) = lint(str(path)).violations
    assert violation.rule == "granularity"
    path.write_text("generator,retriever,metric,value,n,seed\nlead,bm25,P@1,0.3333333333333333,4500,0\n")
    assert lint(str(path)).ok


@pytest.mark.parametrize("seed", ["mean", "", "0;1;2"])
def test_a_mean_over_seeds_is_not_held_to_the_steps_of_n(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(
        f"generator,retriever,metric,value,n,seed\nlead,bm25,P@1,0.3333333333333333,5000,{seed}\n"
    )
    assert lint(str(path)).ok


def test_deviations_over_seeds_are_no_scores(tmp_path: Path) -> None:
    """Of a mean over seeds recall may not fall; of their deviations it may."""
    path = tmp_path / "scores.csv"
    rows = [
        f"lead,bm25,R@{k},{value},300,{seed}"
        for seed, pair in (("mean", (0.2, 0.3)), ("sd", (0.02, 0.01)))
        for k, value in zip((1, 5), pair, strict=True)
    ]
    path.write_text("\n".join(["generator,retriever,metric,value,n,seed", *rows]) + "\n")
    report = lint(str(path))
    assert report.ok, report.to_text()
    assert report.cells == 2
    assert "rows that are no scores and left out: seed sd" in report.notes


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("lead,bm25,R@1,half,6,0", "column value: 'half' is not a number"),
        ("lead,bm25,R@1,0.5,6.5,0", "column n: '6.5' is not a number of queries"),
        ("lead,bm25,R@1,0.5,six,0", "column n: 'six' is not a number"),
        ("lead,bm25,R@1,0.5,6", "5 cells under a header of 6"),
        ("a,b,R@1,0.5,6,0\na,b,Recall@1,0.5,6,0", "second value of R@1"),
    ],
)
def test_a_bad_line_of_scores_is_refused_with_its_number(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(DataError, match=rf"s.csv:(2|3): .*{what}"):
        tables(tmp_path, "s.csv", f"generator,retriever,metric,value,n,seed\n{line}\n")


def test_small_percentages_of_one_family_are_left_out_of_cross_checks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Model,R@30,P@30,Acc@30\nA,20.0,0.9,26.0\nB,21.0,0.8,27.0\n")
    report = lint(str(path))
    assert report.ok
    assert any(note.startswith("P: all values at most 1 beside percentages") for note in report.notes)


@pytest.mark.parametrize(
    "cell",
    [
        "12<sup>5</sup>",
        "12<sub>5</sub>",
        "12<br>5",
        "12 5",
        "<12",
        "~~12.5~~",
        "1,23,456",
        "12.5.1",
        "12–13",
        "[12.5](#note) 3",
        "12.5 [3]",
        "12.5 [3, x]",
    ],
)
def test_a_markdown_cell_that_may_be_misread_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match=r"t.md:3: column R@1: .* is not a number"):
        tables(tmp_path, "t.md", f"| Model | R@1 |\n|---|---|\n| A | {cell} |\n")


@pytest.mark.parametrize(
    ("cell", "value", "bold"),
    [
        ("**12.5** (+2.3)", 12.5, True),
        ("***12.5***", 12.5, True),
        ("**12.5***", 12.5, True),
        ("12.5 ↑1.2", 12.5, False),
        ("12.5<sup>a,b</sup>", 12.5, False),
        ("12.5ᵃᵇ", 12.5, False),
        ("<b>12.5</b><sup>*</sup>", 12.5, True),
        ("12.5<sub>±0.3</sub>", 12.5, False),
        ("12.5 &plusmn; 0.3", 12.5, False),
        ("*12.5*", 12.5, False),
        ("12.5†‡", 12.5, False),
        ("−12.5", -12.5, False),
        ("12.5 %", 12.5, False),
        ("**12.5 [10.0, 14.5]**\\*", 12.5, True),
        ("12.5 ± 0.3 [10.0 14.5]", 12.5, False),
        ("1 234.5".replace(" ", "\u202f"), 1234.5, False),
    ],
)
def test_a_markdown_cell_keeps_its_number_under_any_markup(
    tmp_path: Path, cell: str, value: float, bold: bool
) -> None:
    (row,) = one(tmp_path, "t.md", f"| Model | CIDEr |\n|---|---|\n| A | {cell} |\n").rows
    (entry,) = row.entries.values()
    assert (float(entry.number.value), entry.bold) == (value, bold)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (r"\textbf{\underline{12.5}}", 12.5),
        (r"{\bf 12.5}", 12.5),
        (r"\phantom{0}9.5", 9.5),
        (r"\textcolor{red}{12.5}", 12.5),
        (r"\cellcolor[HTML]{EFEFEF}12.5", 12.5),
        (r"$12.5\pm0.3$", 12.5),
        (r"12.5$^{\dagger\ddagger}$", 12.5),
        (r"12.5\textsuperscript{*}", 12.5),
        (r"12.5\tnote{1}", 12.5),
        (r"1\,234.5", 1234.5),
        (r"1{,}234.5", 1234.5),
        (r"\num{12.5}", 12.5),
        (r"\SI{12.5}{\percent}", 12.5),
        (r"12.5(3)", 12.5),
        (r"$12.5_{0.3}$", 12.5),
        (r"$12.5^{+0.3}_{-0.2}$", 12.5),
        (r"12.5\hphantom{$^{ab}$}", 12.5),
        (r"12.5$^{a,b}$", 12.5),
        (r"12.5$^{1,2}$", 12.5),
        (r"\rlap{$^*$}12.5", 12.5),
        (r"$-$12.5", -12.5),
        (r"12.5\,\%", 12.5),
        (r"12.5\footnotemark[2]", 12.5),
        (r"\textbf{12.5 $\pm$ 0.3 [10.0, 14.5]}*", 12.5),
    ],
)
def test_a_latex_cell_keeps_its_number_under_any_markup(tmp_path: Path, cell: str, value: float) -> None:
    text = "\\begin{tabular}{lc}\nModel & CIDEr \\\\\nA & CELL \\\\\n\\end{tabular}\n"
    (row,) = one(tmp_path, "t.tex", text.replace("CELL", cell)).rows
    assert [float(entry.number.value) for entry in row.entries.values()] == [value]


@pytest.mark.parametrize(
    "cell",
    [r"12\small{5}", r"12{5}", r"12\textit{5}", r"$12^{5}$", r"$\sim$12", r"12\textsubscript{5}", r"$<$12"],
)
def test_a_latex_cell_of_two_numbers_is_refused(tmp_path: Path, cell: str) -> None:
    text = "\\begin{tabular}{lc}\nModel & CIDEr \\\\\nA & CELL \\\\\n\\end{tabular}\n"
    with pytest.raises(DataError, match=r"t.tex:3: "):
        tables(tmp_path, "t.tex", text.replace("CELL", cell))


def test_a_number_over_several_columns_is_given_to_none(tmp_path: Path) -> None:
    body = textwrap.dedent(r"""
    \begin{tabular}{lcc}
    Model & R@1 & R@5 \\
    A & \multicolumn{2}{c}{CELL} \\
    B & 1 & 2 \\
    \end{tabular}
    """)
    table = one(tmp_path, "t.tex", body.replace("CELL", "10.0"))
    assert values(table)["B"] == [1, 2]
    assert any("t.tex:3: column R@5: '10.0' spans several columns" in note for note in table.notes)
    assert list(values(one(tmp_path, "t.tex", body.replace("CELL", "--")))) == ["B"]


def test_a_header_of_two_lines_in_a_cell_is_known(tmp_path: Path) -> None:
    text = "\\begin{tabular}{lc}\nModel & \\makecell{R@5\\\\(\\%)} \\\\\nA & 20.5 \\\\\n\\end{tabular}\n"
    assert values(one(tmp_path, "t.tex", text)) == {"A": [20.5]}
    with pytest.raises(DataError, match="not a number"):
        tables(tmp_path, "t.tex", text.replace("20.5", "\\makecell{2.0\\\\3.0}"))


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


def test_a_tabular_of_one_column_inside_a_cell_is_that_cell(tmp_path: Path) -> None:
    inner = "\\begin{tabular}[c]{@{}c@{}}R@\\\\1\\end{tabular}"
    text = f"\\begin{{tabular}}{{lc}}\nModel & {inner} \\\\\nA & 3\\\\\n\\end{{tabular}}"
    assert values(one(tmp_path, "t.tex", text)) == {"A": [3.0]}


def test_tabulars_side_by_side_in_a_tabular_are_tables_of_their_own(tmp_path: Path) -> None:
    inner = "\\begin{tabular}{lc}\nModel & R@1 \\\\\nA & 3 \\\\\n\\end{tabular}"
    text = f"\\begin{{tabular}}{{cc}}\n{inner}\n&\n{inner} \\\\\n\\end{{tabular}}"
    assert [values(table) for table in tables(tmp_path, "t.tex", text)] == [{"A": [3.0]}, {"A": [3.0]}]


def test_a_multirow_written_in_its_last_row_names_the_rows_above(tmp_path: Path) -> None:
    text = r"""
    \begin{tabular}{llc}
    Retriever & Model & R@1 \\
    & A & 1.5 \\
    \multirow{-2}{*}{BM25} & B & 2.5 \\
    \end{tabular}
    """
    assert list(values(one(tmp_path, "t.tex", text))) == ["BM25/A", "BM25/B"]


def test_columns_of_two_data_sets_are_never_compared_with_each_other(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model,MSR-VTT,,DiDeMo\n,R@1,R@5,R@10\nA,30.0,60.0,50.0\n")
    assert values(table) == {"MSR-VTT/A": [30.0, 60.0], "DiDeMo/A": [50.0]}


def test_a_rotated_multirow_label_is_the_group(tmp_path: Path) -> None:
    text = r"""
    \begin{tabular}{llc}
    & Model & R@1 \\
    \multirow{2}{*}{\rotatebox{90}{BM25}} & A & 1.5 \\
    & B & 2.5 \\
    \end{tabular}
    """
    assert list(values(one(tmp_path, "t.tex", text))) == ["BM25/A", "BM25/B"]


def test_rows_of_spreads_are_left_out_and_named(tmp_path: Path) -> None:
    table = one(tmp_path, "t.csv", "Model,R@1,R@5\nA,30.0,60.0\nstd,0.3,0.1\n")
    assert list(values(table)) == ["A"]
    assert "rows that are no scores and left out: std" in table.notes


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
