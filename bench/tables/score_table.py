"""A table of scores: blocks of rows, the best group, significance, improvement, references."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.metrics.significance import ALPHA
from bench.output.manifest import Manifest
from bench.output.schema import HEADLINE, SD, headline, with_text
from bench.tables.table import BEST, PLAIN, Cell, Rows

if TYPE_CHECKING:
    import pandas as pd

IMPROVEMENT = "Improvement %"
ScoreKey: TypeAlias = tuple[str, str, str]
"""Generator, retriever (empty for generation metrics), metric."""
_BOLD = (
    "Bold: the highest score of a block and those below it down to the first that is significantly different "
    "(all pairs, Holm-corrected); none where all ranked rows would be."
)
Leaders: TypeAlias = Mapping[tuple[str, str], Collection[str]]
"""The generators to print bold, by retriever (empty for generation metrics) and metric."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Lay out the scores of one table; everything is read from a run's files.

    ``columns`` maps headers to metrics. ``apart`` names the references: they follow the others
    and are not ranked. ``contests`` are the table's rows of significance.csv by
    retriever and metric, None while the run is unfinished.
    """

    name: str
    columns: Mapping[str, str]
    scores: Mapping[ScoreKey, Any]
    spread: Mapping[ScoreKey, float]
    contests: Mapping[tuple[str, str], Any] | None
    labels: Mapping[str, str]
    apart: Sequence[str]
    intervals: bool
    leaders: Leaders | None
    beside: Mapping[str, Mapping[str, str]]
    """Columns after the scores, in which no row is best: header to generator to what is printed."""

    @classmethod
    def of(
        cls,
        name: str,
        columns: Mapping[str, str],
        frames: tuple[pd.DataFrame, pd.DataFrame | None],
        manifest: Manifest,
        *,
        intervals: bool = False,
        leaders: Leaders | None = None,
        beside: Mapping[str, Mapping[str, str]] | None = None,
    ) -> ScoreTable:
        """Build from ``frames``, scores.csv and significance.csv, and the manifest."""
        scores, significance = frames
        deviations = scores[scores["seed"].astype(str) == SD]
        contests = None
        if significance is not None:
            competing = significance[significance["table"] == name]
            rows: list[Any] = list(with_text(competing).itertuples())
            contests = {(str(row.retriever), str(row.metric)): row for row in rows}
        return cls(
            name,
            columns,
            {key: row for key, row in _by_key(headline(scores)) if bool(key[1]) == (name == "retrieval")},
            {key: row.value for key, row in _by_key(deviations)},
            contests,
            manifest.labels,
            manifest.references,
            intervals,
            leaders,
            beside or {},
        )

    def rows(self) -> Rows:
        """Lay out label and number cells: of each block the competing rows, their gain, the references."""
        rows: Rows = []
        for retriever in dict.fromkeys(retriever for _, retriever, _ in self.scores):
            names = list(dict.fromkeys(g for g, r, _ in self.scores if r == retriever))
            competing = [name for name in names if name not in self.apart]
            for name in competing:
                cells = [self._cell((name, retriever, metric)) for metric in self.columns.values()]
                rows.append((self._names(retriever, self._label(name)), [*cells, *self._beside(name)]))
            if len(competing) > 1 and self.contests:
                gains = [Cell(self._gain(retriever, metric)) for metric in self.columns.values()]
                rows.append((self._names(retriever, IMPROVEMENT), [*gains, *self._beside(None)]))
            for name in (name for name in names if name in self.apart):
                cells = [self._cell((name, retriever, metric)) for metric in self.columns.values()]
                rows.append((self._names(retriever, self._label(name)), [*cells, *self._beside(name)]))
        return rows

    def notes(self) -> list[str]:
        """Write the lines on references and significance that follow the table."""
        shown = [self._label(name) for name in self._shown_references()]
        bold = any(cell.rank == BEST for _, cells in self.rows() for cell in cells)
        return [*_reference_note(shown), *self._tests(), *([_BOLD] if bold else [])]

    def _shown_references(self) -> list[str]:
        generators = {generator for generator, _, _ in self.scores}
        return [name for name in self.apart if name in generators]

    def _tests(self) -> list[str]:
        if self.contests is None:
            return ["Significance: not computed yet; the run is unfinished."]
        if not self.contests:
            return [self._not_tested()]
        whole = "" if {metric for _, metric in self.contests} <= self._metrics else "whole "
        columns = "1 column" if len(self.contests) == 1 else f"{len(self.contests)} columns"
        first = next(iter(self.contests.values()))
        what = "videos" if self.name == "generation" else "distinct queries"
        test = (
            f"paired randomisation over {first.n} {what}"
            if first.seeds == 1
            else f"t over {first.n} {what} and {first.seeds} seeds, crossed"
        )
        return [
            f"Significance: * p < {ALPHA} for the highest score against the second highest, {test}, "
            f"Holm-corrected over the {whole}table's {columns}.",
            *self._detectable(),
        ]

    def _not_tested(self) -> str:
        ranked = dict.fromkeys(g for g, _, _ in self.scores if g not in self.apart)
        if not ranked:
            return "Not tested: no ranked system."
        hint = "".join(
            f" Compare with a reference: `bench compare OUT --baseline {name}`"
            for name in self._shown_references()[:1]
        )
        return f"Not tested: only one ranked system ({self._label(next(iter(ranked)))}).{hint}"

    @property
    def _metrics(self) -> frozenset[str]:
        return frozenset(self.columns.values())

    def _detectable(self) -> Iterator[str]:
        metric = self._headline()
        for (retriever, of), row in (self.contests or {}).items():
            if of == metric and math.isfinite(row.mde):
                block = f", {self._label(retriever)}" if retriever else ""
                verdict = "Significant" if row.p_holm < ALPHA else "Not significant"
                columns = len(self.contests or {})
                corrected = f"after correction for {columns} columns " if columns > 1 else ""
                finds = f"detects a difference of about {row.mde * 100:.2f} with 80 % power"
                if self.name == "retrieval" and row.mde > 1:  # of shares of queries or of documents
                    finds = "detects no difference that is possible with 80 % power: the queries are too few"
                yield (
                    f"{verdict}. Best vs. second, {metric}{block}: "
                    f"{row.difference * 100:+.2f} ({self._label(row.best)} vs. {self._label(row.baseline)}); "
                    f"{corrected}this test {finds}."
                )

    def _headline(self) -> str | None:
        """Name the metric whose test is described: a printed one, the usual one where it is among them."""
        tested = {metric: None for _, metric in self.contests or {} if metric in self._metrics}
        return HEADLINE[self.name] if HEADLINE[self.name] in tested else next(iter(tested), None)

    def _cell(self, key: ScoreKey) -> Cell:
        row = self.scores.get(key)
        if row is None or math.isnan(row.value):
            return Cell("")
        text = f"{row.value * 100:.2f}"
        if key in self.spread and not math.isnan(self.spread[key]):
            text += f" ± {self.spread[key] * 100:.2f}"
        if self.intervals and not math.isnan(row.ci_low):
            text += f" [{row.ci_low * 100:.2f}, {row.ci_high * 100:.2f}]"
        return Cell(text, self._rank(key), self._significant(key))

    def _beside(self, name: str | None) -> list[Cell]:
        return [Cell(column.get(name or "", "")) for column in self.beside.values()]

    def _significant(self, key: ScoreKey) -> bool:
        row = (self.contests or {}).get((key[1], key[2]))
        return bool(row is not None and row.best == key[0] and row.p_holm < ALPHA)

    def _rank(self, key: ScoreKey) -> str:
        generator, retriever, metric = key
        return BEST if generator in (self.leaders or {}).get((retriever, metric), ()) else PLAIN

    def _gain(self, retriever: str, metric: str) -> str:
        """Compute the relative improvement of the best over the strongest other row, in percent."""
        row = (self.contests or {}).get((retriever, metric))
        if row is None:
            return ""
        best, baseline = (self.scores[name, retriever, metric].value for name in (row.best, row.baseline))
        # relative to what prints as 0.00, a gain says nothing
        return f"{(best / baseline - 1) * 100:.2f}" if baseline * 100 >= 0.005 else ""

    def _names(self, retriever: str, last: str) -> list[str]:
        return [self._label(retriever), last] if self.name == "retrieval" else [last]

    def _label(self, name: str) -> str:
        return self.labels.get(name, name)


def _by_key(scores: pd.DataFrame) -> list[tuple[ScoreKey, Any]]:
    rows = with_text(scores).itertuples()
    return [((str(row.generator), str(row.retriever), str(row.metric)), row) for row in rows]


def _reference_note(labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    if len(labels) == 1:
        return [f"{labels[0]} is a reference point: it is shown but not ranked."]
    names = f"{', '.join(labels[:-1])} and {labels[-1]}"
    return [f"{names} are reference points: they are shown but not ranked."]
