"""The interval of a cell that was run with several seeds: over its items and its seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.metrics.definitions import BLEU
from bench.metrics.intervals import Interval, bootstrap_means, bootstrap_sums, percentiles_of
from bench.metrics.over_seeds import means_over_seeds
from bench.metrics.text import bleu_of_counts
from bench.output.per_item import ItemScores


def cell_intervals(cell: ItemScores) -> dict[str, Interval]:
    """Return the 95 % interval of each metric's mean over seeds, by hierarchical bootstrap.

    Each draw takes items and seeds with replacement. Corpus BLEU is computed anew from each draw's
    counts; everything else is a mean. With few seeds the interval is somewhat narrow.
    """
    if cell.bleu_counts is None:
        return _of_means(cell, list(cell.values))
    others = [name for name in cell.values if name not in BLEU]
    return {**_of_bleu(cell), **_of_means(cell, others)}


def _of_means(cell: ItemScores, names: list[str]) -> dict[str, Interval]:
    values = np.stack([cell.values[name] for name in names], axis=-1)  # [seeds, n, m]
    means = bootstrap_means(_by_item(values), cell.weights)
    means = means.reshape(len(means), values.shape[0], values.shape[2])
    return percentiles_of(names, means_over_seeds(means, np.random.default_rng(1)), values.shape[1])


def _of_bleu(cell: ItemScores) -> dict[str, Interval]:
    counts = cell.bleu_counts
    assert counts is not None
    sums = bootstrap_sums(_by_item(counts))
    scores = bleu_of_counts(sums.reshape(len(sums), counts.shape[0], counts.shape[2]))
    return percentiles_of(BLEU, means_over_seeds(scores, np.random.default_rng(1)), counts.shape[1])


def _by_item(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``[seeds, n, m]`` as ``[n, seeds * m]``."""
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)
