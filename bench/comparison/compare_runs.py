"""Compare generators, or retrievers, of one or two finished runs: differences, intervals, groups, wins."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.comparison.attributes import QueryAttributes
from bench.comparison.paired import Comparison, compare, p_value
from bench.comparison.runs import GENERATOR, RETRIEVER, Runs, System, difference_in_evaluation
from bench.errors import UsageError, counted, unknown
from bench.metrics.significance import ALPHA, DRAWS, groups_by_tests, holm, letters
from bench.output.manifest import signature_line
from bench.result import Result
from bench.tables.table import Cell, Rows, Table

METRICS = ("R@10", "CIDEr")
"""What is compared by default, where it was measured: one metric of ranks and one of texts, as metrics that
say nearly the same would only cost Holm's correction power. Without either of them, all."""
LEAST_P = 1 / (DRAWS + 1) + 1e-12
"""The smallest p of a test by drawing: no draw reached the difference, so the true p may be less."""
COLUMNS = [
    "score",
    "difference",
    "95 % low",
    "95 % high",
    "p (Holm)",
    "group",
    "wins",
    "ties",
    "losses",
    "MDE",
]
OPTIONAL = ("MDE", "losses", "ties", "wins", "95 % low", "95 % high")
"""Columns to leave out, one by one, where a terminal is too narrow."""
_HEADS = {GENERATOR: ("Retriever", "Model"), RETRIEVER: ("Model", "Retriever")}


def compare_runs(
    outs: Sequence[Path],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = METRICS,
    by: str = GENERATOR,
) -> Table:
    """Compare every generator, retriever and metric with a baseline: a row each, with paired tests.

    ``by`` is what is compared: generators under each retriever, or retrievers for each generator; or an
    attribute of the queries, in each of whose slices generators are compared. The baseline is the named row;
    else, of two runs, the row of the same name in the first; else the best row that is no reference. All
    comparisons printed are one family for Holm's correction. Raises UsageError for an unknown baseline,
    metric or attribute and for runs that cannot be compared.
    """
    results = [Result.read(out) for out in outs]
    runs = Runs(results, by if by == RETRIEVER else GENERATOR)
    _refuse_different(runs)
    parts = {"": runs} if by in _HEADS else _slices(runs, by)
    runs = next(iter(parts.values()))
    selected = _metrics(runs, metrics)
    if baseline is not None:
        _check_baseline(runs, baseline)
    if by == RETRIEVER and max(map(len, runs.cells.values()), default=0) < 2:
        raise UsageError(f"{outs[0]} holds one retriever: there is none to compare it with. Run it with two.")
    blocks = _blocks(parts, [cell for cell in runs.cells if cell[1] in selected], baseline)
    corrected = iter(holm([c.test.p_value for block in blocks for c in block.against.values()]).tolist())
    rows: Rows = []
    for block in blocks:
        rows.extend(block.rows(runs, {system: next(corrected) for system in block.against}))
    labels = [_HEADS[runs.by][0], "Metric", *([] if by in _HEADS else [by]), _HEADS[runs.by][1], "Against"]
    return Table(
        "compare", f"Comparison on {runs.results[0].manifest.dataset.title}, ×100",
        labels, COLUMNS, rows, list(_notes(runs, blocks, baseline)),
    )  # fmt: skip


