"""The tables as the page shows them: every number with its interval, its tie bounds and its n."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.comparison.slices import shown_metric, slice_table
from bench.output.schema import GENERATION
from bench.report.glossary import explain_header
from bench.report.source import Source
from bench.tables.score_table import IMPROVEMENT
from bench.tables.table import BEST, Cell, Table

_NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")
_IN_SETTINGS = ("Signature: ", "Coverage: ")
"""Notes that the page shows once, under its settings."""

View = dict[str, Any]


def table_views(source: Source) -> dict[str, View]:
    """Prepare the score tables of a run for the template, by name, without rows of relative improvement."""
    views = {}
    for table in source.result.tables():
        rows = [row for row in table.rows if IMPROVEMENT not in row[0]]
        notes = [note for note in table.notes if not note.startswith(_IN_SETTINGS)]
        plain = Table(table.name, table.caption, table.labels, table.columns, rows, notes)
        views[table.name] = view(plain, source.name, _details(source))
    return views


def view(table: Table, run: str = "", details: Mapping[tuple[str, ...], str] | None = None) -> View:
    """Prepare a table for the template: cells with text, mark, number to sort by and text shown on hover."""
    known = details or {}
    rows: list[View] = []
    for names, cells in table.rows:
        described = [known.get((*names, column), "") for column in table.columns]
        shown = [_cell(cell, detail) for cell, detail in zip(cells, described, strict=True)]
        rows.append({"names": names, "cells": shown})
    return {
        "name": f"{table.name}-{_slug(run)}" if run else table.name,
        "caption": f"{run}: {table.caption}" if run else table.caption,
        "labels": table.labels,
        "columns": [(name, explain_header(name)) for name in table.columns],
        "rows": rows,
        "notes": table.notes,
        "detailed": any(cell["detail"] for row in rows for cell in row["cells"]),
    }


def slice_views(source: Source) -> list[View]:
    """Prepare a table of scores for each attribute of the queries; an empty list if they have none."""
    scores = source.slices
    if scores is None or not len(scores):
        return []
    metric, views = shown_metric(scores), []
    for attribute in scores["attribute"].unique():
        table = slice_table(scores, source.result, str(attribute), metric, intervals=True)
        notes = [note for note in table.notes if not note.startswith(_IN_SETTINGS)]
        name = f"by-{_slug(str(attribute))}"
        views.append(view(dataclasses.replace(table, name=name, notes=notes), source.name))
    return views


def cost_views(source: Source) -> list[View]:
    """Prepare the tables of costs, of generators and of retrievers; one without rows is left out."""
    tables = (_generator_costs(source), _retriever_costs(source))
    return [view(table, source.name) for table in tables if table.rows]


def _generator_costs(source: Source) -> Table:
    columns = ["training, s", "seconds per 1,000 summaries", "parameters"]
    rows = []
    for name in source.generators:
        row = source.costs.get((name, ""))
        if row is not None:
            speed = 1000 / row.videos_per_s if row.videos_per_s > 0 else math.nan
            rows.append(([_label(source, name)], [_number(row.fit_s), _number(speed), _number(row.params)]))
    return Table("cost-generators", "Generators", ["System"], columns, rows, [])


def _retriever_costs(source: Source) -> Table:
    columns = ["training, s", "search, ms per query (median)", "index, bytes per video"]
    fields = ("fit_s", "search_p50_ms", "index_bytes_per_doc")
    rows = []
    for name in source.retrievers:
        cells = [row for (_, retriever), row in source.costs.items() if retriever == name]
        values = [_median([getattr(row, field) for row in cells]) for field in fields]
        rows.append(([_label(source, name)], [_number(value) for value in values]))
    notes = ["Medians over the generators; an index holds the summaries of one generator."]
    return Table("cost-retrievers", "Retrievers", ["Retriever"], columns, rows, notes)


def _median(values: Sequence[float]) -> float:
    known = sorted(value for value in values if not math.isnan(value))
    return known[len(known) // 2] if known else math.nan


def _number(value: float) -> Cell:
    if math.isnan(value):
        return Cell("")
    return Cell(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")


def coverage(source: Source) -> View | None:
    """Tabulate missing, empty and duplicate items of the dataset and each system; None if there are none."""
    counts = source.manifest.coverage
    columns = list(dict.fromkeys(what for cell in counts.values() for what, count in cell.items() if count))
    columns = [column for column in columns if column != "videos"]
    rows = [
        ([_cell_label(source, name)], [Cell(f"{of_cell[c]:,}" if c in of_cell else "") for c in columns])
        for name, of_cell in counts.items()
        if any(of_cell.get(column) for column in columns)
    ]
    caption = f"Missing, empty and duplicate items ({counts['dataset']['videos']:,} videos)"
    return view(Table("coverage", caption, ["Part"], columns, rows, []), source.name) if rows else None


def _cell(cell: Cell, detail: str) -> View:
    match = _NUMBER.match(cell.text)
    number = float(match[0].replace(",", "").replace("−", "-")) if match else None
    rank = "among the highest of its block" if cell.rank == BEST else ""
    star = "significantly higher than the second" if cell.star else ""
    shown = "; ".join(part for part in (detail, rank, star) if part) if detail else ""
    return {"text": cell.text, "rank": cell.rank, "star": cell.star, "number": number, "detail": shown}


def _details(source: Source) -> dict[tuple[str, ...], str]:
    """Describe the interval, tie bounds and n of each number, by the labels of its row and its column."""
    labels = source.manifest.labels
    headers = {metric: header for header, metric in GENERATION.items()}
    details = {}
    for row in source.scores:
        names = [row.generator] if not isinstance(row.retriever, str) else [row.retriever, row.generator]
        key = (*(labels.get(name, name) for name in names), headers.get(row.metric, row.metric))
        if not math.isnan(row.value):
            details[key] = f"{', '.join(key)}: {'; '.join(_describe(row))}"
    return details


def _describe(row: Any) -> Iterator[str]:
    yield f"{row.value * 100:.2f}"
    if not math.isnan(row.ci_low):
        yield f"95 % interval {row.ci_low * 100:.2f} to {row.ci_high * 100:.2f}"
    if not math.isnan(row.tie_worst):
        yield (
            f"ties: {row.tie_worst * 100:.2f} at worst, {row.tie_expected * 100:.2f} expected, "
            f"{row.tie_best * 100:.2f} at best"
        )
    yield f"n = {int(row.n):,}"


def _label(source: Source, name: str) -> str:
    return source.manifest.labels.get(name, name)


def _cell_label(source: Source, name: str) -> str:
    pairs = {f"{g}.{r}": f"{_label(source, g)}, {_label(source, r)}" for g, r in source.cells}
    return "Dataset" if name == "dataset" else pairs.get(name, _label(source, name))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
