"""The paper's cells beside ours, with a status for each; the order of rows in both."""

from __future__ import annotations

import math
from fnmatch import fnmatch

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from bench.lint.table import parse_column
from bench.metrics.intervals import percentiles
from bench.paper import published
from bench.paper.scores import KEY, Key, Score, by_key, paper_scores

REPRODUCED = "reproduced"
NOT_CONTRADICTED = "not contradicted"
NOT_TESTABLE = "not testable"
DIFFERS = "differs"
IMPOSSIBLE = "impossible as printed"
UNDER_SPECIFIED = "under-specified"
NOT_COMPARABLE = "not comparable"

NARROW = 0.05
"""Half the width of an interval that can show a reproduction, as a share of the printed number.

A twentieth is about what the paper claims to gain over its strongest baseline (3 to 7 %): within a wider
interval another row of the table would be "reproduced" as well.
"""
WIDE = 0.5
"""From this share on, an interval that holds the printed number may hold half of it too."""
RESAMPLES = 1000
"""How often scores are drawn again for the interval of tau."""
MIN_ROWS = 3
"""Below this many common rows an order says nothing."""


def compare_cells(ours: pd.DataFrame, table: str, *, same_dataset: bool) -> pd.DataFrame:
    """Compare each score of a printed table with ours: a status for each, with the reason.

    ``ours`` has the columns of ``scores.csv``; ``same_dataset`` says that it was measured on the
    paper's QMV-Kwai. Columns: generator, retriever, metric, paper, ours, low, high (fractions; ours
    NaN where there is none), status, why; ours is the expected value under ties, with its sampling
    interval. A cell is *reproduced* when a narrow interval of ours (`NARROW`) meets what rounds to the
    printed number, *not contradicted* when a wider one does, and *not testable* when it is so wide that it
    says nothing (`WIDE`). Where the interval does not meet it, the cell *differs*, or is *under-specified*
    if it depends on something that the paper leaves unstated.
    """
    scores, printed = by_key(ours), by_key(paper_scores(table))
    wrong = _misprints(table)
    lines = []
    for key, paper in printed.items():
        ours_score = scores.get(key)
        status, why = _status(table, key, (paper, ours_score), wrong.get(key), same_dataset=same_dataset)
        shown = ours_score or Score(np.nan, np.nan, np.nan)
        lines.append((*key, paper.value, shown.value, shown.low, shown.high, status, why))
    return pd.DataFrame(lines, columns=[*KEY, "paper", "ours", "low", "high", "status", "why"])


def _misprints(table: str) -> dict[Key, published.Misprint]:
    names, by_cell = published.names(table), {}
    for misprint in published.misprints(table):
        row, metric = names.get(misprint.row.casefold()), parse_column(misprint.column)
        if row is not None and metric is not None:
            by_cell[row, names.get(misprint.group.casefold(), ""), str(metric)] = misprint
    return by_cell


def _status(
    table: str,
    key: Key,
    pair: tuple[Score, Score | None],
    misprint: published.Misprint | None,
    *,
    same_dataset: bool,
) -> tuple[str, str]:
    paper, measured = pair
    if misprint and misprint.kind == "impossible":
        likely = f"; likely {misprint.likely}" if misprint.likely else ""
        return IMPOSSIBLE, misprint.why + likely
    if not same_dataset:
        return NOT_COMPARABLE, "measured on another dataset than QMV-Kwai"
    if measured is None:
        return NOT_COMPARABLE, "no such score in ours"
    if misprint and misprint.kind == "rounded":
        half = 0.5e-4  # the likely value is that of Table III, two decimals of x100
        paper = Score(
            float(misprint.likely) / 100, *(float(misprint.likely) / 100 + s * half for s in (-1, 1))
        )
    if math.isnan(measured.half):
        return NOT_TESTABLE, "no interval of ours is stated"
    if measured.low <= paper.high and paper.low <= measured.high:
        return _agreement(measured.half / paper.value)
    if choice := _choice(table, key):
        return UNDER_SPECIFIED, f"the paper does not say {choice}"
    return DIFFERS, f"outside the interval of ours, {measured.low:.4f} to {measured.high:.4f}"


def _agreement(share: float) -> tuple[str, str]:
    """Judge an interval of ours that meets the printed number by its half width, a share of that number."""
    width = f"within the interval of ours, ±{100 * share:.1f} % of the printed number"
    if 0 < share <= NARROW:
        return REPRODUCED, width
    if NARROW < share < WIDE:
        return NOT_CONTRADICTED, f"{width}; {100 * NARROW:.0f} % would show a reproduction"
    reason = "too wide to show anything" if share else "no spread to judge by"
    return NOT_TESTABLE, f"{width}: {reason}"


def _choice(table: str, key: Key) -> str:
    _, retriever, metric = key
    return "; ".join(
        choice.choice
        for choice in published.choices(table)
        if fnmatch(retriever, choice.retriever) and fnmatch(metric, choice.metric)
    )


def compare_order(ours: pd.DataFrame, table: str) -> pd.DataFrame:
    """Compare the order of rows with the paper's: Kendall's tau-b for each retriever and metric.

    Columns: retriever, metric, rows (in both), tau, low, high, p_value (exact where no values are
    tied). The interval is what sampling of queries leaves open: our scores are drawn again from normal
    distributions with their stated intervals; it is NaN where no interval is stated. Cells impossible
    as printed are left out. At least three common rows are needed.
    """
    scores, printed, wrong = by_key(ours), by_key(paper_scores(table)), _misprints(table)
    both: dict[tuple[str, str], list[tuple[float, Score]]] = {}
    for (generator, retriever, metric), paper in printed.items():
        key = (generator, retriever, metric)
        if key in scores and not (key in wrong and wrong[key].kind == "impossible"):
            both.setdefault((retriever, metric), []).append((paper.value, scores[key]))
    draw = np.random.default_rng(0)
    lines = [
        (*place, len(pairs), *_tau(pairs, draw)) for place, pairs in both.items() if len(pairs) >= MIN_ROWS
    ]
    return pd.DataFrame(lines, columns=["retriever", "metric", "rows", "tau", "low", "high", "p_value"])


def _tau(pairs: list[tuple[float, Score]], draw: np.random.Generator) -> tuple[float, float, float, float]:
    paper = np.array([value for value, _ in pairs])
    values = np.array([score.value for _, score in pairs])
    spread = np.nan_to_num([score.half for _, score in pairs]) / 1.96  # stated intervals are 95 %
    if len(set(values)) == 1 or len(set(paper)) == 1:  # no order to compare
        return np.nan, np.nan, np.nan, np.nan
    result = kendalltau(paper, values)
    low = high = np.nan
    if spread.any():
        again = values + spread * draw.standard_normal((RESAMPLES, len(pairs)))  # [resamples, rows]
        signs = np.sign(paper[:, None] - paper[None, :])
        moved = np.sign(again[:, :, None] - again[:, None, :])  # [resamples, rows, rows]
        taus = (moved * signs).sum(axis=(1, 2)) / np.sqrt((signs**2).sum() * (moved**2).sum(axis=(1, 2)))
        low, high = percentiles(taus)
    return float(result.statistic), float(low), float(high), float(result.pvalue)
