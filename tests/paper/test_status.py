"""A status for each cell, and the order of rows, on made-up scores."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from bench.errors import UsageError
from bench.paper.scores import by_key, paper_scores
from bench.paper.status import compare_cells, compare_order


def moved(scores: pd.DataFrame, by: float, half: float = 0.001) -> pd.DataFrame:
    value = scores["value"] + by
    return scores.assign(value=value, ci_low=value - half, ci_high=value + half)


def status(frame: pd.DataFrame, generator: str, metric: str, retriever: str = "") -> str:
    row = frame.query("generator == @generator and metric == @metric and retriever == @retriever")
    (one,) = row["status"]
    return str(one)


def test_on_another_dataset_no_cell_is_comparable_but_misprints_are_named() -> None:
    frame = compare_cells(paper_scores("table5"), "table5", same_dataset=False)
    assert set(frame["status"]) == {"not comparable", "impossible as printed"}
    assert (frame["status"] == "impossible as printed").sum() == 4
    assert status(frame, "bart-text", "R@5", "bm25") == "impossible as printed"


def test_scores_within_the_stated_uncertainty_are_reproduced() -> None:
    frame = compare_cells(moved(paper_scores("table3"), 0.0009), "table3", same_dataset=True)
    assert set(frame["status"]) == {"reproduced"}


def test_scores_outside_it_differ_with_the_interval_in_the_reason() -> None:
    frame = compare_cells(moved(paper_scores("table3"), 0.002), "table3", same_dataset=True)
    assert set(frame["status"]) == {"differs"}
    assert frame["why"].str.contains("outside the interval").all()


def test_what_depends_on_an_unstated_choice_is_under_specified_where_it_differs() -> None:
    frame = compare_cells(moved(paper_scores("table5"), 0.01), "table5", same_dataset=True)
    assert status(frame, "qms", "R@5", "bm25") == "under-specified"
    assert status(frame, "qms", "Acc@5", "dpr-pt") == "under-specified"
    assert status(frame, "qms", "P@1", "bm25") == "differs"
    assert status(frame, "qms", "Acc@30", "dpr-ft") == "differs"


def test_an_unstated_choice_does_not_matter_where_the_score_is_reproduced() -> None:
    frame = compare_cells(moved(paper_scores("table5"), 0.0), "table5", same_dataset=True)
    assert status(frame, "qms", "R@5", "bm25") == "reproduced"


def test_what_tied_documents_could_do_at_best_reproduces_nothing() -> None:
    ours = paper_scores("table5").assign(tie_worst=0.0, tie_best=1.0)
    shifted = ours.assign(**{c: ours[c] + 0.01 for c in ("value", "ci_low", "ci_high")})
    assert status(compare_cells(shifted, "table5", same_dataset=True), "qms", "P@1", "bm25") == "differs"


def test_a_score_is_the_expected_one_over_the_orders_of_tied_documents() -> None:
    ours = paper_scores("table5")
    lucky = ours.assign(
        tie_expected=ours["value"], **{c: ours[c] + 0.05 for c in ("value", "ci_low", "ci_high")}
    )
    frame = compare_cells(lucky, "table5", same_dataset=True)
    assert set(frame["status"]) == {"reproduced", "impossible as printed"}
    assert frame["ours"].to_numpy() == pytest.approx(frame["paper"].to_numpy())


def test_a_degenerate_run_with_everything_tied_reproduces_nothing() -> None:
    for table in ("table3", "table5"):
        ours = paper_scores(table).assign(
            value=0.002, ci_low=0.0, ci_high=0.004, tie_worst=0.0, tie_expected=0.002, tie_best=1.0
        )
        frame = compare_cells(ours, table, same_dataset=True)
        assert set(frame["status"]) <= {"differs", "under-specified", "impossible as printed"}


def test_a_run_15_points_off_reproduces_nothing_however_wide_its_intervals() -> None:
    for half in (0.005, 0.15, 0.25, 0.5):
        frame = compare_cells(moved(paper_scores("table3"), 0.15, half), "table3", same_dataset=True)
        assert not (frame["status"] == "reproduced").any()


@pytest.mark.parametrize(
    ("half", "expected"),
    [(0.01, "reproduced"), (0.04, "not contradicted"), (0.3, "not testable"), (0.0, "not testable")],
)
def test_only_a_narrow_interval_shows_a_reproduction(half: float, expected: str) -> None:
    ours = paper_scores("table3")
    frame = compare_cells(moved(ours, 0.0, half), "table3", same_dataset=True)
    assert status(frame, "qms", "BLEU-4") == expected


def test_a_score_without_an_interval_is_not_testable() -> None:
    ours = paper_scores("table3").assign(ci_low=math.nan, ci_high=math.nan)
    assert set(compare_cells(ours, "table3", same_dataset=True)["status"]) == {"not testable"}


def test_a_score_that_was_not_measured_is_not_comparable() -> None:
    ours = paper_scores("table3").query("generator != 'mdvc'")
    frame = compare_cells(ours, "table3", same_dataset=True)
    assert status(frame, "mdvc", "CIDEr") == "not comparable"
    assert frame.query("generator == 'mdvc'")["ours"].isna().all()


def test_cells_rounded_to_one_decimal_are_compared_with_their_true_value() -> None:
    exact = paper_scores("table3").query("generator == 'qms'")
    frame = compare_cells(exact, "table6", same_dataset=True).query("generator == 'qms'")
    assert set(frame["status"]) == {"reproduced"}


def test_a_table_without_scores_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="table2"):
        paper_scores("table2")


def test_several_seeds_give_the_mean_and_the_widest_interval() -> None:
    frame = pd.DataFrame(
        {
            "generator": "a",
            "retriever": [float("nan")] * 2,
            "metric": "CIDEr",
            "value": [1.0, 3.0],
            "ci_low": [0.5, 2.0],
            "ci_high": [2.0, 4.0],
        }
    )
    score = by_key(frame)["a", "", "CIDEr"]
    assert (score.value, score.low, score.high) == (2.0, 0.5, 4.0)


def test_the_same_order_has_tau_1_and_the_reverse_minus_1() -> None:
    paper = paper_scores("table3")
    same, reverse = (
        compare_order(paper, "table3"),
        compare_order(paper.assign(value=-paper["value"]), "table3"),
    )
    assert (same["tau"] == 1).all()
    assert (reverse["tau"] == -1).all()
    assert (same["rows"] == 9).all()
    assert same["p_value"].iloc[0] == pytest.approx(2 / math.factorial(9))


def test_the_interval_of_tau_is_wide_where_our_scores_are_uncertain() -> None:
    sure, unsure = (compare_order(moved(paper_scores("table3"), 0.0, half), "table3") for half in (1e-6, 0.5))
    assert (sure["low"] == 1).all()
    assert (unsure["low"] < 0.5).all()
    assert (unsure["low"] <= unsure["high"]).all()


def test_order_without_stated_uncertainty_has_no_interval() -> None:
    bare = paper_scores("table3")[["generator", "retriever", "metric", "value"]]
    order = compare_order(bare, "table3")
    assert order["low"].isna().all()
    assert (order["tau"] == 1).all()


def test_impossible_cells_take_no_part_in_the_order() -> None:
    order = compare_order(paper_scores("table5"), "table5").set_index(["retriever", "metric"])
    assert order.loc[("bm25", "R@5"), "rows"] == 7
    assert order.loc[("bm25", "R@1"), "rows"] == 8


def test_equal_scores_have_no_order_and_two_rows_are_too_few() -> None:
    flat = paper_scores("table3").assign(value=0.0, ci_low=0.0, ci_high=0.0)
    assert compare_order(flat, "table3")["tau"].isna().all()
    assert compare_order(flat.query("generator in ['lead', 'qms']"), "table3").empty
