"""Bounds of a score under ties: worst, expected and best over all orders of equally scored documents.

A retriever does not rank documents of equal score, so any order of a tie group is as valid as the
one that the tie rule gives. Only the group that crosses the cut matters: those before it are in, those
after it are out. Its relevant documents in the top k follow a hypergeometric distribution when
every order is equally likely. The values are exact; nothing is sampled.
Source: McSherry and Najork 2008, "Computing information retrieval performance measures efficiently
in the presence of tied scores".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.metrics.ranking import (
    RANKING_METRICS,
    RankingMetric,
    Relevance,
    Scores,
    count_within,
    relevant_ranks,
)
from bench.types import NO_HIT, Run

Counts: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TieBounds:
    """A metric per query ``[Q]`` with relevant documents last, anywhere and first within each tie group."""

    worst: Scores
    expected: Scores
    best: Scores


def tie_bounds(
    run: Run, relevant: Relevance, metrics: Iterable[RankingMetric] = RANKING_METRICS
) -> dict[str, TieBounds]:
    """Bound each metric over the orders that ties allow, ``{"R@5": TieBounds, ...}``.

    The run must hold, for each query, the whole tie group that crosses the largest k; where
    `unresolved` says that it may not, fetch deeper first. Raises ValueError as `ranking.score` does.
    """
    metrics = list(metrics)
    ranks, sizes = relevant_ranks(run, relevant), (run.hits != NO_HIT).sum(axis=1)
    cuts = {k: _cut(run, sizes, k) for k in {metric.k for metric in metrics}}
    hits = {k: _count(cut, relevant, ranks) for k, cut in cuts.items()}
    return {str(m): _bounds(m, relevant.counts, cuts[m.k], hits[m.k]) for m in metrics}


def unresolved(run: Run, k: int) -> npt.NDArray[np.bool_]:
    """Find the queries ``[Q]`` whose run may end inside the tie group that crosses rank ``k``.

    This is so when the list is full, shorter than the pool, and its last score is that of rank ``k`` (or
    its depth is below ``k``). Searching those queries again, deeper, until none is left or the run is
    as deep as the pool, makes `tie_bounds` exact.
    """
    if run.depth >= len(run.video_ids):
        return np.zeros(len(run.query_ids), dtype=np.bool_)
    if run.depth == 0:
        return np.ones(len(run.query_ids), dtype=np.bool_)
    full = run.hits[:, -1] != NO_HIT
    return np.asarray(full & (run.scores[:, -1] == run.scores[:, min(k, run.depth) - 1]))


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """The tie group that crosses rank k: documents above it, its size, its places within the top k."""

    above: Counts
    size: Counts
    places: Counts


def _cut(run: Run, sizes: Counts, k: int) -> _Cut:
    last = np.minimum(sizes, k)  # rank of the last document within the cut, 0 for none
    if run.depth == 0:
        return _Cut(last, last, last)
    edge = np.take_along_axis(run.scores, np.maximum(last - 1, 0)[:, None], axis=1)  # [Q, 1]
    real = np.arange(run.depth) < sizes[:, None]  # [Q, depth]
    above = (real & (run.scores > edge)).sum(axis=1)  # [Q]
    size = (real & (run.scores == edge)).sum(axis=1)  # [Q]
    return _Cut(above, size, last - above)


@dataclass(frozen=True, slots=True, eq=False)
class _Relevant:
    """How many relevant documents ``[Q]`` are above a tie group, and how many within."""

    above: Counts
    tied: Counts


def _count(cut: _Cut, relevant: Relevance, ranks: npt.NDArray[np.int32]) -> _Relevant:
    above = count_within(ranks, relevant, cut.above)
    return _Relevant(above, count_within(ranks, relevant, cut.above + cut.size) - above)


def _bounds(metric: RankingMetric, total: Counts, cut: _Cut, hits: _Relevant) -> TieBounds:
    fewest = hits.above + np.maximum(0, cut.places - (cut.size - hits.tied))
    largest = hits.above + np.minimum(cut.places, hits.tied)
    if metric.kind == "Acc":
        expected = np.where(hits.above > 0, 1.0, 1.0 - _none_drawn(cut, hits.tied))
    else:  # linear in the count, so the expected count is enough
        expected = metric.of_counts(hits.above + cut.places * hits.tied / np.maximum(cut.size, 1), total)
    return TieBounds(metric.of_counts(fewest, total), expected, metric.of_counts(largest, total))


def _none_drawn(cut: _Cut, tied: Counts) -> Scores:
    """Compute C(m - r, j) / C(m, j): the chance that none of r relevant is among j drawn of m.

    As a product of j <= k factors, each at most 1: no factorial overflows, nothing cancels.
    """
    chance = np.ones(len(tied))
    for drawn in range(int(cut.places.max(initial=0))):
        factor = np.maximum(cut.size - tied - drawn, 0) / np.maximum(cut.size - drawn, 1)
        chance = np.where(drawn < cut.places, chance * factor, chance)
    return chance
