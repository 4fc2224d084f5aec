"""Several seeds: the runs of each below, their means and standard deviations on top."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.harness.manifest import format_seeds
from bench.harness.plan import Plan
from bench.metrics.definitions import BLEU, HIGHEST_CIDER
from bench.metrics.intervals import Interval, bootstrap_means, bootstrap_sums
from bench.metrics.over_seeds import crossed_interval
from bench.metrics.text import bleu_of_counts
from bench.output.manifest import Manifest
from bench.output.per_item import ItemScores, RunItems
from bench.output.schema import APPROXIMATION_COLUMNS, MEAN, MODALITY_COLUMNS, SD, with_text
from bench.result import Result

_KEYS = ["generator", "retriever", "metric"]


def aggregate_scores(results: Sequence[Result], items: RunItems) -> Any:
    """Join the rows of every seed with rows for their ``mean`` and ``sd`` (of a sample, n - 1).

    The interval of a mean is over items and seeds; an sd has none.
    """
    import pandas as pd

    scores = pd.concat([result.scores for result in results], ignore_index=True)
    scores["seed"] = scores["seed"].astype(object)
    grouped = scores.groupby(_KEYS, sort=False, dropna=False)
    means = _with_intervals(grouped.mean(numeric_only=True).reset_index(), items)
    deviations = grouped[["value"]].std(ddof=1).reset_index()
    for frame, seed in ((means, MEAN), (deviations, SD)):
        frame["n"] = grouped["n"].first().to_numpy()
        frame["seed"] = seed
    return pd.concat([scores, means, deviations], ignore_index=True)[list(scores.columns)]


def aggregate_costs(results: Sequence[Result]) -> Any:
    """Average each cell's costs over the seeds."""
    import pandas as pd

    costs = pd.concat([result.costs for result in results], ignore_index=True)
    means = costs.groupby(_KEYS[:2], sort=False, dropna=False).mean().round(4).reset_index()
    means["params"] = means["params"].round().astype("Int64")
    return means[list(costs.columns)]


def aggregate_modality(results: Sequence[Result]) -> Any:
    """Average each generator's gaps over the seeds; None without any.

    The interval is the hull of the seeds' intervals: it is at least as wide as theirs.
    """
    import pandas as pd

    frames = [result.modality for result in results if result.modality is not None]
    if not frames:
        return None
    grouped = pd.concat(frames, ignore_index=True).groupby(["generator", "modality"], sort=False)
    made = grouped.agg({"gap": "mean", "ci_low": "min", "ci_high": "max", "n": "first"}).reset_index()
    return made[list(MODALITY_COLUMNS)]


def aggregate_approximation(results: Sequence[Result]) -> Any:
    """Average each cell's recall over the seeds, with the lowest of any query; None without any."""
    import pandas as pd

    frames = [result.approximation for result in results if result.approximation is not None]
    if not frames:
        return None
    grouped = pd.concat(frames, ignore_index=True).groupby(["generator", "retriever", "k"], sort=False)
    how = {"search": "first", "recall": "mean", "lowest": "min", "queries": "first"}
    return grouped.agg(how).round(6).reset_index()[list(APPROXIMATION_COLUMNS)]


def aggregate_manifest(plan: Plan, results: Sequence[Result]) -> Manifest:
    """Merge the manifests of several seeds: the first one's, with what all have in common or failed in."""
    first = results[0].manifest
    by_seed = dict(zip(plan.config.seed, results, strict=True))
    failed = {f"seed-{s} {cell}": why for s, one in by_seed.items() for cell, why in one.failed.items()}
    return dataclasses.replace(
        first,
        run=plan.identity(),
        settings=plan.settings(),
        signature={**first.signature, "seeds": format_seeds(plan.config.seed)},
        failed=failed,
        seeds={str(seed): result.out.name for seed, result in by_seed.items()},
        cells={},
        coverage_line=f"of seed {plan.config.seed[0]}: {first.coverage_line}",
        distinct=_mean_shares([result.manifest for result in results]),
    )


def _mean_shares(manifests: Sequence[Manifest]) -> dict[str, float]:
    names = dict.fromkeys(name for one in manifests for name in one.distinct)
    return {
        name: round(fmean(one.distinct[name] for one in manifests if name in one.distinct), 6)
        for name in names
    }


def _with_intervals(means: Any, items: RunItems) -> Any:
    """Add to the means of a table the interval of each, over items and seeds together."""
    rows = with_text(means)
    of_cell = {
        cell: cell_intervals(items.cell(*cell))
        for cell in dict.fromkeys(zip(rows["generator"], rows["retriever"], strict=True))
    }
    limits = [of_cell[g, r][metric] for g, r, metric in rows[_KEYS].itertuples(index=False, name=None)]
    return means.assign(ci_low=[limit.low for limit in limits], ci_high=[limit.high for limit in limits])


def cell_intervals(cell: ItemScores) -> dict[str, Interval]:
    """Estimate the 95 % interval of each metric's mean over seeds, cut at 0 and at 1 (CIDEr: 10).

    `bench.metrics.over_seeds.crossed_interval` says how items and seeds are combined. Corpus BLEU is
    computed anew from each draw's counts; everything else is a mean.
    """
    if cell.bleu_counts is None:
        return _of_means(cell, list(cell.values))
    others = [name for name in cell.values if name not in BLEU]
    return {**_of_bleu(cell.bleu_counts), **_of_means(cell, others)}


def _of_means(cell: ItemScores, names: list[str]) -> dict[str, Interval]:
    values = np.stack([cell.values[name] for name in names], axis=-1)  # [seeds, n, m]
    means = bootstrap_means(_by_item(values), cell.weights)
    means = means.reshape(len(means), values.shape[0], values.shape[2])
    return _intervals(names, means, values.sum(axis=1) / max(1, values.shape[1]), values.shape[1])


def _of_bleu(counts: npt.NDArray[np.int64]) -> dict[str, Interval]:
    sums = bootstrap_sums(_by_item(counts))
    scores = bleu_of_counts(sums.reshape(len(sums), counts.shape[0], counts.shape[2]))
    return _intervals(BLEU, scores, bleu_of_counts(counts.sum(axis=1)), counts.shape[1])


def _intervals(
    names: Sequence[str], drawn: npt.NDArray[Any], scores: npt.NDArray[Any], items: int
) -> dict[str, Interval]:
    """Compute each metric's interval from draws ``[draws, seeds, m]`` and scores ``[seeds, m]``."""
    if not items:
        return dict.fromkeys(names, Interval(math.nan, math.nan))
    limits = {}
    for i, name in enumerate(names):
        interval = crossed_interval([scores[:, i]], drawn[:, :, i].mean(axis=1), items)
        top = HIGHEST_CIDER if name == "CIDEr" else 1.0
        limits[name] = Interval(max(0.0, interval.low), min(top, interval.high))
    return limits


def _by_item(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reshape ``[seeds, n, m]`` to ``[n, seeds * m]``, so that an item is drawn with all its seeds."""
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)
