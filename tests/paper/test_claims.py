"""Verdicts: right on the paper's own numbers, and "not testable" where scores leave a claim open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from bench.output.per_item import ItemScores, RunItems
from bench.paper import published
from bench.paper.claims import judge_claims
from bench.paper.published import Claim
from bench.paper.scores import paper_scores

CHECKED = [claim for claim in published.claims() if claim.kind != "text"]


@pytest.fixture(scope="module")
def on_paper() -> pd.DataFrame:
    return judge_claims(paper_scores(), same_dataset=True).set_index("id")


@pytest.mark.parametrize("claim", CHECKED, ids=lambda claim: claim.id)
def test_the_verdict_on_the_papers_own_tables_is_the_audited_one(
    on_paper: pd.DataFrame, claim: Claim
) -> None:
    assert on_paper.loc[claim.id, "verdict"] == claim.in_paper


def test_the_false_claims_of_the_paper_are_exactly_these(on_paper: pd.DataFrame) -> None:
    false = set(on_paper.query("verdict == 'does not hold'").index)
    assert false == {"gain-bleu4", "gain-cider", "mh-not-below-dp"}
    assert "BLEU-4: 0.4768 and 0.4773" in str(on_paper.loc["mh-not-below-dp", "figures"])


def test_claims_that_are_not_about_scores_are_not_testable(on_paper: pd.DataFrame) -> None:
    assert on_paper.loc["dataset-pairs", "verdict"] == "not testable"
    assert "513,500" in str(on_paper.loc["dataset-pairs", "figures"])


def test_exact_gains_are_not_judged_on_another_dataset() -> None:
    judgements = judge_claims(paper_scores(), same_dataset=False).set_index("id")
    assert judgements.loc["gain-bleu4", "verdict"] == "not testable"
    assert "5.80 % here" in str(judgements.loc["gain-bleu4", "figures"])
    assert judgements.loc["qms-best-generation", "verdict"] == "holds"


def test_without_scores_no_claim_is_testable() -> None:
    empty = pd.DataFrame(columns=["generator", "retriever", "metric", "value"])
    assert set(judge_claims(empty, same_dataset=True)["verdict"]) == {"not testable"}


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


def judged(
    kind: str, rows: Sequence[tuple[str, str, float, float]], *, items: RunItems | None = None, **more: str
) -> str:
    """Judge one claim on rows of (generator, metric, value, half width of the interval)."""
    frame = pd.DataFrame(
        [(g, "bm25", m, v, v - h, v + h) for g, m, v, h in rows],
        columns=["generator", "retriever", "metric", "value", "ci_low", "ci_high"],
    )
    judgements = judge_claims(frame, same_dataset=True, claims=[claim(kind, **more)], items=items)
    (verdict,) = judgements["verdict"]
    return str(verdict)


@pytest.mark.parametrize(
    ("kind", "a", "b", "half", "expected"),
    [
        ("above", 0.5, 0.4, 0.01, "holds"),
        ("above", 0.4, 0.5, 0.01, "does not hold"),
        ("above", 0.5, 0.4, 0.2, "not testable"),
        ("above", 0.4, 0.5, 0.2, "not testable"),
        ("above", 0.5, 0.5, 0.0, "not testable"),
        ("mostly-above", 0.5, 0.4, 0.01, "holds"),
        ("mostly-above", 0.4, 0.5, 0.01, "does not hold"),
        ("mostly-above", 0.5, 0.4, 0.2, "not testable"),
        ("not-below", 0.5, 0.5, 0.0, "holds"),
        ("not-below", 0.5, 0.5, 0.1, "not testable"),
        ("not-below", 0.4, 0.5, 0.2, "not testable"),
        ("not-below", 0.4, 0.5, 0.01, "does not hold"),
    ],
)
def test_a_difference_counts_only_beyond_the_intervals(
    kind: str, a: float, b: float, half: float, expected: str
) -> None:
    assert judged(kind, [("a", "P@1", a, half), ("b", "P@1", b, half)]) == expected


def test_a_true_claim_of_48_comparisons_is_seldom_called_false() -> None:
    """Without Holm's correction over the claim it was in 35 % of runs."""
    rng = np.random.default_rng(3)
    metrics, others, error = [f"P@{k}" for k in range(1, 7)], list("bcdefghi"), 0.02
    called = []
    for _ in range(150):
        values = {row: (0.51 if row == "a" else 0.5) + rng.normal(0, error, size=6) for row in ["a", *others]}
        rows = [
            (g, m, float(v), 1.96 * error)
            for g, drawn in values.items()
            for m, v in zip(metrics, drawn, strict=True)
        ]
        called.append(judged("above", rows, others=" ".join(others), metrics=" ".join(metrics)))
    assert np.mean([verdict == "does not hold" for verdict in called]) <= 0.07


def test_rows_that_share_their_queries_are_compared_query_by_query() -> None:
    hard = np.random.default_rng(0).random(200)

    class Items(RunItems):
        """Two cells whose difference is clear only in pairs."""

        def __init__(self) -> None:
            values = {"a": hard + np.tile([0.02, 0.04], 100), "b": hard}
            ids = tuple(map(str, range(200)))
            self._known = {
                (g, "bm25"): ItemScores(ids, {"P@1": v[None]}, {"P@1": v[None]}) for g, v in values.items()
            }

    rows = [("a", "P@1", hard.mean() + 0.03, 0.04), ("b", "P@1", hard.mean(), 0.04)]
    assert judged("above", rows) == "not testable"
    assert judged("above", rows, items=Items()) == "holds"


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
    assert judged("above", rows, others="b c") == "not testable"
    assert judged("above", [*rows, ("c", "P@1", 0.6, 0.001)], others="b c") == "does not hold"


@pytest.mark.parametrize(
    ("b", "half", "expected"),
    [(0.505, 0.001, "holds"), (0.6, 0.001, "does not hold"), (0.51, 0.02, "not testable")],
)
def test_comparable_means_within_the_percentage_stated(b: float, half: float, expected: str) -> None:
    assert judged("close", [("a", "P@1", 0.5, half), ("b", "P@1", b, half)], value="2") == expected


def test_equal_metrics_hold_only_where_every_pair_is_equal() -> None:
    rows = [("a", "P@1", 0.5, 0.1), ("a", "Acc@1", 0.5, 0.1)]
    assert judged("equal-metrics", rows, metrics="Acc@1 P@1") == "holds"
    assert (
        judged("equal-metrics", [rows[0], ("a", "Acc@1", 0.51, 0.1)], metrics="Acc@1 P@1") == "does not hold"
    )
