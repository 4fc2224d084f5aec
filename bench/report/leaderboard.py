"""The leaderboard: a row for each system, and for each retriever its score, interval and group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.metrics.definitions import describe
from bench.output.schema import RETRIEVAL
from bench.report.source import Source, times_100
from bench.report.systems import System
from bench.summary.run_summary import METRIC, RunSummary

CellOfMetric = tuple[str, str, str, str]
"""Run, generator, retriever and metric."""


def leaderboard(
    sources: Sequence[Source], systems: Sequence[System], summary: RunSummary | None
) -> dict[str, Any]:
    """Collect the data of the interactive leaderboard: scores ×100 by metric, system and retriever.

    ``summary`` has the groups of a single run; None where rows were not tested with each other.
    A cell is ``[score, low, high, letters, n, worst, best]`` or None, the last two its bounds under ties.
    """
    scores = {
        (source.name, row.generator, row.retriever, row.metric): row
        for source in sources
        for row in source.scores
        if isinstance(row.retriever, str) and not math.isnan(row.value)
    }
    groups = _letters(sources[0].name, summary)
    retrievers = list_retrievers(sources)
    metrics = [name for name in RETRIEVAL if any(cell[3] == name for cell in scores)]
    cells = {
        metric: [
            [_cell(scores, groups, (system.run, system.generator, r, metric)) for r in retrievers]
            for system in systems
        ]
        for metric in metrics
    }
    return {
        "metrics": {metric: describe(metric) for metric in metrics},
        "metric": METRIC if METRIC in metrics else next(iter(metrics), ""),
        "retrievers": [{"key": name, "label": label} for name, label in retrievers.items()],
        "cells": cells,
    }


def list_retrievers(sources: Sequence[Source]) -> dict[str, str]:
    """List the retrievers of all runs, each once: name to the label that is shown."""
    return {name: s.manifest.labels.get(name, name) for s in sources for name in s.retrievers}


def _cell(
    scores: Mapping[CellOfMetric, Any], groups: Mapping[CellOfMetric, str], key: CellOfMetric
) -> list[Any] | None:
    row = scores.get(key)
    if row is None:
        return None
    bounds = [times_100(value) for value in (row.value, row.ci_low, row.ci_high)]
    ties = [times_100(value) for value in (row.tie_worst, row.tie_best)]
    return [*bounds, groups.get(key, ""), int(row.n), *ties]


def _letters(run: str, summary: RunSummary | None) -> dict[CellOfMetric, str]:
    return {
        (run, row.generator, board.retriever, board.metric): row.letters
        for board in (summary.boards if summary else ())
        for row in board.rows
    }
