"""Effectiveness against cost: what a system takes for what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.report import plots
from bench.report.plots import Plot, Row
from bench.report.source import Source

KINDS: Mapping[str, Callable[[Any, Any], float]] = {
    "Search, ms (p50)": lambda generator, cell: cell.search_p50_ms,
    "Index, bytes a video": lambda generator, cell: cell.index_bytes_per_doc,
    "Summaries, seconds a 1,000 videos": lambda generator, cell: 1000 / generator.videos_per_s,
    "Generator, parameters": lambda generator, cell: generator.params,
    "Generator, training seconds": lambda generator, cell: generator.fit_s,
}
"""What each cost is, of a generator's and a cell's row of costs.csv; NaN or 0 where there is none."""


def cost_plots(sources: Sequence[Source], scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    """Yield R@10 over each kind of cost that was measured."""
    found = {(row["series"], row["retriever"]): row["value"] for row in scores if row["metric"] == "R@10"}
    rows = [row for kind in KINDS for row in _front([r for s in sources for r in _rows(s, kind, found)])]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    if kinds:
        title = "Effectiveness against cost"
        note = "Up and to the left is better; the dashed line is the Pareto front."
        yield Plot("cost", "cost", title, note, plots.cost(title, rows, kinds, series))


def _rows(source: Source, kind: str, scores: Mapping[tuple[str, str], float]) -> Iterator[Row]:
    costs = {
        (row.generator, row.retriever): row
        for row in source.result.costs.astype({"retriever": object}).fillna({"retriever": ""}).itertuples()
    }
    for generator, retriever in source.cells:
        of_generator, of_cell = costs.get((generator, "")), costs.get((generator, retriever))
        shown = source.labels[generator], source.manifest["labels"].get(retriever, retriever)
        if of_generator is None or of_cell is None or shown not in scores:
            continue
        amount = float(KINDS[kind](of_generator, of_cell))
        if amount > 0 and math.isfinite(amount):
            yield {
                "kind": kind, "series": shown[0], "retriever": shown[1], "x": amount, "value": scores[shown]
            }  # fmt: skip


def _front(rows: list[Row]) -> list[Row]:
    """Mark the rows that no cheaper or equally cheap one reaches."""
    best = -math.inf
    for row in sorted(rows, key=lambda row: (row["x"], -row["value"])):
        row["front"] = row["value"] > best
        best = max(best, row["value"])
    return rows
