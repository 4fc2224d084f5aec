"""What the plots show, computed from the files of one or several runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.metrics.definitions import RANKING_KINDS
from bench.report import plots
from bench.report.plots import Look, Plot, Row
from bench.report.rank_data import Ranked, first_ranks, quality_by_video
from bench.report.source import Source, times_100
from bench.report.systems import list_systems
from bench.summary.run_summary import METRIC, machine_line

COSTS: Mapping[str, Callable[[Any, Any], float]] = {
    "seconds per 1,000 summaries": lambda generator, cell: 1000 / generator.videos_per_s,
    "training seconds": lambda generator, cell: generator.fit_s,
    "parameters": lambda generator, cell: generator.params,
    "search, ms (median)": lambda generator, cell: cell.search_p50_ms,
    "index, bytes per video": lambda generator, cell: cell.index_bytes_per_doc,
}
"""Computes each cost from the rows of a generator and of a cell in costs.csv; NaN or 0 if not measured."""
UNSHOWN = (
    "step", "epoch", "learning_rate", "grad_norm", "eval_score_se",
    "eval_runtime", "eval_samples_per_second", "eval_steps_per_second",
)  # fmt: skip
"""Fields of a training log that are the axis, or that do not describe the model."""
POINTS = 2000
"""Rows of a training log from which on steps are left out."""
FEW_LINES = 6
"""Lines that a plot draws alike."""
HISTORY = 3
"""Runs from which on their scores are shown as a history."""


def all_plots(ranked: Sequence[Ranked]) -> list[Plot]:
    """Make every plot that the runs have data for; each run comes with the ranks of its relevant videos."""
    sources = [source for source, _ in ranked]
    look = {system.label: system.colour for system in list_systems(sources)}
    scores = [row for source in sources for row in _scores(source)]
    makers = (
        _history(sources, scores), _cost_plots(sources, scores, look), _curves(scores, look),
        first_ranks(ranked, look), _quality(scores, look),
        quality_by_video(ranked, look, main_systems(scores)), _modality(sources, look), _training(sources),
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
            "value": times_100(row.value),
            "low": times_100(row.ci_low),
            "high": times_100(row.ci_high),
            "n": int(row.n),
            "reference": row.generator in source.manifest.references,
            **({"run": source.name} if source.name else {}),
        }


def _retrievers(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["retriever"] for row in rows if row["retriever"]))


def main_systems(scores: Sequence[Row]) -> set[tuple[str, str]]:
    """Select what is drawn strong where lines are many: by retriever, references and the two with most R@10.

    Up to 6 systems all are.
    """
    of_metric = [row for row in scores if row["metric"] == METRIC]
    selected: set[tuple[str, str]] = set()
    for rows in _groups(of_metric, "retriever"):
        ranked = sorted((r for r in rows if not r["reference"]), key=lambda r: -r["value"])
        strong = ranked if len(rows) <= FEW_LINES else ranked[:2]
        selected |= {(r["series"], r["retriever"]) for r in [*strong, *(r for r in rows if r["reference"])]}
    return selected


def _pale_note(rows: Sequence[Row]) -> str:
    return (
        "Pale: all but the two best systems and the references. " if not all(r["major"] for r in rows) else ""
    )


def _curves(scores: Sequence[Row], look: Look) -> Iterator[Plot]:
    major = main_systems(scores)
    rows = [
        {**row, "kind": kind, "k": int(k), "major": (row["series"], row["retriever"]) in major}
        for row in scores
        if (kind := row["metric"].partition("@")[0]) in RANKING_KINDS
        for k in [row["metric"].partition("@")[2]]
    ]
    if rows:
        kinds = [kind for kind in RANKING_KINDS if any(row["kind"] == kind for row in rows)]
        counts = " and ".join(f"{n:,}" for n in sorted({row["n"] for row in rows}))
        note = (
            f"Mean over n = {counts} queries. {_pale_note(rows)}Select a system in the legend for its 95 % "
            "intervals."
        )
        title = "Score by cut-off k"
        spec = plots.curve(title, rows, look, {"kind": kinds, "retriever": _retrievers(rows)})
        yield Plot("curve", "depth", title, note, spec)


def _history(sources: Sequence[Source], scores: Sequence[Row]) -> Iterator[Plot]:
    """Yield R@10 of each system over the runs, in the order in which they were given."""
    if len(sources) < HISTORY:
        return
    at = {source.name: _name_with_commit(source) for source in sources}
    look = {s.label.removesuffix(f" · {s.run}"): s.colour for s in list_systems(sources)}
    rows = [
        {**row, "series": row["series"].removesuffix(f" · {row['run']}"), "at": at[row["run"]]}
        for row in scores
        if row["metric"] == METRIC
    ]
    if rows:
        title = "R@10 over runs"
        note = "Runs in the order in which they were given, with the commit that made each, where recorded."
        menus = {"at": list(at.values()), "retriever": _retrievers(rows)}
        yield Plot("history", "history", title, note, plots.history(title, rows, look, menus))


def _name_with_commit(source: Source) -> str:
    commit = str(source.result.manifest.code.get("commit") or "")
    return f"{source.name} ({commit[:7]})" if commit else source.name


def _cost_plots(sources: Sequence[Source], scores: Sequence[Row], look: Look) -> Iterator[Plot]:
    """Yield R@10 over each kind of cost that was measured."""
    known = {(row["series"], row["retriever"]): row for row in scores if row["metric"] == METRIC}
    rows = [row for kind in COSTS for source in sources for row in _cost_rows(source, kind, known)]
    rows = [row for group in _groups(rows, "kind", "retriever") for row in mark_pareto_front(group)]
    if rows:
        title = "Quality vs. cost"
        note = (
            "Higher and further left is better. The dashed line joins the systems that no cheaper one equals "
            f"(reference systems are left out of it). Measured on {_machines(sources)}."
        )
        kinds = [kind for kind in COSTS if any(row["kind"] == kind for row in rows)]
        spec = plots.cost(title, rows, look, {"kind": kinds, "retriever": _retrievers(rows)})
        yield Plot("cost", "cost", title, note, spec)


def _machines(sources: Sequence[Source]) -> str:
    lines = dict.fromkeys(machine_line(source.manifest) for source in sources)
    return ", ".join(filter(None, lines)) or "the machine of the run"


def _groups(rows: Sequence[Row], *names: str) -> list[list[Row]]:
    grouped: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(grouped.values())


def _cost_rows(source: Source, kind: str, scores: Mapping[tuple[str, str], Row]) -> Iterator[Row]:
    for generator, retriever in source.cells:
        of_generator, of_cell = source.costs.get((generator, "")), source.costs.get((generator, retriever))
        shown = source.labels[generator], source.manifest.labels.get(retriever, retriever)
        if of_generator is None or of_cell is None or shown not in scores:
            continue
        amount = float(COSTS[kind](of_generator, of_cell))
        if amount > 0 and math.isfinite(amount):
            score = scores[shown]
            yield {
                "kind": kind, "series": shown[0], "retriever": shown[1], "x": amount,
                "value": score["value"], "reference": score["reference"],
            }  # fmt: skip


def mark_pareto_front(rows: list[Row]) -> list[Row]:
    """Mark the ranked systems that no cheaper or equally cheap one reaches."""
    best = -math.inf
    for row in sorted(rows, key=lambda row: (row["x"], -row["value"])):
        row["front"] = row["value"] > best and not row["reference"]
        best = max(best, row["value"]) if row["front"] else best
    return rows


def _quality(scores: Sequence[Row], look: Look) -> Iterator[Plot]:
    written = {row["series"]: row for row in scores if row["metric"] == "CIDEr"}
    rows = [
        {**row, "x": of["value"], "x_low": of["low"], "x_high": of["high"]}
        for row in scores
        if row["metric"] == METRIC and (of := written.get(row["series"]))
    ]
    if len(written) > 1 and rows:
        title = "Does CIDEr predict findability? By system"
        note = "If it did, the points would rise from left to right. Bars are 95 % intervals."
        spec = plots.quality(title, rows, look, _retrievers(rows))
        yield Plot("quality-systems", "quality", title, note, spec)


def _modality(sources: Sequence[Source], look: Look) -> Iterator[Plot]:
    rows = [
        {
            "series": source.labels.get(row["generator"], row["generator"]), "modality": row["modality"],
            "value": row["gap"], "low": row["ci_low"], "high": row["ci_high"], "n": int(row["n"]),
        }
        for source in sources
        for row in source.modality
        if not math.isnan(row["gap"])
    ]  # fmt: skip
    if rows:
        title = "Which input does each system read?"
        note = "A gap near 0: the summary does not depend on this input. Bars are 95 % intervals over videos."
        inputs = list(dict.fromkeys(row["modality"] for row in rows))
        yield Plot("modality", "modality", title, note, plots.modality(title, rows, look, inputs))


def _training(sources: Sequence[Source]) -> Iterator[Plot]:
    fitted = [(source, generator) for source in sources for generator in source.generators]
    for number, (source, generator) in enumerate(fitted, start=1):
        logged = [row for line in source.read_lines("training", generator) for row in _logged(line)]
        for kind, of_loss in (("losses", True), ("validation", False)):
            rows = [row for row in logged if ("loss" in row["quantity"]) == of_loss]
            if rows:
                title = f"Training of {source.labels[generator]}: {kind}"
                note = f"{len({row['step'] for row in rows}):,} logged steps."
                spec = plots.training(title, _thinned(rows))
                yield Plot(f"training-{number}-{kind}", "training", title, note, spec)


def _logged(line: Row) -> Iterator[Row]:
    if "step" not in line:  # a fact about the training as such, for example the share of rejected queries
        return
    if line.get("val_loss") is not None and line.get("eval_score") == -line["val_loss"]:
        line = {name: value for name, value in line.items() if name != "eval_score"}  # the same twice
    for name, value in line.items():
        if name not in UNSHOWN and isinstance(value, (int, float)) and math.isfinite(value):
            yield {"step": line["step"], "quantity": name, "value": value}


def _thinned(rows: list[Row]) -> list[Row]:
    step = len(rows) // POINTS + 1
    steps = set(list(dict.fromkeys(row["step"] for row in rows))[::step])
    return [row for row in rows if row["step"] in steps]
