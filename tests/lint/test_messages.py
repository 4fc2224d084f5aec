"""What a violation says: the figures that were compared and a sentence; and the smallest n, to the digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bench.lint.granularity import can_be_mean, granularity_note, smallest_n
from bench.lint.readers.number import Printed
from bench.lint.report import lint_table
from tests.lint.test_rules import broken, table


@pytest.mark.parametrize(
    ("text", "figures", "message"),
    [
        (
            "Model,R@1,R@5\nA,20.02,20.00", {"R@1": "20.02", "R@5": "20.00"},
            "R@5 20.00 < R@1 20.02: R@5 cannot be below R@1 (unless the denominator depends on k)",
        ),
        (
            "Model,Acc@5,Acc@10\nA,20.02,20.00", {"Acc@5": "20.02", "Acc@10": "20.00"},
            "Acc@10 20.00 < Acc@5 20.02: Acc@10 cannot be below Acc@5",
        ),
        (
            "Model,P@1,Acc@5\nA,20.02,20.00", {"P@1": "20.02", "Acc@5": "20.00"},
            "Acc@5 20.00 < P@1 20.02: Acc@5 cannot be below P@1",
        ),
        (
            "Model,P@1,Acc@1\nA,20.02,20.00", {"Acc@1": "20.00", "P@1": "20.02"},
            "Acc@1 20.00 differs from P@1 20.02: they are equal by definition",
        ),
        (
            "Model,P@5,Acc@5\nA,4.00,20.04", {"Acc@5": "20.04", "P@5": "4.00", "5*P@5": "20.00"},
            "Acc@5 20.04 > 5 x P@5 = 20.00 (at most 20.025): queries with a hit cannot outnumber the hits",
        ),
        (
            "Model,P@5,Acc@5\nA,40.00,20.03", {"Acc@5": "20.03", "P@5": "40.00"},
            "Acc@5 20.03 < P@5 40.00: precision is 0 for a query without a hit",
        ),
        (
            "Model,P@1,P@5\nA,40.00,7.98", {"P@1": "40.00", "P@5": "7.98"},
            "5 x P@5 = 39.90 < 1 x P@1 = 40.00: the top 5 cannot hold fewer hits than the top 1 "
            "(P@k divides by k)",
        ),
        (
            "Model,R@5,Acc@5\nA,40.02,40.00", {"R@5": "40.02", "Acc@5": "40.00"},
            "R@5 40.02 > Acc@5 40.00: recall is at most 1 for a query with a hit and 0 without",
        ),
        (
            "Model,R@1,P@1\nA,40.02,40.00", {"R@1": "40.02", "P@1": "40.00"},
            "R@1 40.02 > P@1 40.00: recall is at most 1 for a query with a hit and 0 without",
        ),
        (
            "Model,R@5,P@5\nA,20.04,4.00", {"R@5": "20.04", "P@5": "4.00", "5*P@5": "20.00"},
            "R@5 20.04 > 5 x P@5 = 20.00 (at most 20.025): each hit adds at most 1 to a query's recall",
        ),
        (
            "Model,R@1\nA,100.02", {"R@1": "100.02", "bounds": "0 to 100"},
            "R@1 100.02 lies outside 0 to 100",
        ),
        (
            "Model,R@1\nA,-0.20", {"R@1": "-0.20", "bounds": "0 to 1"},
            "R@1 -0.20 lies outside 0 to 1",
        ),
        (
            "Model,R@1,P@1\nA,50.00,-0.50", {"P@1": "-0.50", "bounds": "0 to 100"},
            "P@1 -0.50 lies outside 0 to 100",
        ),
        (
            "Data,Train,Val,Test,Total\nA,-1,2,3,4", {"Train": "-1", "bounds": "0 or more"},
            "Train -1 lies outside 0 or more",
        ),
        (
            "Model,CIDEr\nA,-0.02", {"CIDEr": "-0.02", "bounds": "0 to 1000"},
            "CIDEr -0.02 lies outside 0 to 1000",
        ),
        (
            "Data,Train,Val,Test,Total\nA,10,2,3,16",
            {"Train": "10", "Val": "2", "Test": "3", "sum": "15", "Total": "16"},
            "the parts 10 + 2 + 3 = 15; the total 16 exceeds their sum by 1",
        ),
        (
            "Data,Train,Val,Test,Total\nA,10,2,3,9",
            {"Train": "10", "Val": "2", "Test": "3", "sum": "15", "Total": "9"},
            "the parts 10 + 2 + 3 = 15; the total 9 is below the largest part",
        ),
        (
            "Model,R@1\nA,12.00\nB,10.00\nC,10.00\nD,11.00\nImprovement (%),10.00",
            {"printed": "10.00", "recomputed": "-8.33", "low": "-8.41", "high": "-8.25"},
            "improvement printed 10.00 %, recomputed -8.33 % (-8.41 to -8.25): D 11.00 over the strongest "
            "other row, A 12.00; the printed value is the gain over B or C",
        ),
        (
            "Model,R@1\nA,10.00\nB,11.00\nImprovement,10.20%",
            {"printed": "10.20%", "recomputed": "10.00", "low": "9.90", "high": "10.11"},
            "improvement printed 10.20 %, recomputed 10.00 % (9.90 to 10.11): B 11.00 over the strongest "
            "other row, A 10.00",
        ),
        (
            "Model,R@1\nA,**10.00**\nB,10.02", {"A": "10.00", "B": "10.02"},
            "R@1 10.00 is marked best (bold), but B has 10.02 unmarked",
        ),
        (
            "Model,R@1\nA,<u>10.00</u>\nB,10.02\nC,**11.00**", {"A": "10.00", "B": "10.02"},
            "R@1 10.00 is marked second (underline), but B has 10.02 unmarked",
        ),
    ],
)  # fmt: skip
def test_a_violation_has_its_figures_and_a_sentence(text: str, figures: dict[str, str], message: str) -> None:
    (violation,) = lint_table(table(text + "\n"))
    assert (violation.figures, violation.message) == (figures, message)


def test_a_mean_that_no_number_of_hits_gives_names_its_steps() -> None:
    text = "Model,R@5,P@5\nA,0.33,0.33\n"  # between 11/35 and 12/35
    (violation,) = lint_table(table(text), n=7)
    assert (violation.cell, violation.figures) == ("A, P@5", {"P@5": "0.33", "n": "7"})
    assert violation.message == "P@5 0.33 is no mean over n = 7 queries: its steps are 1/35"
    assert lint_table(table(text), n=12) == [], "20/60 is printed as 0.33"
    assert lint_table(table("Model,P@5\nA,0.33 ± 0.02\n"), n=7) == [], "a mean over runs has other steps"


def test_a_bound_that_rounding_just_reaches_is_kept() -> None:
    assert broken("Model,P@5,Acc@5\nA,4.00,20.03\n") == set(), "5 x 4.005 = 20.025, which is printed as 20.03"


@pytest.mark.parametrize(
    ("text", "smallest"),
    [
        ("A,0.01", (67, 1, 0.67)),  # 1/67 is the first share below 0.015
        ("A,0.01\nB,0.5", (67, 2, 0.67)),  # every n >= 10 gives some 0.5
        ("A,1.000", (1, 1, 1e-3)),
        ("A,0.33333", (3, 1, 3e-5)),
        ("A,0.333333", None),  # more digits than any table prints
        ("A,33.333", (3, 1, 3e-5)),
        ("A,33.3333", None),
        ("A,-0.10", None),  # of no n
    ],
)
def test_the_smallest_number_of_queries(text: str, smallest: tuple[int, int, float] | None) -> None:
    assert smallest_n(table(f"Model,P@1\n{text}\n")) == (pytest.approx(smallest) if smallest else None)


def test_a_chance_of_one_in_a_thousand_is_still_a_note() -> None:
    note = granularity_note(table("Model,P@1\nA,1.000\n"))
    assert note == (
        "smallest number of queries that gives all 1 values of P@1 and Acc@k: 1 (values of a much larger n "
        "would all fit with a chance of about 0.001)"
    )
    assert granularity_note(table("Model,P@1\nA,0.01\n")) is None


def test_exactly_nothing_is_a_mean() -> None:
    assert can_be_mean(Printed("0", Decimal(0), Decimal(0)), 1, 7)
    assert not can_be_mean(Printed("-1", Decimal(-1), Decimal(0)), 1, 7)
