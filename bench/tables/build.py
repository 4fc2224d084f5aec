"""Tables like the paper's: scores to Markdown, CSV, LaTeX and HTML, signature and coverage below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.output.manifest import Manifest, signature_line
from bench.output.schema import GENERATION, TIED, headline, retrieval_metrics
from bench.tables.score_table import Leaders, ScoreTable
from bench.tables.table import Cell, Rows, Table

if TYPE_CHECKING:
    import pandas as pd

DISTINCT = "Distinct"
"""Header of the share of distinct summaries, beside the generation metrics."""
READS = {"text": "reads text", "frames": "reads frames"}
"""Headers of the use of each input, beside the generation metrics."""
NAMES = ("generation", "retrieval", "ties", "cost")
"""The tables of a run, in the order in which they are printed."""
SIDES = ("worst", "expected", "best")
COST_HEADERS = {
    "fit_s": "fit s", "videos_per_s": "videos/s", "params": "parameters",
    "index_bytes_per_doc": "index B/doc", "index_s": "index s", "search_p50_ms": "p50 ms",
    "search_p95_ms": "p95 ms", "queries_per_s": "queries/s", "peak_mb": "peak MB",
    "added_mb": "added MB", "search_spread_ms": "spread ms", "search_shared": "shared",
}  # fmt: skip


def build_tables(
    scores: pd.DataFrame,
    costs: pd.DataFrame,
    manifest: Manifest,
    significance: pd.DataFrame | None = None,
    *,
    modality: pd.DataFrame | None = None,
    intervals: bool = False,
    leaders: Leaders | None = None,
    columns: Sequence[str] = (),
) -> list[Table]:
    """Lay the scores and costs of a run out as its generation, retrieval, ties and cost tables.

    ``scores`` holds the rows of one seed, or those of several with their ``mean`` and ``sd`` (cells
    are then mean ± sd). ``significance`` is significance.csv, None before the run is finished.
    ``modality`` is modality.csv, None without trained rows. ``intervals`` adds the 95 % interval to each
    cell; ``leaders`` are printed bold. ``columns`` restricts the tables of scores, and what is said below.
    """
    below = [f"Signature: {signature_line(manifest.signature)}", f"Coverage: {manifest.coverage_line}"]
    what = manifest.dataset.title
    frames = (scores, significance)
    beside = _beside(manifest, modality, intervals=intervals)
    texts = {header: metric for header, metric in GENERATION.items() if not columns or header in columns}
    ranks = {metric: metric for metric in retrieval_metrics(scores) if not columns or metric in columns}
    generation = ScoreTable.of(
        "generation", texts, frames, manifest, intervals=intervals, leaders=leaders, beside=beside
    )
    retrieval = ScoreTable.of("retrieval", ranks, frames, manifest, intervals=intervals, leaders=leaders)
    return [
        Table(
            "generation", f"Generation on {what}, ×100", ["Model"], [*texts, *beside],
            generation.rows(), [*generation.notes(), *_beside_notes(beside), *below],
        ),
        Table(
            "retrieval", f"Retrieval on {what}, ×100", ["Retriever", "Model"], [*ranks],
            retrieval.rows(), [*retrieval.notes(), *below],
        ),
        _tie_table(headline(scores), what, manifest.labels, below),
        _cost_table(costs, what, manifest.labels, [_cost_note(manifest), *below]),
    ]  # fmt: skip


def _beside(
    manifest: Manifest, modality: pd.DataFrame | None, *, intervals: bool
) -> dict[str, dict[str, str]]:
    """Lay out the columns beside the generation scores: header to generator to what is printed."""
    columns: dict[str, dict[str, str]] = {}
    if manifest.distinct:  # runs of older versions lack it
        columns[DISTINCT] = {name: _two_decimals(share * 100) for name, share in manifest.distinct.items()}
    if modality is not None and len(modality):
        uses: list[Any] = list(modality.itertuples())
        for which, header in READS.items():
            columns[header] = {
                str(use.generator): f"{use.gap:.2f}"
                + (f" [{use.ci_low:.2f}, {use.ci_high:.2f}]" if intervals else "")
                for use in uses
                if use.modality == which
            }
    return columns


def _beside_notes(columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    if not set(READS.values()) & set(columns):
        return []
    return [
        f"{' and '.join(READS.values())}: by how many nats a token the loss of a row's references rises when "
        "the transcript, or the frames, are another video's (not ×100); near 0 the row does not read them."
    ]


def generation_frame(scores: pd.DataFrame, values: str = "value") -> pd.DataFrame:
    """Lay generation scores ×100 out as Table III, a row per generator."""
    frame = _wide(scores[scores["retriever"].isna()], ["generator"], list(GENERATION.values()), values)
    return frame.rename(columns={metric: header for header, metric in GENERATION.items()})


def retrieval_frame(scores: pd.DataFrame, values: str = "value") -> pd.DataFrame:
    """Lay retrieval scores ×100 out as Table V, a row per retriever and generator."""
    ranked = scores[scores["retriever"].notna()]
    return _wide(ranked, ["retriever", "generator"], retrieval_metrics(scores), values)


def _wide(scores: pd.DataFrame, index: list[str], columns: list[str], values: str) -> pd.DataFrame:
    order = scores[index].drop_duplicates()
    frame = scores.pivot_table(index=index, columns="metric", values=values, dropna=False, observed=True)
    frame = frame.reindex(columns=columns)
    rows = order[index[0]].tolist() if len(index) == 1 else list(order.itertuples(index=False, name=None))
    rows = sorted(rows, key=lambda row: _first_seen(order, index, row))
    return frame.reindex(rows) * 100 if rows else frame


def _first_seen(order: pd.DataFrame, index: list[str], row: Any) -> tuple[int, ...]:
    """Sort by the first appearance of each level, so that a retriever's rows are adjacent."""
    values = (row,) if len(index) == 1 else row
    return tuple(order[level].tolist().index(value) for level, value in zip(index, values, strict=True))


