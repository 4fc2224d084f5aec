"""Several seeds: the runs of each below, their means and standard deviations on top."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from bench.harness.plan import Plan
from bench.harness.spread import cell_intervals
from bench.output.folder import OutputFolder
from bench.output.per_item import RunItems
from bench.output.schema import COSTS, MEAN, SCORES, SD, to_csv, with_text
from bench.result import Result


def aggregate(plan: Plan, results: Sequence[Result]) -> Result:
    """Write the aggregate of runs that differ in their seed alone, and return it.

    ``scores.csv`` holds the rows of every seed, and rows with seed ``mean`` and ``sd`` (of a sample,
    n - 1). The interval of a mean is over items and seeds; an sd has none. Costs are means. Cells that
    failed with any seed are named; their mean is over the others.
    """
    import pandas as pd

    from bench.harness.writer import write_presentation

    out = OutputFolder(plan.out())
    out.keep_seeds({result.out.name for result in results})
    keys = ["generator", "retriever", "metric"]
    scores = pd.concat([result.scores for result in results], ignore_index=True)
    scores["seed"] = scores["seed"].astype(object)
    grouped = scores.groupby(keys, sort=False, dropna=False)
    record = _record(plan, results)
    means = _with_intervals(grouped.mean(numeric_only=True).reset_index(), RunItems(out.path, record))
    deviations = grouped[["value"]].std(ddof=1).reset_index()
    means["n"] = grouped["n"].first().to_numpy()
    deviations["n"] = grouped["n"].first().to_numpy()
    means["seed"], deviations["seed"] = MEAN, SD
    whole = pd.concat([scores, means, deviations], ignore_index=True)[list(scores.columns)]
    costs = _mean_costs(pd.concat([result.costs for result in results], ignore_index=True))
    out.write(SCORES, to_csv(whole))
    out.write(COSTS, to_csv(costs))
    write_presentation(out, whole, costs, record, plan.store)
    out.manifest(record, finished=True)
    return Result.read(plan.out())


def _with_intervals(means: Any, items: RunItems) -> Any:
    """Return the means with the interval of each over items and seeds, not a mean of the seeds' own."""
    limits = [
        cell_intervals(items.cell(str(row.generator), str(row.retriever)))[str(row.metric)]
        for row in with_text(means).itertuples()
    ]
    return means.assign(ci_low=[limit.low for limit in limits], ci_high=[limit.high for limit in limits])


def _mean_costs(costs: Any) -> Any:
    means = costs.groupby(["generator", "retriever"], sort=False, dropna=False).mean().round(4).reset_index()
    means["params"] = means["params"].round().astype("Int64")
    return means[list(costs.columns)]


def _record(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    first = dict(results[0].manifest)
    seeds = ",".join(str(seed) for seed in plan.config.seed)
    seed_part = f"seeds: {plan.config.seed[0]} |"
    record = {key: value for key, value in first.items() if key not in ("files", "finished", "cells")}
    record["run"] = plan.identity()
    record["settings"] = plan.settings()
    record["signature"] = str(first["signature"]).replace(seed_part, f"seeds: {seeds} |")
    record["failed"] = {
        f"seed-{seed} {cell}": message
        for seed, result in zip(plan.config.seed, results, strict=True)
        for cell, message in result.failed.items()
    }
    record["seeds"] = {
        str(seed): result.out.name for seed, result in zip(plan.config.seed, results, strict=True)
    }
    record["cells"] = {}
    record["coverage_line"] = f"of seed {plan.config.seed[0]}: {first['coverage_line']}"
    shares = [result.manifest["distinct"] for result in results]
    record["distinct"] = {
        name: round(fmean(known[name] for known in shares if name in known), 6)
        for name in dict.fromkeys(name for known in shares for name in known)
    }
    return record
