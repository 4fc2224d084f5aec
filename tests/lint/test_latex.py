"""LaTeX tables as people write them: read rightly, or refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bench.errors import DataError
from tests.lint.reading import R1, R5, one, tables, values

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


def test_a_rotated_multirow_label_is_the_group(tmp_path: Path) -> None:
    text = r"""
    \begin{tabular}{llc}
    & Model & R@1 \\
    \multirow{2}{*}{\rotatebox{90}{BM25}} & A & 1.5 \\
    & B & 2.5 \\
    \end{tabular}
    """
    assert list(values(one(tmp_path, "t.tex", text))) == ["BM25/A", "BM25/B"]


def test_a_header_of_two_lines_in_a_cell_is_known(tmp_path: Path) -> None:
    text = "\\begin{tabular}{lc}\nModel & \\makecell{R@5\\\\(\\%)} \\\\\nA & 20.5 \\\\\n\\end{tabular}\n"
    assert values(one(tmp_path, "t.tex", text)) == {"A": [20.5]}
    with pytest.raises(DataError, match="not a number"):
        tables(tmp_path, "t.tex", text.replace("20.5", "\\makecell{2.0\\\\3.0}"))
