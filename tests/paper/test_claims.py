"""Verdicts: right on the paper's own numbers, and honest where scores leave it open."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from bench.paper import published
from bench.paper.claims import verdicts
from bench.paper.published import Claim
from bench.paper.scores import paper_scores

CHECKED = [claim for claim in published.claims() if claim.kind != "text"]


@pytest.fixture(scope="module")
def on_paper() -> pd.DataFrame:
    return verdicts(paper_scores(), same_dataset=True).set_index("id")


@pytest.mark.parametrize("claim", CHECKED, ids=lambda claim: claim.id)
def test_the_verdict_on_the_papers_own_tables_is_the_audited_one(
    on_paper: pd.DataFrame, claim: Claim
) -> None:
    assert on_paper.loc[claim.id, "verdict"] == claim.in_paper


def test_the_false_claims_of_the_paper_are_exactly_these(on_paper: pd.DataFrame) -> None:
    false = set(on_paper.query("verdict == 'does not hold'").index)
    assert false == {"gain-bleu4", "gain-cider", "mh-not-below-dp"}
    assert "BLEU-4: 0.4768 and 0.4773" in str(on_paper.loc["mh-not-below-dp", "figures"])


def test_claims_that_scores_do_not_tell_say_so(on_paper: pd.DataFrame) -> None:
    assert on_paper.loc["dataset-pairs", "verdict"] == "cannot be told"
    assert "513,500" in str(on_paper.loc["dataset-pairs", "figures"])


def test_exact_gains_are_not_judged_on_another_dataset() -> None:
    found = verdicts(paper_scores(), same_dataset=False).set_index("id")
    assert found.loc["gain-bleu4", "verdict"] == "cannot be told"
    assert "5.80 % here" in str(found.loc["gain-bleu4", "figures"])
    assert found.loc["qms-best-generation", "verdict"] == "holds"


def test_without_scores_nothing_can_be_told() -> None:
    empty = pd.DataFrame(columns=["generator", "retriever", "metric", "value"])
    assert set(verdicts(empty, same_dataset=True)["verdict"]) == {"cannot be told"}


def claim(
    kind: str,
    *,
    subjects: str = "a",
    others: str = "b",
    metrics: str = "P@1",
    retrievers: str = "bm25",
    value: str = "",
) -> Claim:
    return Claim("x", "table5", "IV", "made up", kind, subjects, others, metrics, retrievers, value, "", "")


def judged(kind: str, rows: Sequence[tuple[str, str, float, float]], **more: str) -> str:
    """Judge one claim on rows of (generator, metric, value, half width of the interval)."""
    frame = pd.DataFrame(
        [(g, "bm25", m, v, v - h, v + h) for g, m, v, h in rows],
        columns=["generator", "retriever", "metric", "value", "ci_low", "ci_high"],
    )
    (verdict,) = verdicts(frame, same_dataset=True, claims=[claim(kind, **more)])["verdict"]
    return str(verdict)


@pytest.mark.parametrize(
    ("kind", "a", "b", "half", "expected"),
    [
        ("above", 0.5, 0.4, 0.01, "holds"),
        ("above", 0.4, 0.5, 0.01, "does not hold"),
        ("above", 0.5, 0.4, 0.2, "cannot be told"),
        ("above", 0.4, 0.5, 0.2, "cannot be told"),
        ("above", 0.5, 0.5, 0.0, "cannot be told"),
        ("mostly-above", 0.5, 0.4, 0.01, "holds"),
        ("mostly-above", 0.4, 0.5, 0.01, "does not hold"),
        ("mostly-above", 0.5, 0.4, 0.2, "cannot be told"),
        ("not-below", 0.5, 0.5, 0.0, "holds"),
        ("not-below", 0.5, 0.5, 0.1, "cannot be told"),
        ("not-below", 0.4, 0.5, 0.2, "cannot be told"),
        ("not-below", 0.4, 0.5, 0.01, "does not hold"),
    ],
)
def test_a_difference_counts_only_beyond_the_intervals(
    kind: str, a: float, b: float, half: float, expected: str
) -> None:
    assert judged(kind, [("a", "P@1", a, half), ("b", "P@1", b, half)]) == expected


def test_one_clear_loss_among_wins_makes_above_fail_and_mostly_above_hold() -> None:
    rows = [
        (g, m, v, 0.001)
        for m, a in (("P@1", 0.5), ("P@5", 0.5), ("P@10", 0.3))
        for g, v in (("a", a), ("b", 0.4))
    ]
    assert judged("above", rows, metrics="P@1 P@5 P@10") == "does not hold"
    assert judged("mostly-above", rows, metrics="P@1 P@5 P@10") == "holds"


def test_a_missing_row_leaves_a_claim_open_however_the_rest_went() -> None:
    rows = [("a", "P@1", 0.5, 0.001), ("b", "P@1", 0.4, 0.001)]
    assert judged("above", rows, others="b c") == "cannot be told"
    assert judged("above", [*rows, ("c", "P@1", 0.6, 0.001)], others="b c") == "does not hold"


@pytest.mark.parametrize(
    ("b", "half", "expected"),
    [(0.505, 0.001, "holds"), (0.6, 0.001, "does not hold"), (0.51, 0.02, "cannot be told")],
)
def test_comparable_means_within_the_percentage_stated(b: float, half: float, expected: str) -> None:
    assert judged("close", [("a", "P@1", 0.5, half), ("b", "P@1", b, half)], value="2") == expected


def test_equal_metrics_hold_only_where_every_pair_is_equal() -> None:
    rows = [("a", "P@1", 0.5, 0.1), ("a", "Acc@1", 0.5, 0.1)]
    assert judged("equal-metrics", rows, metrics="Acc@1 P@1") == "holds"
    assert (
        judged("equal-metrics", [rows[0], ("a", "Acc@1", 0.51, 0.1)], metrics="Acc@1 P@1") == "does not hold"
    )