def _tie_table(scores: pd.DataFrame, what: str, labels: Mapping[str, str], notes: list[str]) -> Table:
    sides = [retrieval_frame(scores, f"tie_{side}") for side in SIDES]
    metrics = [name for name in TIED if name in sides[0]] or list(sides[0])[: len(TIED)]
    rows: Rows = [
        (
            [labels.get(str(name), str(name)) for name in index],
            [Cell(_two_decimals(float(frame[metric][index]))) for metric in metrics for frame in sides],
        )
        for index in sides[0].index
    ]
    title = f"Effect of ties on {what}: worst, expected and best order, ×100"
    headers = [f"{metric} {side}" for metric in metrics for side in SIDES]
    return Table("ties", title, ["Retriever", "Model"], headers, rows, notes)


def _cost_note(manifest: Manifest) -> str:
    """Explain what the columns of the cost table measure, and on which device."""
    gpu = manifest.machine.get("gpu")
    return (
        f"Measured on {gpu or 'a CPU'}. Added MB: the peak of a cell, training included, less what the "
        "process held before it. Spread ms: three medians of search times, the highest less the lowest. "
        "Shared: the part of the processors that other processes used while search was timed; above 0, "
        "times are too long."
    )


def _cost_table(costs: pd.DataFrame, what: str, labels: Mapping[str, str], notes: list[str]) -> Table:
    names = costs[["retriever", "generator"]].astype(object).fillna("").to_numpy().tolist()
    numbers = costs.reindex(columns=list(COST_HEADERS)).astype(float).to_numpy().tolist()
    rows: Rows = [
        ([labels.get(name, name) for name in pair], [Cell(_plain(value)) for value in values])
        for pair, values in zip(names, numbers, strict=True)
    ]
    return Table("cost", f"Cost on {what}", ["Retriever", "Model"], list(COST_HEADERS.values()), rows, notes)


def _two_decimals(value: float) -> str:
    return f"{value:.2f}" if not math.isnan(value) else ""


def _plain(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
