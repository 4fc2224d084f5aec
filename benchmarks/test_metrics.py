"""Time our ranking metrics beside trec_eval's own code (pytrec_eval) on the same run."""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval

from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.metrics.ties import tie_bounds
from bench.output.trec import strictly_decreasing
from bench.types import Run
from benchmarks.conftest import Compare

QUERIES, DEPTH, VIDEOS = 38_000, 30, 5_000
TREC_NAMES = {"R": "recall", "P": "P", "Acc": "success"}
WHAT, PACKAGES = f"{len(RANKING_METRICS)} metrics of {QUERIES} x {DEPTH}", ("pytrec-eval-terrier",)


@pytest.fixture(scope="module")
def world() -> tuple[Run, Relevance]:
    rng = np.random.default_rng(0)
    queries, videos = [f"q{i}" for i in range(QUERIES)], [f"v{i}" for i in range(VIDEOS)]
    hits = (rng.integers(VIDEOS, size=(QUERIES, 1)) + np.arange(DEPTH) * 7) % VIDEOS  # distinct in a row
    scores = np.round(rng.gamma(2.0, 3.0, size=(QUERIES, DEPTH)), 1)  # coarse: many ties
    run = Run.from_arrays(queries, videos, hits, scores, DEPTH)
    relevant = {
        q: {videos[i] for i in (*row[rng.integers(DEPTH, size=2)], 0)}
        for q, row in zip(queries, run.hits, strict=True)
    }
    return run, Relevance.from_mapping(relevant, queries, videos)


def test_ranking_metrics_beside_pytrec_eval(compare: Compare, world: tuple[Run, Relevance]) -> None:
    run, relevant = world
    nested, evaluator = as_nested_dicts(run), evaluator_of(relevant)
    ours, theirs = score(run, relevant), evaluator.evaluate(nested)
    for metric in RANKING_METRICS:  # the comparison is worth nothing if they do not agree
        mean = np.mean([values[f"{TREC_NAMES[metric.kind]}_{metric.k}"] for values in theirs.values()])
        assert ours[str(metric)].mean() == pytest.approx(mean, abs=1e-6)
    compare(
        WHAT, lambda: score(run, relevant), lambda: evaluator.evaluate(nested),
        name="pytrec_eval, its dictionaries given", goal=1, packages=PACKAGES,
    )  # fmt: skip


def test_metrics_with_bounds_under_ties(compare: Compare, world: tuple[Run, Relevance]) -> None:
    run, relevant = world
    evaluator = evaluator_of(relevant)
    compare(
        f"{WHAT}, with bounds under ties",
        lambda: (score(run, relevant), tie_bounds(run, relevant)),
        lambda: evaluator.evaluate(as_nested_dicts(run)),
        name="pytrec_eval, dictionaries made", goal=1, packages=PACKAGES,
    )  # fmt: skip


def evaluator_of(relevant: Relevance) -> pytrec_eval.RelevanceEvaluator:
    """Make trec_eval's evaluator of the same metrics."""
    names = {f"{TREC_NAMES[metric.kind]}.{metric.k}" for metric in RANKING_METRICS}
    return pytrec_eval.RelevanceEvaluator(as_qrels(relevant), names)


def as_qrels(relevant: Relevance) -> dict[str, dict[str, int]]:
    """Return the relevance as pytrec_eval takes it."""
    starts, ends = relevant.indptr[:-1].tolist(), relevant.indptr[1:].tolist()
    return {
        q: {relevant.video_ids[i]: 1 for i in relevant.positions[start:end].tolist()}
        for q, start, end in zip(relevant.query_ids, starts, ends, strict=True)
    }


def as_nested_dicts(run: Run) -> dict[str, dict[str, float]]:
    """Return what pytrec_eval takes; scores strictly decreasing, as in our run files."""
    ids, scores = np.array(run.video_ids, dtype=object), strictly_decreasing(run).astype(float)
    return {
        q: dict(zip(nested, row, strict=True))
        for q, nested, row in zip(run.query_ids, ids[run.hits].tolist(), scores.tolist(), strict=True)
    }
