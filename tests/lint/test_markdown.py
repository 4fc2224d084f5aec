"""Markdown tables as people write them: read rightly, or refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bench.errors import DataError
from tests.lint.reading import B1, R1, R5, one, tables, values

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


def test_an_unknown_macro_beside_a_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.md:3: column R@1: unknown macro '\\best' in '\$\\best\{12\}\$'"):
        one(tmp_path, "t.md", "| Model | R@1 | R@5 |\n|---|---|---|\n| a | $\\best{12}$ | $30$ |\n")
