"""Runs of any origin fused into one more: by reciprocal ranks, or by sums of scaled scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from bench.errors import UsageError, counted, shorten
from bench.foreign.runs import ForeignRun
from bench.output.trec import TrecRun
from bench.store.digests import digest
from bench.systems.ensemble import LARGEST_WEIGHT, RRF_K, Method, contributions, parse_weights
from bench.types import QueryId, VideoId

METHODS: Sequence[Method] = ("rrf", "sum")
DECIMALS = 8
"""Decimals of fused scores, so that the order in which runs are added does not matter; with weights of which
none reaches 0.1 it is more, so that scores do not become ties."""


@dataclass(frozen=True)
class Fusion:
    """How runs are fused: ``rrf`` or ``sum``, with a weight for each run; none is 1 for all."""

    method: Method
    weights: tuple[float, ...] = ()


def parse_fusion(text: str) -> Fusion:
    """Read ``rrf``, ``sum``, or either with weights: ``sum:0.7,0.3``. Raises UsageError."""
    method, sign, rest = text.partition(":")
    weights: tuple[float, ...] | None
    try:
        weights = parse_weights(rest) if sign else ()
    except ValueError:
        weights = None
    if method not in METHODS or weights is None:
        raise UsageError(
            f"--fuse {shorten(text)}: expected rrf or sum, with weights from 0 to {LARGEST_WEIGHT:,} "
            "perhaps, one for each run and not all 0: --fuse sum:0.7,0.3."
        )
    return Fusion(cast("Method", method), weights)


def fuse(runs: Sequence[ForeignRun], fusion: Fusion) -> ForeignRun:
    """Fuse two or more runs into one. Raises UsageError for fewer, or for other weights than runs."""
    if len(runs) < 2:
        raise UsageError(f"--fuse {fusion.method}: two or more runs are fused, and there is {len(runs)}.")
    weights = fusion.weights or (1.0,) * len(runs)
    if len(weights) != len(runs):
        raise UsageError(
            f"--fuse: {counted(len(weights), 'weight')} for {len(runs)} runs: one for each is needed."
        )
    hits: dict[QueryId, dict[VideoId, float]] = {}
    for run, weight in zip(runs, weights, strict=True):
        for query, scores in run.run.hits.items():
            documents = sorted(scores, key=scores.__getitem__, reverse=True)
            row = np.array([[scores[document] for document in documents]], dtype=np.float64)  # [1, m]
            sums = hits.setdefault(query, {})
            for document, value in zip(documents, contributions(row, fusion.method)[0], strict=True):
                sums[document] = sums.get(document, 0.0) + weight * float(value)
    decimals = DECIMALS + max(0, math.floor(-math.log10(max(weights))))
    rounded = {
        query: {d: round(value, decimals) for d, value in sums.items()} for query, sums in hits.items()
    }
    factors = [f"{weight:g} " for weight in fusion.weights] or [""] * len(runs)
    name = f"{fusion.method}({'+'.join(f'{w}{run.name}' for w, run in zip(factors, runs, strict=True))})"
    settings = [fusion.method, list(weights), RRF_K, [run.digest for run in runs]]
    return ForeignRun(name=name, file=Path(name), digest=digest(settings), form="fused", run=TrecRun(rounded))
