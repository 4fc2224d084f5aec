"""Compare the best row of each column with the strongest other one: significance.csv.

Where a star in a table is decided: `p_value` tests one pair of cells (one seed: paired randomisation over
distinct queries or videos; several: t over items and seeds, crossed); `significance` applies it to the best
and the second row of each column and corrects by Holm within a table (``p_holm``); `bench.tables.score_table`
prints the star where ``p_holm`` < 0.05. `bench compare` tests other pairs, with the same `p_value`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from bench.metrics.definitions import BLEU
from bench.metrics.intervals import Interval, mean_interval
from bench.metrics.over_seeds import (
    interval_over_seeds,
    minimum_detectable_over_seeds,
    paired_test_over_seeds,
)
from bench.metrics.significance import (
    ALPHA,
    PairedTest,
    holm,
    minimum_detectable_difference,
    paired_test,
    summarise,
)
from bench.output.per_item import ItemScores, RunItems
from bench.output.schema import GENERATION, SIGNIFICANCE_COLUMNS, retrieval_metrics, with_text

if TYPE_CHECKING:
    import pandas as pd

PValues: TypeAlias = "WeakKeyDictionary[ItemScores, Sequence[float]]"
_BLEU_P_VALUES: WeakKeyDictionary[ItemScores, PValues] = WeakKeyDictionary()
"""The p-values of BLEU-1 to BLEU-4 by our scores and theirs; keys are weak, so that runs can be freed."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a paired test, ours minus theirs, with its 95 % interval.

    ``mde`` is the difference that the test would find with 80 % power, after correction for its family.
    ``seeds`` is the larger number of seeds of the two cells; p is drawn for one and of t for more.
    """

    test: PairedTest
    interval: Interval
    mde: float
    seeds: int = 1


def compare(ours: ItemScores, theirs: ItemScores, metric: str, *, family: int = 1) -> Comparison:
    """Test whether two cells differ in a metric, over the items that both were scored on.

    ``family`` is the number of tests that p will be Holm-corrected over. The detectable difference is that
    of Holm's first step, alpha / family: what is detected there is detected however the other tests end.
    Raises ValueError when the items are not the same.
    """
    p = p_value(ours, theirs, metric)
    a, b = ours.values[metric], theirs.values[metric]
    counted = summarise((ours.own[metric].mean(axis=0) - theirs.own[metric].mean(axis=0)).round(12), p)
    difference = ours.score(metric) - theirs.score(metric)
    test = PairedTest(difference, p, counted.wins, counted.ties, counted.losses)
    weights = ours.weights
    seeds = max(len(a), len(b))
    if seeds > 1:
        limits = interval_over_seeds(a, b, weights=weights)
        return Comparison(test, limits, minimum_detectable_over_seeds(a, b, alpha=ALPHA / family), seeds)
    limits = mean_interval(a[0] - b[0], weights=weights)
    return Comparison(test, limits, minimum_detectable_difference(a[0], b[0], alpha=ALPHA / family))


def p_value(ours: ItemScores, theirs: ItemScores, metric: str) -> float:
    """Compute the uncorrected p of the difference between two cells in a metric.

    One seed on each side: randomisation over items (of BLEU: swapped videos). More: queries and seeds
    as crossed random effects. Raises ValueError when the items are not the same.
    """
    if ours.ids != theirs.ids:
        raise ValueError("two cells can be compared only on the same items")
    if max(ours.seeds, theirs.seeds) > 1:
        return paired_test_over_seeds(ours.values[metric], theirs.values[metric]).p_value
    if metric in BLEU:
        return _bleu_p_values(ours, theirs)[BLEU.index(metric)]
    return paired_test(ours.values[metric][0], theirs.values[metric][0]).p_value


def _bleu_p_values(ours: ItemScores, theirs: ItemScores) -> Sequence[float]:
    """Compute the p-values of BLEU-1 to BLEU-4 from the same draws; cached as long as the scores exist."""
    from bench.metrics.text_tests import bleu_p_values

    known = _BLEU_P_VALUES.setdefault(ours, WeakKeyDictionary())
    if theirs not in known:
        assert ours.bleu_counts is not None
        assert theirs.bleu_counts is not None
        known[theirs] = bleu_p_values(ours.bleu_counts[0], theirs.bleu_counts[0])
    return known[theirs]


def significance(scores: pd.DataFrame, items: RunItems, apart: Collection[str]) -> pd.DataFrame:
    """Test the best row against the runner-up, for each column of each block of the tables.

    ``scores`` are those the tables show. References (``apart``) are neither best nor baseline; a block
    with fewer than two other rows gives nothing. p and the detectable difference (``mde``) are corrected for
    the columns of their table.
    """
    import pandas as pd

    contests = list(_contests(scores, apart))
    rows = []
    for table in ("generation", "retrieval"):
        pairs = [contest for contest in contests if contest["table"] == table]
        family = [_row(pair, items, len(pairs)) for pair in pairs]
        corrected = holm([row["p_value"] for row in family]).tolist()
        rows += [{**row, "p_holm": p} for row, p in zip(family, corrected, strict=True)]
    return pd.DataFrame(rows, columns=list(SIGNIFICANCE_COLUMNS))


def _contests(scores: pd.DataFrame, apart: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the best and the second row of each column; of equal scores the first row."""
    ranked_rows = with_text(scores[~scores["generator"].isin(list(apart))].dropna(subset=["value"]))
    retrievers = ranked_rows["retriever"]
    for table, metrics in (
        ("generation", list(GENERATION.values())),
        ("retrieval", retrieval_metrics(scores)),
    ):
        for retriever in retrievers[(retrievers == "") == (table == "generation")].unique():
            for metric in metrics:
                block = ranked_rows[(retrievers == retriever) & (ranked_rows["metric"] == metric)]
                ranked = block.sort_values("value", ascending=False, kind="stable")["generator"].tolist()
                if len(ranked) > 1:
                    names = {"best": ranked[0], "baseline": ranked[1]}
                    yield {"table": table, "retriever": retriever, "metric": metric, **names}


def _row(contest: dict[str, Any], items: RunItems, family: int) -> dict[str, Any]:
    ours, theirs = (items.cell(contest[side], contest["retriever"]) for side in ("best", "baseline"))
    comparison = compare(ours, theirs, contest["metric"], family=family)
    test = comparison.test
    return {
        **contest,
        "difference": test.difference,
        "ci_low": comparison.interval.low,
        "ci_high": comparison.interval.high,
        "p_value": test.p_value,
        "p_holm": math.nan,
        "mde": comparison.mde,
        "wins": test.wins,
        "ties": test.ties,
        "losses": test.losses,
        "n": len(ours.ids),
        "seeds": max(ours.seeds, theirs.seeds),
    }
