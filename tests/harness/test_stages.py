"""Stages: what enters their keys."""

from __future__ import annotations

from bench.store.code_digest import code_sources


def test_scores_depend_on_the_code_of_metrics_alone() -> None:
    names = set(code_sources("bench.harness.stages.score"))
    own = {name for name in names if not name.startswith("bench.metrics")}
    assert own == {"bench.harness.stages.score", "bench.text", "bench.types"}
    assert len(names) <= 14
