"""Make the summary of a run from its files: rank, test every pair of rows, and collect warnings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from bench.comparison.paired import compare, p_value
from bench.metrics.definitions import BLEU
from bench.metrics.intervals import Interval, mean_intervals
from bench.metrics.significance import groups_by_tests, holm, letters
from bench.output.checked import checked, reading
from bench.output.per_item import RunItems
from bench.output.schema import (
    GENERATION,
    INPUT_WORDS,
    MODALITY,
    from_csv,
    hardly_read,
    retrieval_metrics,
    with_text,
)
from bench.result import Result
from bench.summary.run_summary import (
    METRIC,
    Board,
    Caution,
    Difference,
    Facts,
    Row,
    RunSummary,
    finite,
    machine_line,
    total_seconds,
)

DUPLICATES = 0.25
"""Share of videos with a summary that another video has, too, from which the summary of a run warns."""
TIE_SPREAD = 0.01
"""Difference between best and worst order of tied documents from which a score depends on their order."""


def summarize_run(result: Result) -> RunSummary:
    """Rank and test the systems of a run in each metric, and collect warnings, from its files alone.

    Raises DataError when files are missing or were changed.
    """
    items = RunItems(result.out, result.manifest)
    computed = retrieval_metrics(result.headline)
    metric = METRIC if METRIC in computed else computed[0]
    rows = with_text(result.headline.dropna(subset=["value"]))
    retrievers = sorted(dict.fromkeys(rows["retriever"]), key=lambda name: not name)  # generation comes last
    boards = []
    for retriever in retrievers:
        block = _Block(result, items, retriever, rows[rows["retriever"] == retriever], metric)
        boards += [block.board(name) for name in block.metrics]
    return RunSummary(metric, _facts(result), boards, list(_cautions(result, rows, metric)))


class _Block:
    """The rows of one retriever, or the generation metrics: what its boards share is computed once."""

    def __init__(self, result: Result, items: RunItems, retriever: str, rows: Any, main: str) -> None:
        self._result, self._retriever, self._main = result, retriever, main
        self._scores: dict[str, list[Any]] = {}
        for row in rows.itertuples():
            self._scores.setdefault(row.metric, []).append(row)
        self._cells = {name: items.cell(name, retriever) for name in dict.fromkeys(rows["generator"])}
        self._p_values: dict[bytes, float] = {}
        known = retrieval_metrics(result.headline) if retriever else GENERATION.values()
        self.metrics = [name for name in known if name in self._scores]
        self._ordered = {name: self._order(name) for name in self.metrics}
        self._intervals = self._intervals_of_differences()

    def board(self, metric: str) -> Board:
        """Rank the systems in a metric, each with its letters and its test against the first row."""
        labels, references = self._result.manifest.labels, self._result.manifest.references
        scores = self._ordered[metric]
        pairs, named = self._tests(metric)
        rows = [
            Row(
                row.generator, labels.get(row.generator, row.generator), row.generator in references,
                row.value, finite(row.ci_low), finite(row.ci_high), named[i],
                self._against_first(metric, i, pairs),
            )
            for i, row in enumerate(scores)
        ]  # fmt: skip
        label = labels.get(self._retriever, self._retriever)
        return Board(self._retriever, label, metric, rows, _mde(self._result, self._retriever, metric))

    def _order(self, metric: str) -> list[Any]:
        """Sort the ranked rows from the highest, of equal ones in the run's order; references follow."""
        references = self._result.manifest.references
        rows = sorted(self._scores[metric], key=lambda row: -row.value)
        ranked = [row for row in rows if row.generator not in references]
        return ranked + [row for row in self._scores[metric] if row.generator in references]

    def _tests(self, metric: str) -> tuple[Mapping[tuple[int, int], float], Sequence[str]]:
        """Test all pairs of rows: the corrected p of each pair, and the letters of each row."""
        rows = self._ordered[metric]
        pairs = list(combinations(range(len(rows)), 2))
        tested = [self._p_value(rows[a].generator, rows[b].generator, metric) for a, b in pairs]
        groups = groups_by_tests(np.array([row.value for row in rows]), tested)
        corrected = dict(zip(pairs, holm(tested).tolist(), strict=True))
        return corrected, letters(groups, len(rows)) if pairs else [""] * len(rows)

    def _p_value(self, ours: str, theirs: str, metric: str) -> float:
        """Compute the p of a pair; cached, as a constant factor does not change it (P@10 and R@10)."""
        a, b = self._cells[ours], self._cells[theirs]
        if a.seeds > 1 or b.seeds > 1 or metric in BLEU or a.ids != b.ids:
            return p_value(a, b, metric)
        differences = a.values[metric][0] - b.values[metric][0]
        largest = np.abs(differences).max(initial=0.0)
        key = (differences / (largest or 1.0)).round(9).tobytes()
        if key not in self._p_values:
            self._p_values[key] = p_value(a, b, metric)
        return self._p_values[key]

    def _against_first(
        self, metric: str, place: int, pairs: Mapping[tuple[int, int], float]
    ) -> Difference | None:
        rows = self._ordered[metric]
        if place == 0 or rows[0].generator in self._result.manifest.references:
            return None
        name, first = rows[place].generator, rows[0].generator
        value = self._cells[name].score(metric) - self._cells[first].score(metric)
        low, high = self._intervals.get((metric, name), (math.nan, math.nan))
        return Difference(value, finite(low), finite(high), pairs[0, place])

    def _intervals_of_differences(self) -> Mapping[tuple[str, str], Interval]:
        """Compute the 95 % interval of each row less the first, by metric and generator, from the same draws.

        Of several seeds, whose intervals take a bootstrap each, those of the ranking metric alone.
        """
        pairs = [
            (metric, row.generator, self._ordered[metric][0].generator)
            for metric in self.metrics
            for row in self._ordered[metric][1:]
        ]
        cells = self._cells
        if any(cell.seeds > 1 for cell in cells.values()):
            return {
                (metric, name): compare(cells[name], cells[first], metric).interval
                for metric, name, first in pairs
                if metric == self._main
            }
        columns = {
            (metric, name): cells[name].values[metric][0] - cells[first].values[metric][0]
            for metric, name, first in pairs
        }
        weights = next(iter(cells.values())).weights
        return mean_intervals(columns, weights=weights) if columns else {}


