"""The tables as the page shows them: every number with its interval, its ties and its n."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.output.schema import GENERATION
from bench.report.source import Source
from bench.tables.table import Cell, Table

_NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")
COMPARED = ("R@1", "R@5", "R@10", "R@30", "Acc@10")

View = dict[str, Any]


def table_views(source: Source) -> list[View]:
    """Return the tables of a run for the template."""
    return [view(table, source.name, _details(source)) for table in source.result.tables()]


def view(table: Table, run: str = "", details: Mapping[tuple[str, ...], str] | None = None) -> View:
    """Return a table for the template: cells with text, mark, sortable number and what hovering tells."""
    known = details or {}
    rows = []
    detailed = False
    for names, cells in table.rows:
        told = [known.get((*names, column), "") for column in table.columns]
        rows.append(
            {
                "names": names,
                "cells": [_cell(cell, detail) for cell, detail in zip(cells, told, strict=True)],
            }
        )
        detailed = detailed or any(told)
    return {
        "name": f"{table.name}-{_slug(run)}" if run else table.name,
        "caption": f"{run}: {table.caption}" if run else table.caption,
        "labels": table.labels,
        "columns": table.columns,
        "rows": rows,
        "notes": table.notes,
        "detailed": detailed,
    }


def differences(sources: Sequence[Source]) -> View | None:
    """Return how the runs of the first one's queries differ from it, cell by cell; None when none does."""
    first = _values(sources[0])
    rows = [
        ([source.name, *_shown(source, cell)], [_change(values, first[cell], metric) for metric in COMPARED])
        for source in sources[1:]
        if _evaluation_id(source) == _evaluation_id(sources[0])
        for cell, values in _values(source).items()
        if cell in first
    ]
    caption = f"Differences from {sources[0].name}, points ×100"
    return (
        view(Table("differences", caption, ["Run", "Retriever", "Model"], COMPARED, rows, []))
        if rows
        else None
    )


def incomparable(sources: Sequence[Source]) -> list[str]:
    """Return a sentence for each run whose numbers are not of the first one's queries and videos."""
    return [
        f"{source.name} differs from {sources[0].name} in data, split or protocol: "
        "their numbers are not of the same queries."
        for source in sources[1:]
        if _evaluation_id(source) != _evaluation_id(sources[0])
    ]


def coverage(source: Source) -> View | None:
    """Return what the dataset, each generator and each cell left out; None when nothing was."""
    counts = source.manifest.coverage
    columns = list(dict.fromkeys(what for cell in counts.values() for what, count in cell.items() if count))
    columns = [column for column in columns if column != "videos"]
    rows = [
        ([_cell_label(source, name)], [Cell(f"{own[c]:,}" if c in own else "") for c in columns])
        for name, own in counts.items()
        if any(own.get(column) for column in columns)
    ]
    caption = f"Missing, empty and duplicate items ({counts['dataset']['videos']:,} videos)"
    return view(Table("coverage", caption, ["What"], columns, rows, []), source.name) if rows else None


def duplicates(source: Source) -> list[str]:
    """Return a sentence for each generator whose summaries are often the same, which ties the ranking."""
    videos = source.manifest.coverage["dataset"]["videos"]
    shares = {
        name: own["duplicate summaries"] / max(videos, 1)
        for name, own in source.manifest.coverage.items()
        if "duplicate summaries" in own
    }
    return [
        f"{source.labels[name]}: {share:.0%} of the summaries are shared with another video, "
        "so that many ranks depend on the order of ties."
        for name, share in shares.items()
        if share >= 0.1
    ]


def _cell(cell: Cell, detail: str) -> View:
    found = _NUMBER.match(cell.text)
    number = float(found[0].replace(",", "").replace("−", "-")) if found else None
    place = {"best": "highest of its block", "second": "second highest of its block"}.get(cell.rank)
    star = "significantly higher than the strongest other row" if cell.star else ""
    told = "; ".join(part for part in (detail, place, star) if part) if detail else ""
    return {"text": cell.text, "rank": cell.rank, "star": cell.star, "number": number, "detail": told}


def _details(source: Source) -> dict[tuple[str, ...], str]:
    """Return what is known of a number by the labels of its row and its column."""
    labels = source.manifest.labels
    headers = {metric: header for header, metric in GENERATION.items()}
    found = {}
    for row in source.scores:
        names = [row.generator] if not isinstance(row.retriever, str) else [row.retriever, row.generator]
        key = (*(labels.get(name, name) for name in names), headers.get(row.metric, row.metric))
        if not math.isnan(row.value):
            found[key] = f"{', '.join(key)}: {_describe(row)}"
    return found


def _describe(row: Any) -> str:
    parts = [f"{row.value * 100:.2f}"]
    if not math.isnan(row.ci_low):
        parts.append(f"95 % interval {row.ci_low * 100:.2f} to {row.ci_high * 100:.2f}")
    if not math.isnan(row.tie_worst):
        parts.append(
            f"ties: {row.tie_worst * 100:.2f} at worst, {row.tie_expected * 100:.2f} expected, "
            f"{row.tie_best * 100:.2f} at best"
        )
    return "; ".join([*parts, f"n = {int(row.n):,}"])


def _values(source: Source) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {cell: {} for cell in source.cells}
    for row in source.scores:
        if isinstance(row.retriever, str):
            found[row.generator, row.retriever][row.metric] = row.value
    return found


def _change(values: Mapping[str, float], before: Mapping[str, float], metric: str) -> Cell:
    change = (values.get(metric, float("nan")) - before.get(metric, float("nan"))) * 100
    return Cell(f"{change:+.2f}" if not math.isnan(change) else "")


def _shown(source: Source, cell: tuple[str, str]) -> list[str]:
    labels = source.manifest.labels
    return [labels.get(cell[1], cell[1]), labels.get(cell[0], cell[0])]


def _cell_label(source: Source, name: str) -> str:
    labels = source.manifest.labels
    pairs = {f"{g}.{r}": f"{labels.get(g, g)}, {labels.get(r, r)}" for g, r in source.cells}
    return "Dataset" if name == "dataset" else pairs.get(name, labels.get(name, name))


def _evaluation_id(source: Source) -> tuple[Any, ...]:
    of = source.manifest
    names = ("protocol", "query_seed", "split")
    return (of.dataset.digest, *(of.settings[name] for name in names))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
