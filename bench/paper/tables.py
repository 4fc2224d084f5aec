"""Tables of a reproduction: the paper's cells beside ours, the order of rows, the claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from bench.paper import published
from bench.paper.status import (
    IMPOSSIBLE,
    NARROW,
    NOT_COMPARABLE,
    NOT_CONTRADICTED,
    UNDER_SPECIFIED,
    WIDE,
)
from bench.tables.table import Cell, Rows, Table

MISSING = "missing"
SHORT = {
    IMPOSSIBLE: "impossible",
    NOT_COMPARABLE: "not comp.",
    NOT_CONTRADICTED: "not contr.",
    UNDER_SPECIFIED: "under-spec.",
}
"""How a status is printed where it is long."""
LEGEND = (
    "Ours: the expected score under ties and its 95 % sampling interval. Status: reproduced: what rounds to "
    f"the printed number meets our interval, and the interval is within ±{100 * NARROW:.0f} % of it; not "
    f"contr. (not contradicted): it meets a wider one; not testable: it meets one of ±{100 * WIDE:.0f} % or "
    "more, or without width; differs: it does not meet it; "
    "impossible: impossible as printed; under-spec.: differs, and depends on what the paper does not state; "
    "not comp.: not comparable; missing: we have no such score."
)


def with_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """Mark the cells without a score of ours as *missing*."""
    absent = frame["ours"].isna() & (frame["status"] == NOT_COMPARABLE)
    return frame.assign(
        status=frame["status"].mask(absent, MISSING), why=frame["why"].mask(absent, "no such score in ours")
    )


def cells_table(table: str, frame: pd.DataFrame, notes: Sequence[str], what: str) -> Table:
    """Lay out a comparison as three rows (paper, ours, status) for each printed row that we have, ×100."""
    retrieval = bool(frame["retriever"].any())
    metrics = list(dict.fromkeys(frame["metric"]))
    rows: Rows = []
    for (retriever, generator), part in frame.groupby(["retriever", "generator"], sort=False):
        if part["ours"].isna().all():
            continue
        lines = {str(line.metric): line for line in part.itertuples()}
        names = [published.label(table, "retriever", str(retriever))] if retrieval else []
        names.append(published.label(table, "generator", str(generator)))
        for side, show in _SIDES.items():
            cells = [Cell(show(lines[metric]) if metric in lines else "") for metric in metrics]
            rows.append(([*names, side], cells))
    labels = [*(["Retriever"] if retrieval else []), "Model", ""]
    source = published.sources()[table]
    caption = f"{source.caption}: the paper beside {what}, ×100"
    return Table(
        table, caption, labels, metrics, rows, [*_tally(table, frame), *notes, f"Paper: {source.source}."]
    )


def order_table(table: str, order: pd.DataFrame) -> Table:
    """Lay out Kendall's tau between the paper's order of rows and ours, per retriever and metric."""
    rows: Rows = [
        (
            [published.label(table, "retriever", str(line.retriever)) or "(generation)", str(line.metric)],
            [
                Cell(str(line.rows)),
                *(Cell(_number(x, 2)) for x in (line.tau, line.low, line.high)),
                Cell(_number(line.p_value, 4)),
            ],
        )
        for line in order.itertuples()
    ]
    notes = [
        "Kendall's tau-b between the paper's values and ours over the rows in both; 1: the same order. "
        "low, high: 95 %, from redrawing our scores within their intervals.",
        *([] if rows else ["Fewer than three rows are in both: too few to compare their order."]),
    ]
    columns = ["rows", "tau", "low", "high", "p"]
    return Table(f"{table}-order", "Order of rows", ["Retriever", "Metric"], columns, rows, notes)


def claims_table(table: str, verdicts: pd.DataFrame) -> Table:
    """Lay out the verdict on each claim of the paper."""
    rows: Rows = [
        ([str(c.id), str(c.section), str(c.statement), str(c.verdict), str(c.figures)], [])
        for c in verdicts.itertuples()
    ]
    counts = ", ".join(
        f"{n} {verdict}" for verdict, n in verdicts["verdict"].value_counts(sort=False).items()
    )
    notes = [f"Verdicts: {counts or 'the text makes no claim about this table'}."]
    labels = ["Claim", "Section", "Statement", "Verdict here", "Figures"]
    return Table(f"{table}-claims", "Claims of the text", labels, [], rows, notes)


def _tally(table: str, frame: pd.DataFrame) -> list[str]:
    counts = ", ".join(f"{n} {status}" for status, n in frame["status"].value_counts(sort=False).items())
    under = frame[frame["status"] == UNDER_SPECIFIED]["why"].drop_duplicates()
    impossible = frame[(frame["status"] == IMPOSSIBLE) & frame["ours"].notna()]
    return [
        f"Cells: {counts}.",
        *([LEGEND] if frame["ours"].notna().any() else []),
        *(f"{_place(table, cell)}, impossible as printed: {cell.why}." for cell in impossible.itertuples()),
        *(f"Under-specified: {why}; the signature has the choice of this run." for why in under),
    ]


def _place(table: str, cell: Any) -> str:
    row = [published.label(table, kind, str(getattr(cell, kind))) for kind in ("retriever", "generator")]
    return " ".join(part for part in (*row, str(cell.metric)) if part)


def _paper(line: Any) -> str:
    return _number(100 * float(line.paper), 2)


def _ours(line: Any) -> str:
    value, low, high = (100 * float(getattr(line, name)) for name in ("ours", "low", "high"))
    return "" if math.isnan(value) else f"{value:.2f} ({low:.2f}–{high:.2f})"


def _status(line: Any) -> str:
    status = str(line.status)
    return SHORT.get(status, status)


def _number(value: Any, digits: int) -> str:
    number = float(value)
    return "" if math.isnan(number) else f"{number:.{digits}f}"


_SIDES: dict[str, Callable[[Any], str]] = {"paper": _paper, "ours": _ours, "status": _status}
