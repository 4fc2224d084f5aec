"""Scores as they are printed: marks, escapes, and the same numbers in every format."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable

import pandas as pd
import pytest

from bench.lint.readers.latex import parse_grids
from bench.output.manifest import DatasetInfo
from bench.output.schema import COST_COLUMNS, GENERATION, RETRIEVAL, SCORE_COLUMNS
from bench.tables.build import build_tables
from bench.tables.score_table import Leaders
from bench.tables.table import (
    BEST,
    PLAIN,
    Cell,
    Table,
    select_columns,
    to_csv,
    to_html,
    to_latex,
    to_markdown,
)
from tests.manifests import small_manifest

HOSTILE = 'A|B <b>&"x"</b> \\ 100% $x_1$ #{~^}'
MANIFEST = small_manifest(
    labels={
        "one": "One", "two": "Two", "three": "Three", "ref": "Reference", "bm25": "BM25",
        "dpr-pt": "DPR (PT)",
    },
    references=["ref"],
    signature={"data": "x", "n": "5"},
    dataset=DatasetInfo("x", synthetic=True, language="en", version="1", digest="0"),
)  # fmt: skip


def frames(values: dict[tuple[str, str | None], float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores in which every metric of a cell has one value, and costs."""
    rows = [
        {"generator": g, "retriever": r, "metric": metric, "value": value, "seed": 0}
        for (g, r), value in values.items()
        for metric in (RETRIEVAL if r else GENERATION.values())
    ]
    costs = pd.DataFrame(
        [{"generator": g, "retriever": r, "params": 12345.0, "peak_mb": 0.5} for g, r in values],
        columns=list(COST_COLUMNS),
    )
    return pd.DataFrame(rows).reindex(columns=list(SCORE_COLUMNS)), costs


def retrieval(values: dict[tuple[str, str | None], float], leaders: Leaders | None = None) -> Table:
    tables = build_tables(*frames(values), MANIFEST, leaders=leaders)
    return next(table for table in tables if table.name == "retrieval")


def ranks(table: Table) -> dict[tuple[str, ...], str]:
    return {tuple(names): cells[0].rank for names, cells in table.rows}


def table(label: str = HOSTILE) -> Table:
    rows = [
        (["BM25", label], [Cell("12.34", BEST, star=True), Cell("")]),
        (["BM25", "b"], [Cell("1,234"), Cell("0.10")]),
    ]
    return Table("sample", label, ["Retriever", label], ["R@1", label], rows, [f"Signature: {label}"])


# What is marked


def test_bold_are_the_leaders_of_each_block_and_column() -> None:
    values = {(name, retriever): 0.1 for retriever in ("bm25", "dpr-pt") for name in ("one", "two", "three")}
    leaders = {("bm25", "R@1"): {"two", "three"}, ("dpr-pt", "R@1"): {"one"}}
    marks = ranks(retrieval(values, leaders))
    assert {names for names, mark in marks.items() if mark == BEST} == {
        ("BM25", "Two"), ("BM25", "Three"), ("DPR (PT)", "One"),
    }  # fmt: skip


def test_nothing_is_bold_where_nothing_was_tested() -> None:
    table = retrieval({("one", "bm25"): 0.5, ("two", "bm25"): 0.1})
    assert set(ranks(table).values()) == {PLAIN}
    assert not any(note.startswith("Bold: ") for note in table.notes)


def test_bold_is_explained_only_where_something_is_bold() -> None:
    values = {("one", "bm25"): 0.5, ("two", "bm25"): 0.5}
    explained = {
        leader: any(note.startswith("Bold: ") for note in retrieval(values, {("bm25", "R@1"): names}).notes)
        for leader, names in {"a row": {"one"}, "none": set[str]()}.items()
    }
    assert explained == {"a row": True, "none": False}


def test_rows_stand_in_the_order_of_the_run_with_blocks_together() -> None:
    table = retrieval(
        {("two", "bm25"): 0.1, ("two", "dpr-pt"): 0.1, ("one", "bm25"): 0.2, ("one", "dpr-pt"): 0.2}
    )
    assert [tuple(names) for names, _ in table.rows] == [
        ("BM25", "Two"), ("BM25", "One"), ("DPR (PT)", "Two"), ("DPR (PT)", "One"),
    ]  # fmt: skip


def test_numbers_are_hundredfold_with_two_decimals() -> None:
    table = retrieval({("one", "bm25"): 0.123456})
    assert {cell.text for _, cells in table.rows for cell in cells} == {"12.35"}
    assert table.columns == RETRIEVAL
    assert "×100" in table.caption


def test_a_synthetic_dataset_is_called_that() -> None:
    assert "(synthetic)" in retrieval({("one", "bm25"): 0.1}).caption


def test_signature_and_coverage_stand_under_every_table() -> None:
    for built in build_tables(*frames({("one", None): 0.5, ("one", "bm25"): 0.5}), MANIFEST):
        for render in (to_markdown, to_csv, to_latex, to_html):
            text = html.unescape(render(built))
            assert "Signature: data: x" in text
            assert "Coverage: dataset: 5 videos" in text


def test_tables_of_nothing_are_tables() -> None:
    scores, costs = frames({("one", "bm25"): 0.5})
    for built in build_tables(scores.iloc[:0], costs.iloc[:0], MANIFEST):
        for render in (to_markdown, to_csv, to_latex, to_html):
            assert render(built)


# How it is written