def _mde(result: Result, retriever: str, metric: str) -> float | None:
    """Look up the detectable difference of the first two ranked rows in significance.csv."""
    if result.significance is None:
        return None
    tests = with_text(result.significance)
    values = tests[(tests["retriever"] == retriever) & (tests["metric"] == metric)]["mde"].tolist()
    return finite(values[0]) if values else None


def _facts(result: Result) -> Facts:
    manifest = result.manifest
    return Facts(
        data=manifest.dataset.name,
        synthetic=manifest.dataset.synthetic,
        queries=manifest.evaluation.queries,
        videos=manifest.evaluation.pool,
        seeds=list(manifest.settings["seed"]),
        preset=str(manifest.signature.get("preset", "")),
        machine=machine_line(manifest),
        seconds=total_seconds(manifest),
    )


def _cautions(result: Result, rows: Any, metric: str) -> Iterator[Caution]:
    manifest = result.manifest
    if manifest.failed:
        yield Caution("failed", f"Failed: {', '.join(manifest.failed)}.")
    if manifest.dataset.synthetic:
        yield Caution(
            "synthetic", f"{manifest.dataset.name} is synthetic: scores say nothing about real videos."
        )
    yield from _duplicates(result)
    yield from _ties(result, rows, metric)
    yield from _unread_inputs(result)
    yield from _equal_retrievers(result, rows)
    if len(manifest.settings["seed"]) == 1 and _trained(result):
        yield Caution(
            "seed", "One seed: how much scores vary between trainings is unknown (try --seed 0,1,2)."
        )


def _duplicates(result: Result) -> Iterator[Caution]:
    manifest = result.manifest
    shares = {name: manifest.duplicate_share(name) for name in manifest.coverage}
    high = {name: share for name, share in shares.items() if share >= DUPLICATES}
    if high:
        shown = ", ".join(f"{_label(result, name)} {share:.0%}" for name, share in high.items())
        yield Caution("duplicates", f"Summaries that several videos share: {shown}.", high)


def _ties(result: Result, rows: Any, metric: str) -> Iterator[Caution]:
    widest: dict[str, float] = {}
    for row in rows[(rows["metric"] == metric) & (rows["retriever"] != "")].itertuples():
        widest[row.generator] = max(widest.get(row.generator, 0.0), row.tie_best - row.tie_worst)
    wide = {name: spread for name, spread in widest.items() if spread >= TIE_SPREAD}
    if wide:
        shown = ", ".join(f"{_label(result, name)} {spread * 100:.1f}" for name, spread in wide.items())
        yield Caution(
            "ties", f"Points of {metric} that the order of equal scores decides: up to {shown}.", wide
        )


def _unread_inputs(result: Result) -> Iterator[Caution]:
    """Name the rows whose loss hardly rises with another video's transcript, or frames."""
    if MODALITY not in result.manifest.files:
        return
    path = checked(result.out, result.manifest, MODALITY)
    with reading(path):
        gaps = from_csv(path).dropna(subset=["gap"])
        for modality, what in INPUT_WORDS.items():
            rows = gaps[(gaps["modality"] == modality) & hardly_read(gaps["ci_low"], gaps["gap"])]
            unread = dict(zip(rows["generator"], rows["gap"].astype(float), strict=True))
            if unread:
                shown = ", ".join(f"{_label(result, name)} ({gap:+.3f} nats)" for name, gap in unread.items())
                yield Caution(
                    "modality", f"Hardly read the {what} (loss with another video's): {shown}.", unread
                )


def _equal_retrievers(result: Result, rows: Any) -> Iterator[Caution]:
    """Name retrievers with the same scores in each cell, such as a fine-tuned one that did not change."""
    of_retriever: dict[str, list[tuple[str, str, float]]] = {}
    for row in rows[rows["retriever"] != ""].itertuples():
        of_retriever.setdefault(row.retriever, []).append((row.generator, row.metric, row.value))
    for one, other in combinations(of_retriever, 2):
        if of_retriever[one] == of_retriever[other]:
            labels = f"{_label(result, other)} has the same scores as {_label(result, one)}"
            yield Caution("retrievers", f"{labels} in every cell: both seem to return the same results.")


def _trained(result: Result) -> bool:
    """Check whether a generator is trained: one that only counts has no parameters and no training log."""
    costs = with_text(result.costs)
    fitted = costs[costs["retriever"].eq("") & costs["fit_s"].notna()]
    logged = fitted["generator"].map(lambda name: f"training/{name}.jsonl" in result.manifest.files)
    return bool((fitted["params"].notna() | logged.astype(bool)).any())


def _label(result: Result, name: str) -> str:
    return result.manifest.labels.get(name, name)
