"""Time our ranking metrics beside trec_eval's own code (pytrec_eval) on the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pytrec_eval
from pytest_benchmark.fixture import BenchmarkFixture

from bench.metrics.ranking import RANKING_METRICS, Relevance, score
from bench.output.trec import strictly_decreasing
from bench.types import Run

QUERIES, DEPTH, VIDEOS = 38_000, 30, 5_000
TREC_NAMES = {"R": "recall", "P": "P", "Acc": "success"}


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


def test_ranking_metrics_beside_pytrec_eval(
    benchmark: BenchmarkFixture, world: tuple[Run, Relevance]
) -> None:
    run, relevant = world
    ours = benchmark.pedantic(score, args=(run, relevant), rounds=5, warmup_rounds=1)
    nested, convert_s = timed(as_nested_dicts, run)
    qrels = {
        q: {relevant.video_ids[i]: 1 for i in relevant.positions[start:end].tolist()}
        for q, start, end in zip(
            relevant.query_ids, relevant.indptr[:-1].tolist(), relevant.indptr[1:].tolist(), strict=True
        )
    }
    evaluator = pytrec_eval.RelevanceEvaluator(
        qrels, {f"{TREC_NAMES[m.kind]}.{m.k}" for m in RANKING_METRICS}
    )
    theirs, evaluate_s = min(
        (timed(evaluator.evaluate, nested) for _ in range(3)), key=lambda timing: timing[1]
    )

    for metric in RANKING_METRICS:  # the comparison is worth nothing if they do not agree
        name = f"{TREC_NAMES[metric.kind]}_{metric.k}"
        mean = np.mean([values[name] for values in theirs.values()])
        assert ours[str(metric)].mean() == pytest.approx(mean, abs=1e-6)
    best = benchmark.stats.stats.min
    benchmark.extra_info["pytrec_eval_s"] = evaluate_s
    benchmark.extra_info["pytrec_eval_conversion_s"] = convert_s
    benchmark.extra_info["times_faster_than_pytrec_eval"] = evaluate_s / best
    benchmark.extra_info["times_faster_with_conversion"] = (evaluate_s + convert_s) / best


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def as_nested_dicts(run: Run) -> dict[str, dict[str, float]]:
    """Return what pytrec_eval takes; scores strictly decreasing, as in our run files."""
    ids, scores = np.array(run.video_ids, dtype=object), strictly_decreasing(run).astype(float)
    return {
        q: dict(zip(nested, row, strict=True))
        for q, nested, row in zip(run.query_ids, ids[run.hits].tolist(), scores.tolist(), strict=True)
    }