def _slices(runs: Runs, attribute: str) -> dict[str, Runs]:
    """Divide the runs by an attribute of their queries; a slice's name says how many distinct ones it has."""
    slices = QueryAttributes(runs.items[0]).slices(attribute)
    return {
        f"{name} (n = {len(queries)})": Runs(runs.results, runs.by, frozenset(queries))
        for name, queries in slices.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The comparisons of one metric among the systems that share a retriever (or a generator)."""

    shared: str
    metric: str
    systems: Sequence[System]
    baselines: Mapping[System, System]
    against: Mapping[System, Comparison]
    scores: Mapping[System, float]
    letters: Mapping[System, str]
    part: str = ""
    """The slice of queries; empty for all."""

    def rows(self, runs: Runs, corrected: Mapping[System, float]) -> Rows:
        """Lay the comparison out, a row per system; a system compared with itself has no difference."""
        return [
            (
                [
                    runs.label(self.shared),
                    self.metric,
                    *([self.part] if self.part else []),
                    system.shown,
                    self._baseline(system),
                ],
                self._cells(system, corrected.get(system, math.nan)),
            )
            for system in self.systems
        ]

    def _baseline(self, system: System) -> str:
        return self.baselines[system].shown if system in self.baselines else ""

    def _cells(self, system: System, p: float) -> list[Cell]:
        comparison = self.against.get(system)
        group = Cell(self.letters[system])
        if comparison is None:
            empty = Cell("")
            return [_times_100(self.scores[system]), *[empty] * 4, group, *[empty] * 4]
        counts = [
            Cell(str(count)) for count in (comparison.test.wins, comparison.test.ties, comparison.test.losses)
        ]
        return [
            _times_100(self.scores[system]),
            Cell(f"{comparison.test.difference * 100:+.2f}", star=p < ALPHA),
            _times_100(comparison.interval.low),
            _times_100(comparison.interval.high),
            Cell(f"{p:.4f}" if p >= 0.00005 else "< 0.0001", value=p),
            group,
            *counts,
            _times_100(comparison.mde),
        ]


def _blocks(parts: Mapping[str, Runs], cells: Sequence[tuple[str, str]], baseline: str | None) -> list[Block]:
    """Compare the systems of each cell in each slice; all comparisons are one family."""
    pairs = {(part, cell): _pairs(parts[part], cell, baseline) for cell in cells for part in parts}
    family = sum(map(len, pairs.values()))
    return [_block(parts[part], cell, against, family, part) for (part, cell), against in pairs.items()]


def _pairs(runs: Runs, cell: tuple[str, str], baseline: str | None) -> dict[System, System]:
    """Pair each system of a block with its baseline; a system that is its own baseline is left out."""
    scores = {system: runs.scores(system).score(cell[1]) for system in runs.cells[cell]}
    others = {system: _baseline_of(runs, system, scores, baseline) for system in scores}
    return {system: other for system, other in others.items() if other is not None and other != system}


def _block(
    runs: Runs, cell: tuple[str, str], compared: Mapping[System, System], family: int, part: str
) -> Block:
    shared, metric = cell
    systems = runs.cells[cell]
    items = {system: runs.scores(system) for system in systems}
    scores = {system: of_items.score(metric) for system, of_items in items.items()}
    against = {
        system: compare(items[system], items[other], metric, family=family)
        for system, other in compared.items()
    }
    pairs = [p_value(items[a], items[b], metric) for a, b in combinations(systems, 2)]
    groups = groups_by_tests(np.array([scores[system] for system in systems]), pairs)
    named = dict(zip(systems, letters(groups, len(systems)), strict=True))
    return Block(shared, metric, systems, compared, against, scores, named, part)


def _baseline_of(
    runs: Runs, system: System, scores: Mapping[System, float], baseline: str | None
) -> System | None:
    if baseline is not None:
        named = [other for other in scores if runs.matches_name(other, baseline)]
        return named[0] if named else None
    if len(runs.results) > 1:
        same = [other for other in scores if (other.run, other.name) == (0, system.name)]
        return same[0] if same else None
    ranked = [other for other in scores if not runs.is_reference(other)] or list(scores)
    return max(ranked, key=scores.__getitem__)  # of equal ones the first


def _check_baseline(runs: Runs, baseline: str) -> None:
    systems = dict.fromkeys(system for rows in runs.cells.values() for system in rows)
    if not any(runs.matches_name(system, baseline) for system in systems):
        names = [name for s in systems for name in (s.name, runs.label(s.name), s.shown)]
        raise unknown("baseline", baseline, dict.fromkeys(names))


def _metrics(runs: Runs, wanted: Sequence[str]) -> set[str]:
    known = dict.fromkeys(metric for _, metric in runs.cells)
    selected: set[str] = set()
    for word in wanted:
        matched = fnmatch.filter(known, word)
        if not matched and wanted is not METRICS:
            raise unknown("metric", word, known)
        selected.update(matched)
    return selected or set(known)


def _refuse_different(runs: Runs) -> None:
    """Raise UsageError for runs over other data, queries or pools."""
    if len(runs.results) == 1:
        return
    if wrong := difference_in_evaluation(*(items.first[1] for items in runs.items)):
        raise UsageError(
            f"{runs.results[0].out} and {runs.results[1].out} cannot be compared: they differ in {wrong}. "
            "Paired tests need the same queries over the same pool; "
            "repeat one run with the data, split, protocol and query seed of the other."
        )


def _notes(runs: Runs, blocks: Sequence[Block], baseline: str | None) -> Iterator[str]:
    two = len(runs.results) > 1
    against = (
        "--baseline"
        if baseline
        else (
            "the row of the same name in the first run" if two else "the highest score of the ranked systems"
        )
    )
    family = sum(len(block.against) for block in blocks)
    yield _about_differences(runs, against, family)
    least = family / (DRAWS + 1)
    drawn = [c.test.p_value for block in blocks for c in block.against.values() if c.seeds == 1]
    if least < ALPHA and any(p <= LEAST_P for p in drawn):
        yield (
            f"p = {least:.4f} is the least that {DRAWS:,} draws give after correction: "
            "the true p may be less."
        )
    if two and baseline is None:
        compared = {(s.run, s.name) for block in blocks for s in block.against}
        rest = (s for block in blocks for s in block.systems if s.run and (s.run, s.name) not in compared)
        alone = dict.fromkeys(s.shown for s in rest)
        if alone:
            yield f"Only in the second run, compared with nothing: {', '.join(alone)}."
    for result, folder in zip(runs.results, runs.folders, strict=True):
        of = f" of {folder}" if two else ""
        yield f"Signature{of}: {signature_line(result.manifest.signature)}"


def _about_differences(runs: Runs, against: str, family: int) -> str:
    if not family:
        return "There is nothing to compare: no block has two systems."
    comparisons = counted(family, "comparison")
    return (
        f"Differences: each row minus the one it is against ({against}), with 95 % intervals; "
        f"* p < {ALPHA}, paired over distinct queries (videos for generation metrics), Holm-corrected over "
        f"{comparisons}. Rows of one {_HEADS[runs.by][0].lower()} and metric that share a letter are "
        "not significantly different (all pairs, Holm-corrected). "
        f"MDE: the difference that is significant with 80 % power after correction for {comparisons}."
    )


def _times_100(value: float) -> Cell:
    return Cell(f"{value * 100:.2f}" if math.isfinite(value) else "")
