"""What the tables show: their columns, the metrics behind them, the rows over several seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GENERATION = {
    "B-1": "BLEU-1", "B-2": "BLEU-2", "B-3": "BLEU-3", "B-4": "BLEU-4", "R-L": "ROUGE-L", "C": "CIDEr",
}  # fmt: skip
"""Headers of the paper's Table III and the metrics they stand for."""
RETRIEVAL = [f"{kind}@{k}" for kind in ("R", "P") for k in (1, 5, 10, 30)] + ["Acc@5", "Acc@10", "Acc@30"]
"""Columns of the paper's Table V; Acc@1 equals P@1."""
TIED = ("P@1", "R@10", "Acc@10")
"""Metrics of the table of ties."""
HEADLINE = {"generation": "CIDEr", "retrieval": "Acc@10"}
"""The metric of each table whose minimum detectable difference stands in the footer."""
MEAN, SD = "mean", "sd"
"""The seed column of rows of scores.csv that are over several seeds."""


def headline(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that tables show: those of the one seed, or the means over several."""
    means = scores["seed"].astype(str) == MEAN
    return scores[means] if means.any() else scores


def with_text(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the empty retriever of generation metrics as text, not as a missing value."""
    # a column that is empty throughout was read as numbers
    return scores.assign(retriever=scores["retriever"].astype(object).fillna("").astype(str))
