"""``--audit-cache``: what a cache decides is made again and compared."""

from __future__ import annotations

import numpy as np

from bench.errors import DataError
from bench.harness.plan import Plan
from bench.harness.stages.retrieve import DEPTH, Retrieved, Summaries, corpus, fitted, search
from bench.protocols import Caching, Retriever
from bench.systems.component import Component

TOLERANCE = 1e-5
"""Largest difference of a score: vectors differ in their last bits with the batch they were computed in."""


def audit(plan: Plan, component: Component[Retriever], summaries: Summaries, kept: Retrieved) -> None:
    """Search again what was reused, of a retriever with a cache of its own, which audits what it reads.

    Raises DataError when the run is not the one that was kept.
    """
    if not isinstance(component.system, Caching):
        return
    fitted(plan, component)
    documents = corpus(plan, summaries)
    component.system.index(documents)
    run = search(component, plan.evaluation.queries, DEPTH, tuple(documents))
    close = np.isclose(run.scores, kept.run.scores, rtol=0, atol=TOLERANCE)  # [Q, k]
    others = np.flatnonzero(~np.all(close, axis=1))
    if len(others):
        raise DataError(
            f"{component.name}: searching again gives another run than the one that is kept, for "
            f"{len(others)} of {len(close)} queries, {run.query_ids[int(others[0])]} the first. Something "
            "that decides it changed without its key. Run with an empty --store, and report it."
        )
