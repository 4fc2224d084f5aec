"""R@k, P@k and Acc@k per query, computed on arrays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import unknown
from bench.metrics.definitions import CUTOFFS, RANKING_KINDS, RankingKind
from bench.types import QueryId, Run, VideoId

Scores: TypeAlias = npt.NDArray[np.float64]
"""One value per query, float64 ``[Q]``."""


@dataclass(frozen=True, slots=True)
class RankingMetric:
    """One ranking metric; its printed name (``R@5``) is argument, key and header at once.

    R@k is the share of a query's relevant videos that are in the top k, P@k the share of the k
    places that hold a relevant video (of k, however few were returned), Acc@k is 1 when any of the
    top k is relevant (TREC calls it Success@k; others call it Hit@k). Source: contract section 5.
    """

    kind: RankingKind
    k: int

    def __post_init__(self) -> None:
        if self.kind not in RANKING_KINDS or self.k < 1:
            raise ValueError(f"no ranking metric {self.kind}@{self.k}")

    def __str__(self) -> str:
        return f"{self.kind}@{self.k}"

    @classmethod
    def parse(cls, name: str) -> RankingMetric:
        """Parse the printed name of a metric, any k. Raises UsageError for other names."""
        kind, _, k = name.partition("@")
        for known in RANKING_KINDS:
            if kind == known and _CUTOFF.fullmatch(k):
                return cls(known, int(k))
        raise unknown("ranking metric", name, map(str, RANKING_METRICS))

    def of_counts(self, hits: npt.NDArray[Any], relevant: npt.NDArray[Any]) -> Scores:
        """Compute the metric ``[Q]`` from the numbers of relevant videos in the top k and in the pool."""
        if self.kind == "Acc":
            return (hits > 0).astype(np.float64)
        total = np.maximum(relevant, 1) if self.kind == "R" else self.k  # nothing relevant: 0, not 0/0
        return np.asarray(hits / total, dtype=np.float64)


_CUTOFF = re.compile(r"[1-9][0-9]{0,8}")
RANKING_METRICS = tuple(RankingMetric(kind, k) for kind in RANKING_KINDS for k in CUTOFFS)


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """The evaluated qrels as arrays: which videos of the pool are relevant to each query.

    ``positions`` is int32 ``[pairs]``, positions in ``video_ids``; those of query ``q`` are
    ``positions[indptr[q]:indptr[q + 1]]``, ascending and without repeats; ``indptr`` is int64 ``[Q + 1]``.
    """

    query_ids: tuple[QueryId, ...]
    video_ids: tuple[VideoId, ...]
    indptr: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int32]

    @classmethod
    def from_mapping(
        cls,
        relevant: Mapping[QueryId, Collection[VideoId]],
        query_ids: Sequence[QueryId],
        video_ids: Sequence[VideoId],
    ) -> Relevance:
        """Build from ``{query: relevant videos}``, for these queries and this pool, in their order.

        A video outside the pool is dropped; a query that the mapping lacks has nothing relevant.
        """
        position = {video_id: i for i, video_id in enumerate(video_ids)}
        rows = [sorted({position[v] for v in relevant.get(q, ()) if v in position}) for q in query_ids]
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=indptr[1:])
        flat = [i for row in rows for i in row]
        return cls(tuple(query_ids), tuple(video_ids), indptr, np.array(flat, dtype=np.int32))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Count the relevant videos in the pool per query ``[Q]``."""
        return np.diff(self.indptr)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The query (its position) of each relevant pair ``[pairs]``, to sum over pairs by query."""
        return np.repeat(np.arange(len(self.query_ids), dtype=np.int64), self.counts)


def score(
    run: Run, relevant: Relevance, metrics: Iterable[RankingMetric] = RANKING_METRICS
) -> dict[str, Scores]:
    """Score a run: each metric per query, ``{"R@5": [Q], ...}``; a query with no results scores 0.

    Raises ValueError when the run is not over the queries and the pool of ``relevant``, in that order.
    """
    metrics = list(metrics)
    ranks, total = relevant_ranks(run, relevant), relevant.counts
    within = {k: count_within(ranks, relevant, k) for k in {metric.k for metric in metrics}}
    return {str(metric): metric.of_counts(within[metric.k], total) for metric in metrics}


def relevant_ranks(run: Run, relevant: Relevance) -> npt.NDArray[np.int32]:
    """Locate each relevant pair ``[pairs]`` in a run: its rank from 1, 0 where it was not retrieved.

    A run may know more videos than the pool, after those of the pool: they occupy ranks and are
    never relevant, as in trec_eval. Raises ValueError as `score` does.
    """
    _check_same(run, relevant)
    rows, ranks = relevant.rows, np.zeros(len(relevant.positions), dtype=np.int32)
    step = max(1, 2**22 // max(1, run.depth))  # bounds the temporary [step, depth]
    for start in range(0, len(ranks) if run.depth else 0, step):
        part = slice(start, start + step)
        match = run.hits[rows[part]] == relevant.positions[part, None]  # [step, depth]
        ranks[part] = np.where(match.any(axis=1), match.argmax(axis=1) + 1, 0)
    return ranks


def count_within(
    ranks: npt.NDArray[np.int32], relevant: Relevance, k: int | npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count per query the relevant pairs of rank 1 to ``k``; ``k`` may differ by query, ``[Q]``."""
    rows = relevant.rows
    limit = k if isinstance(k, int) else k[rows]
    return np.bincount(rows[(ranks > 0) & (ranks <= limit)], minlength=len(relevant.query_ids))


def _check_same(run: Run, relevant: Relevance) -> None:
    if run.query_ids != relevant.query_ids:
        raise ValueError("the run and the relevance are about different queries, or in another order")
    if run.video_ids[: len(relevant.video_ids)] != relevant.video_ids:
        raise ValueError("the run and the relevance are about different pools, or in another order")
