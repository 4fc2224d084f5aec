"""The long format of scores.csv: read with its precision, and held to its number of queries."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.lint.report import lint
from tests.lint.reading import R1, one, tables, values

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
