"""Scores by an attribute of the queries (slices.csv), and the slices in which another system leads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.comparison.attributes import ALL, OTHER, QueryAttributes
from bench.metrics.intervals import Interval, bootstrap_means
from bench.metrics.over_seeds import crossed_interval
from bench.output.manifest import signature_line
from bench.output.per_item import ItemScores, RunItems
from bench.output.schema import SLICE_COLUMNS
from bench.result import Result
from bench.summary.run_summary import METRIC
from bench.tables.table import FEW, PLAIN, Cell, Rows, Table

if TYPE_CHECKING:
    import pandas as pd

SMALL = 20
"""A slice of fewer distinct queries is marked, and counts in no reversal."""
SHOWN = 5
"""Reversals that are written out."""
CellName: TypeAlias = tuple[str, str]
"""Generator and retriever."""


def score_slices(result: Result, attributes: Sequence[str] | None = None) -> pd.DataFrame:
    """Compute the retrieval scores of each slice, with 95 % intervals: the rows of slices.csv.

    By default the attributes are those that came with the queries and divide them, and the length. Raises
    UsageError for an unknown attribute.
    """
    import pandas as pd

    items = RunItems(result.out, result.manifest)
    known = QueryAttributes(items)
    by_default = [name for name in (*known.given, "length") if name in known.names]
    names = by_default if attributes is None else attributes
    cells = {cell: items.cell(*cell) for cell in _cells(result)}
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(names):
        slices = known.slices(name)
        if attributes is None and not _divides(slices):
            continue
        for slice_name, queries in {ALL: list(items.texts()), **slices}.items():
            parts = {cell: scores.subset(set(queries)) for cell, scores in cells.items()}
            rows += [{"attribute": name, "slice": slice_name, **row} for row in _rows(parts)]
    return pd.DataFrame(rows, columns=list(SLICE_COLUMNS))


def _divides(slices: Mapping[str, Sequence[str]]) -> bool:
    """Check that an attribute has values in common between queries: an address or a name has not."""
    sizes = {name: len(queries) for name, queries in slices.items()}
    return len(sizes) > 1 and 2 * sizes.get(OTHER, 0) <= sum(sizes.values())


def _cells(result: Result) -> list[CellName]:
    rows = result.headline[result.headline["retriever"].notna()]
    return list(dict.fromkeys(zip(rows["generator"], rows["retriever"], strict=True)))


def _rows(parts: Mapping[CellName, ItemScores]) -> Iterator[dict[str, Any]]:
    limits = _intervals(parts)
    for (generator, retriever), scores in parts.items():
        names = {"generator": generator, "retriever": retriever}
        for metric in scores.values if scores.ids else ():
            low, high = limits[generator, retriever, metric]
            values = {"value": scores.score(metric), "ci_low": low, "ci_high": high, "n": len(scores.ids)}
            yield {**names, "metric": metric, **values}


def _intervals(parts: Mapping[CellName, ItemScores]) -> dict[tuple[str, str, str], Interval]:
    """Bound every score of a slice from the same draws of its queries; seeds are crossed with them."""
    columns = {
        (*cell, metric): values
        for cell, scores in parts.items()
        if scores.ids
        for metric, values in scores.values.items()
    }
    if not columns:
        return {}
    weights = next(iter(parts.values())).weights
    drawn = bootstrap_means(np.concatenate(list(columns.values())).T, weights)  # [draws, columns * seeds]
    ends = np.cumsum([len(values) for values in columns.values()])
    parts_of = np.split(drawn, ends[:-1], axis=1)
    return {
        name: crossed_interval([values.mean(axis=1)], part.mean(axis=1), values.shape[1])
        for (name, values), part in zip(columns.items(), parts_of, strict=True)
    }


def slice_table(
    scores: pd.DataFrame, result: Result, attribute: str, metric: str, *, intervals: bool = False
) -> Table:
    """Lay the scores of one attribute and metric out: a row per system, a column per slice."""
    rows = scores[(scores["attribute"] == attribute) & (scores["metric"] == metric)]
    named: list[Any] = list(rows.itertuples())
    sizes = {str(row.slice): int(row.n) for row in named}
    by_cell: dict[CellName, dict[str, Any]] = {}
    for row in named:
        by_cell.setdefault((str(row.retriever), str(row.generator)), {})[str(row.slice)] = row
    labels = result.manifest.labels
    laid_out: Rows = [
        (
            [labels.get(name, name) for name in cell],
            [_cell(values.get(name), few=size < SMALL, intervals=intervals) for name, size in sizes.items()],
        )
        for cell, values in by_cell.items()
    ]
    caption = f"{metric} by {attribute} on {result.manifest.dataset.title}, ×100"
    return Table(
        f"by-{re.sub(r'[^A-Za-z0-9]+', '-', attribute)}", caption, ["Retriever", "Model"],
        [f"{name} (n = {size})" for name, size in sizes.items()],
        laid_out, [*_notes(sizes, rows, labels), f"Signature: {signature_line(result.manifest.signature)}"],
    )  # fmt: skip


def _cell(row: Any, *, few: bool, intervals: bool) -> Cell:
    if row is None:
        return Cell("")
    bounds = f" [{row.ci_low * 100:.2f}, {row.ci_high * 100:.2f}]" if intervals else ""
    return Cell(f"{row.value * 100:.2f}{bounds}", FEW if few else PLAIN)


def _notes(sizes: Mapping[str, int], rows: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[str]:
    yield "n: distinct queries."
    if any(size < SMALL for size in sizes.values()):
        yield f"In parentheses: slices of fewer than {SMALL} queries, which say little."
    reversals = list(find_reversals(rows))
    for reversal in reversals[:SHOWN]:
        yield reversal.to_text(labels)
    if len(reversals) > SHOWN:
        yield f"And {len(reversals) - SHOWN} more such pairs."


@dataclass(frozen=True, slots=True)
class Reversal:
    """Two systems under one retriever: ``leader`` is higher over all queries, ``other`` in most slices."""

    retriever: str
    leader: str
    other: str
    overall: float
    """The leader's score less the other's, over all queries."""
    against: Mapping[str, float]
    """The same in the slices in which the other is higher: below 0."""
    slices: int
    """Slices that are compared."""

    def to_text(self, labels: Mapping[str, str]) -> str:
        """Describe the reversal in a sentence."""
        leader, other, retriever = (labels.get(n, n) for n in (self.leader, self.other, self.retriever))
        parts = ", ".join(f"{name} {difference * 100:+.2f}" for name, difference in self.against.items())
        many = (
            "every slice"
            if len(self.against) == self.slices
            else (f"{len(self.against)} of {self.slices} slices")
        )
        return (
            f"Reversal, {retriever}: {leader} is higher than {other} over all queries "
            f"({self.overall * 100:+.2f}), and lower in {many} of at least {SMALL} queries ({parts})."
        )


def find_reversals(rows: pd.DataFrame) -> Iterator[Reversal]:
    """Find pairs of systems whose order over all queries is not that of most slices.

    ``rows`` are those of one attribute and metric. Over the same queries, the difference of two means is the
    mean of those in the slices, weighted by their sizes: the order can be another one in most slices, and
    in all only where some are too small to be compared (`SMALL`).
    """
    for retriever, of_retriever in rows.groupby("retriever", sort=False):
        values: dict[str, dict[str, float]] = {}
        named: list[Any] = list(of_retriever.itertuples())
        for row in named:
            if row.n >= SMALL or row.slice == ALL:
                values.setdefault(str(row.generator), {})[str(row.slice)] = float(row.value)
        for first, second in combinations(values, 2):
            reversal = _reversal(str(retriever), values, (first, second))
            if reversal:
                yield reversal


def _reversal(
    retriever: str, values: Mapping[str, Mapping[str, float]], pair: tuple[str, str]
) -> Reversal | None:
    leader, other = sorted(pair, key=lambda name: -values[name][ALL])
    differences = {name: values[leader][name] - values[other][name] for name in values[leader]}
    overall = differences.pop(ALL)
    against = {name: difference for name, difference in differences.items() if difference < -1e-12}
    if overall <= 1e-12 or 2 * len(against) <= len(differences):
        return None
    return Reversal(retriever, leader, other, overall, against, len(differences))


def shown_metric(scores: pd.DataFrame) -> str:
    """Pick the metric to show where none is named: R@10, else the first."""
    known = scores["metric"].tolist()
    return METRIC if METRIC in known else str(next(iter(known), METRIC))
