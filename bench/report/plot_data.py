"""What the plots show, computed from the files of one or several runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.report import plots
from bench.report.plots import Plot, Row
from bench.report.rank_data import first_ranks, look_up_ranks, quality_by_video
from bench.report.source import Source

METRIC_NAMES = {"R": "Recall", "P": "Precision", "Acc": "Accuracy"}
COSTS: Mapping[str, Callable[[Any, Any], float]] = {
    "Search, ms (p50)": lambda generator, cell: cell.search_p50_ms,
    "Index, bytes a video": lambda generator, cell: cell.index_bytes_per_doc,
    "Summaries, seconds a 1,000 videos": lambda generator, cell: 1000 / generator.videos_per_s,
    "Generator, parameters": lambda generator, cell: generator.params,
    "Generator, training seconds": lambda generator, cell: generator.fit_s,
}
"""What each cost is, of a generator's and a cell's row of costs.csv; NaN or 0 where there is none."""
UNSHOWN = (
    "step", "epoch", "learning_rate", "grad_norm", "eval_score_se",
    "eval_runtime", "eval_samples_per_second", "eval_steps_per_second",
)  # fmt: skip
"""Of a training log: what is the axis, or says nothing of the model."""


def all_plots(sources: Sequence[Source]) -> list[Plot]:
    """Return every plot that the runs have data for."""
    scores = [row for source in sources for row in _scores(source)]
    series = list(dict.fromkeys(row["series"] for row in scores))
    found = [(source, look_up_ranks(source)) for source in sources]
    makers = (
        _curves(scores, series), _heat(scores, series), _cost_plots(sources, scores, series),
        _quality(scores, series), quality_by_video(found, series), first_ranks(found, series),
        _training(sources),
    )  # fmt: skip
    return [plot for made in makers for plot in made]


def _scores(source: Source) -> Iterator[Row]:
    for row in source.scores:
        if math.isnan(row.value):
            continue
        retriever = row.retriever if isinstance(row.retriever, str) else ""
        yield {
            "series": source.labels[row.generator],
            # of several runs the generator carries the name, so that retrievers stay comparable
            "retriever": source.manifest.labels.get(retriever, retriever),
            "metric": row.metric,
            "value": _hundred(row.value),
            "low": _hundred(row.ci_low),
            "high": _hundred(row.ci_high),
            "n": int(row.n),
        }


def _hundred(value: float) -> float | None:
    return round(float(value) * 100, 4) if not math.isnan(value) else None


def _retrievers(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["retriever"] for row in rows if row["retriever"]))


def _curves(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    for number, retriever in enumerate(_retrievers(scores), start=1):
        for kind, name in METRIC_NAMES.items():
            rows = [
                {**row, "k": int(row["metric"].rpartition("@")[2])}
                for row in scores
                if row["retriever"] == retriever and row["metric"].startswith(f"{kind}@")
            ]
            title = f"{name}: {kind}@k with {retriever}"
            counts = " and ".join(f"{n:,}" for n in sorted({row["n"] for row in rows}))
            note = f"Mean over n = {counts} queries; thin bars are 95 % intervals."
            if rows:
                yield Plot(
                    f"curve-{kind.lower()}-{number}", "curves", title, note, plots.curve(title, rows, series)
                )


def _heat(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    rows = [row for row in scores if row["retriever"]]
    if rows:
        metrics = list(dict.fromkeys(row["metric"] for row in rows))
        title = "Generators and retrievers"
        spec = plots.heat(title, rows, metrics, (series, _retrievers(rows)))
        yield Plot("heat", "grid", title, "Score ×100; the darker, the higher.", spec)


def _cost_plots(sources: Sequence[Source], scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    """Yield R@10 over each kind of cost that was measured."""
    found = {(row["series"], row["retriever"]): row["value"] for row in scores if row["metric"] == "R@10"}
    rows = [
        row
        for kind in COSTS
        for row in mark_pareto_front([r for s in sources for r in _cost_rows(s, kind, found)])
    ]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    if kinds:
        title = "Quality vs. cost"
        note = "Up and to the left is better; the dashed line is the Pareto front."
        yield Plot("cost", "cost", title, note, plots.cost(title, rows, kinds, series))


def _cost_rows(source: Source, kind: str, scores: Mapping[tuple[str, str], float]) -> Iterator[Row]:
    costs = {
        (row.generator, row.retriever): row
        for row in source.result.costs.astype({"retriever": object}).fillna({"retriever": ""}).itertuples()
    }
    for generator, retriever in source.cells:
        of_generator, of_cell = costs.get((generator, "")), costs.get((generator, retriever))
        shown = source.labels[generator], source.manifest.labels.get(retriever, retriever)
        if of_generator is None or of_cell is None or shown not in scores:
            continue
        amount = float(COSTS[kind](of_generator, of_cell))
        if amount > 0 and math.isfinite(amount):
            yield {
                "kind": kind, "series": shown[0], "retriever": shown[1], "x": amount, "value": scores[shown]
            }  # fmt: skip


def mark_pareto_front(rows: list[Row]) -> list[Row]:
    """Mark the rows that no cheaper or equally cheap one reaches."""
    best = -math.inf
    for row in sorted(rows, key=lambda row: (row["x"], -row["value"])):
        row["front"] = row["value"] > best
        best = max(best, row["value"])
    return rows


def _quality(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    written = {row["series"]: row for row in scores if row["metric"] == "CIDEr"}
    rows = [
        {**row, "x": of["value"], "x_low": of["low"], "x_high": of["high"]}
        for row in scores
        if row["metric"] == "R@10" and (of := written.get(row["series"]))
    ]
    if len(written) > 1 and rows:
        title = "Does caption quality predict findability? By system"
        note = "If it did, the points would rise from left to right."
        yield Plot("quality-systems", "quality", title, note, plots.quality(title, rows, series))


def _training(sources: Sequence[Source]) -> Iterator[Plot]:
    fitted = [(source, generator) for source in sources for generator in source.generators]
    for number, (source, generator) in enumerate(fitted, start=1):
        logged = [row for line in source.read_lines("training", generator) for row in _logged(line)]
        for kind, of_loss in (("losses", True), ("validation", False)):
            rows = [row for row in logged if ("loss" in row["series"]) == of_loss]
            if rows:
                title = f"Training of {source.labels[generator]}: {kind}"
                note = f"{len({row['step'] for row in rows}):,} logged steps."
                spec = plots.training(title, _thinned(rows))
                yield Plot(f"training-{number}-{kind}", "training", title, note, spec)


def _logged(line: Row) -> Iterator[Row]:
    if "step" not in line:  # a fact about the whole training, such as the share of rejected queries
        return
    if line.get("val_loss") is not None and line.get("eval_score") == -line["val_loss"]:
        line = {name: value for name, value in line.items() if name != "eval_score"}  # the same twice
    for name, value in line.items():
        if name not in UNSHOWN and isinstance(value, (int, float)) and math.isfinite(value):
            yield {"step": line["step"], "series": name, "value": value}


def _thinned(rows: list[Row], most: int = 2000) -> list[Row]:
    step = len(rows) // most + 1
    steps = set(list(dict.fromkeys(row["step"] for row in rows))[::step])
    return [row for row in rows if row["step"] in steps]
