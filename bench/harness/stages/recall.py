"""An approximate search → how much it returns of what an exact search finds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bench.data.evaluation_set import even_sample
from bench.harness.stages.ranking import order_run
from bench.metrics.definitions import CUTOFFS, DEPTH
from bench.protocols import Retriever, is_approximate
from bench.systems.component import Component
from bench.types import NO_HIT, Json, QueryId, Run

SAMPLE = 500
"""Queries that are searched exactly, at even distances: a recall of 0.99 is then known to 0.005."""
DEPTHS = (*CUTOFFS[-2:], DEPTH)


def measure_recall(
    component: Component[Retriever], queries: Mapping[QueryId, str], run: Run
) -> list[dict[str, Json]]:
    """Measure the share of the exact best documents that a run has, at several depths; [] of an exact search.

    Documents count by their id, so that of those with equal scores the ones that come first are expected.
    """
    system = component.system
    if not is_approximate(system):
        return []
    sample = dict(even_sample(list(queries.items()), SAMPLE))
    exact = order_run(
        component.name, system.search_exactly(dict(sample), DEPTH), (tuple(sample), DEPTH), run.video_ids
    )
    place = {query: row for row, query in enumerate(run.query_ids)}
    hits = run.hits[[place[query] for query in sample]]  # [q, k]
    rows: list[dict[str, Json]] = []
    for depth in DEPTHS:
        shares = _shares(hits[:, :depth], exact.hits[:, :depth])
        if len(shares):
            recall = {"recall": round(float(shares.mean()), 6), "lowest": round(float(shares.min()), 6)}
            rows.append({"search": system.approximation, "k": depth, **recall, "queries": len(shares)})
    return rows


def _shares(hits: npt.NDArray[np.int32], exact: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Compute the share of each query's exact hits ``[q, k]`` that were returned; none of a query without."""
    pairs = [(row, best[best != NO_HIT]) for row, best in zip(hits, exact, strict=True)]
    return np.array([np.isin(best, row).mean() for row, best in pairs if len(best)])
