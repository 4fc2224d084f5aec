"""Scores with their uncertainty, the paper's and ours, under the same keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from bench.errors import unknown
from bench.output.schema import with_text
from bench.paper import published

Key: TypeAlias = tuple[str, str, str]
"""Generator, retriever (empty for generation metrics), metric, as in ``scores.csv``."""

KEY = ["generator", "retriever", "metric"]
SCORED = ("table3", "table4", "table5", "table6", "table7")
"""The tables of scores; Table II counts things."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score (a fraction; CIDEr raw) with its 95 % interval; low and high are NaN where none is stated."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def paper_scores(*tables: str) -> pd.DataFrame:
    """Read printed tables into the columns of ``scores.csv``: fractions; ci_* is the rounding interval.

    All tables of scores where none is named; of a score printed twice the first is kept. Raises
    UsageError for a table that has no scores.
    """
    lines = [line for table in tables or SCORED for line in _printed(table)]
    return pd.DataFrame(lines, columns=[*KEY, "value", "ci_low", "ci_high"]).drop_duplicates(KEY)


def _printed(table: str) -> Iterable[tuple[str, str, str, float, float, float]]:
    if table not in SCORED:
        raise unknown("table of scores", table, SCORED)
    names = published.names(table)
    for row in published.paper_table(table).rows:
        for column, entry in row.entries.items():
            low, value, high = (
                float(x) / 100 for x in (entry.number.low, entry.number.value, entry.number.high)
            )
            retriever = names[row.group.casefold()] if row.group else ""
            yield names[row.label.casefold()], retriever, str(column), value, low, high


def by_key(scores: pd.DataFrame) -> dict[Key, Score]:
    """Index the scores of a frame like ``scores.csv`` by key, with the uncertainty that sampling leaves.

    A score is its expected value over the orders of tied documents (``tie_expected``) where that is known,
    and the sampling interval (``ci_low``, ``ci_high``) is moved with it: what tied documents could do at
    best says nothing about the system. Several rows of one key: the mean value, the widest interval.
    """
    frame = with_text(scores).dropna(subset=["value"])
    columns = frame.reindex(columns=["value", "ci_low", "ci_high", "tie_expected"]).astype(float)
    expected = columns["tie_expected"].fillna(columns["value"])
    moved = expected - columns["value"]
    low, high = columns["ci_low"] + moved, columns["ci_high"] + moved
    grouped = frame.assign(value=expected, low=low, high=high).groupby(KEY, sort=False)
    merged = grouped.agg(value=("value", "mean"), low=("low", "min"), high=("high", "max"))
    return {
        (str(key[0]), str(key[1]), str(key[2])): Score(float(value), float(low), float(high))
        for key, value, low, high in zip(
            merged.index, merged["value"], merged["low"], merged["high"], strict=True
        )
    }