def test_markdown_has_a_cell_for_each_column_whatever_the_label() -> None:
    lines = [line for line in to_markdown(table()).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {5}
    assert "**12.34**\\*" in lines[2]
    assert "| 1,234 |" in lines[3]
    assert "–" in lines[2]
    assert "<b>" not in to_markdown(table("<b>"))


def test_a_line_end_in_a_label_breaks_no_row() -> None:
    assert len(to_markdown(table("a\nb")).split("| BM25 ")) == 3


def test_csv_comes_back_as_it_was() -> None:
    text = to_csv(table())
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Retriever", HOSTILE, "R@1", HOSTILE]
    assert rows[1] == ["BM25", HOSTILE, "12.34", ""]
    assert rows[2] == ["BM25", "b", "1234", "0.10"]
    assert rows[3][0].startswith("# Signature")


@pytest.mark.parametrize("label", ["=1+1", "+x", "-2+3", "@x", "\t=1"])
def test_csv_runs_no_formula(label: str) -> None:
    assert list(csv.reader(io.StringIO(to_csv(table(label)))))[1][1] == f"'{label}"


def test_latex_escapes_and_marks() -> None:
    text = to_latex(table())
    row = next(line for line in text.splitlines() if "12.34" in line)
    assert r"A\textbar{}B \textless{}b\textgreater{}\&''x''" in row
    for escaped in (r"\textbackslash{}", r"100\%", r"\$x\_1\$", r"\#\{\textasciitilde{}\textasciicircum{}\}"):
        assert escaped in row
    assert r"\textbf{12.34}*" in row
    assert "& 1,234" in text
    assert len(re.findall(r"(?<!\\)&", row)) == 3
    assert row.endswith(r"\\")
    assert r"\begin{tabular}{llrr}" in text


@pytest.mark.parametrize("label", ["[mine]", "*mine", "a\n\nb", HOSTILE])
def test_latex_leaves_no_sign_that_latex_reads_otherwise(label: str) -> None:
    text = to_latex(Table("x", label, [label], ["p < 0.05"], [([label], [Cell("1.00")])] * 2, [label]))
    body = text.partition("\n")[2]
    assert not re.search(r'[<>|"]|(?<!\\)[%#~^]', body)
    assert "\n\n" not in body.partition(r"\end{tabular}")[0]
    assert not re.search(r"\\\\\s*[\[*]", body)
    bare = re.sub(r"\\[{}]", "", body)
    assert bare.count("{") == bare.count("}")
    assert text.startswith(r"% \usepackage{booktabs}")


def test_latex_rules_blocks_off() -> None:
    table = retrieval({("one", "bm25"): 0.1, ("one", "dpr-pt"): 0.1})
    assert to_latex(table).count(r"\midrule") == 2


def test_a_label_of_latex_spans_the_rows_that_have_it() -> None:
    rows = [("BM25", "Lead"), ("BM25", "QMS"), ("DPR", "QMS"), ("", "x"), ("", "y")]
    built = Table("t", "c", ["Retriever", "Model"], ["a"], [(names, [Cell("1.00")]) for names in rows], [])
    text = to_latex(built)
    assert text.startswith(r"% \usepackage{booktabs,multirow}")
    assert r"\multirow{2}{*}{BM25} & Lead & 1.00 \\" in text
    assert "\n & QMS & 1.00" in text
    assert "\nDPR & QMS & 1.00" in text
    (grid,) = parse_grids(text, "t.tex")
    assert [row.cells[0].text for row in grid.rows[1:4]] == ["BM25", "BM25", "DPR"]


def test_html_escapes_every_text_and_marks() -> None:
    text = to_html(table())
    assert "<b>" not in text
    assert text.count(html.escape(HOSTILE)) >= 5
    assert "<td><strong>12.34</strong>*</td>" in text
    assert "<td>1,234</td>" in text


def test_a_name_cannot_leave_its_attribute() -> None:
    built = Table('x" onload="alert(1)', "c", ["a"], [], [], [])
    assert 'onload="' not in to_html(built)


IMAGE = "![](http://example.org/pixel.png)"
ESCAPE = "\x1b[31mred\x1b]0;title\x07"


def hostile_table(text: str) -> Table:
    return Table("t", text, [text], [text], [([text], [Cell("1.00")])], [f"Signature: {text}"])


def test_an_image_in_a_name_is_not_fetched_by_who_reads_the_markdown() -> None:
    assert "](" not in to_markdown(hostile_table(IMAGE))


@pytest.mark.parametrize("render", [to_markdown, to_csv, to_latex, to_html])
def test_no_name_steers_the_terminal(render: Callable[[Table], str]) -> None:
    text = render(hostile_table(ESCAPE))
    assert "red" in text
    assert not {"\x1b", "\x07"} & set(text)


@pytest.mark.parametrize("formula", ["=1+1", " =1+1", "@SUM(A1)", "＝1+1"])
def test_no_name_is_a_formula_in_csv(formula: str) -> None:
    header, row, _ = to_csv(hostile_table(formula)).splitlines()
    assert header == f"'{formula},'{formula}"
    assert row.startswith("'")


def test_a_wide_latex_table_is_scaled_to_the_line_and_comments_what_repeats_the_run() -> None:
    columns = [f"R@{k}" for k in range(1, 9)]
    notes = ["Signature: data: x | 100 %", "Coverage: 3 videos", "Bold is best."]
    wide = Table("wide", "Wide", ["Model"], columns, [(["one"], [Cell("1.00")] * 8)], notes)
    text = to_latex(wide)
    assert text.startswith("% \\usepackage{booktabs,graphicx}\n% Signature: data: x ")
    assert "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}" in text
    assert "\\end{tabular}}" in text
    assert "\\footnotesize Bold is best." in text
    assert "\\footnotesize Signature" not in text
    narrow = to_latex(select_columns(wide, ["R@8", "R@1", "MRR"]))
    assert "\\begin{tabular}{lrr}" in narrow
    assert "resizebox" not in narrow
    assert "Model & R@8 & R@1" in narrow
