"""Measures of a run beside R@k, P@k and Acc@k, by name (``--metrics``)."""

from __future__ import annotations

from bench.harness.plan import Plan
from bench.harness.stages.retrieve import Retrieved
from bench.harness.stages.score import CellScores, bounds_of_run
from bench.measures.by_topic import Scored, bounds, compute, parse
from bench.metrics.needs import number_needs
from bench.metrics.ranking import RANKING_METRICS, Relevance
from bench.metrics.rows import metric_rows
from bench.metrics.ties import TieBounds
from bench.types import Run


def add_measures(plan: Plan, retrieved: Retrieved, scores: CellScores) -> CellScores:
    """Add the measures that were asked for to a cell's scores, in their order.

    They are computed afresh each time: a measure of a package may have changed.
    """
    usual = set(map(str, RANKING_METRICS))
    names = [name for name in parse(plan.config.metrics) if name not in usual]
    if not names:
        return scores
    truth, grades = plan.relevance(), plan.evaluation.grades

    def bound(run: Run, relevant: Relevance) -> dict[str, TieBounds]:
        return bounds(Scored(run, relevant, grades), names)

    per_query = compute(Scored(retrieved.run, truth, grades), names)
    limits = bounds_of_run(retrieved.run, retrieved.deep, truth, bound)
    rows = metric_rows(per_query, limits, number_needs(plan.evaluation.queries.values()))
    return CellScores([*scores.rows, *rows], scores.ids, {**scores.per_item, **per_query})
