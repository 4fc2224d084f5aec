"""The answer of a run as data (summary.json): rankings by retriever and metric with their tests, cautions."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from bench.errors import DataError
from bench.metrics.significance import ALPHA
from bench.output.manifest import AGAIN, Manifest

__cache_neutral__ = True

METRIC = "R@10"
"""The metric by which systems are ranked, where no other is named."""
Subject: TypeAlias = Literal["failed", "synthetic", "duplicates", "ties", "modality", "retrievers", "seed"]
_MEASURED = ("machine", "seconds")
"""Facts that differ between machines: they are in the manifest, and not in summary.json."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A score less that of the first row of its board, with the paired test of the two.

    ``p`` is Holm-corrected over all pairs of rows of the board. A missing bound is None.
    """

    value: float
    low: float | None
    high: float | None
    p: float

    @property
    def is_significant(self) -> bool:
        """Check whether the corrected p is below 0.05 (`ALPHA`)."""
        return self.p < ALPHA


@dataclass(frozen=True, slots=True)
class Row:
    """A generator on a board: its score with the 95 % interval, and how it compares with the first row.

    Rows of a board that share one of their ``letters`` are not significantly different. ``against_first`` is
    None for the first row itself, and where nothing could be tested.
    """

    generator: str
    label: str
    is_reference: bool
    value: float
    low: float | None
    high: float | None
    letters: str
    against_first: Difference | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The generators under one retriever in one metric: ranked systems from the highest, then references.

    ``mde`` is the difference between the first two that the test detects with 80 % power, None if unknown.
    """

    retriever: str
    label: str
    metric: str
    rows: Sequence[Row]
    mde: float | None = None

    @property
    def ranked(self) -> Sequence[Row]:
        """Select the rows that compete, from the highest score; references are left out."""
        return [row for row in self.rows if not row.is_reference]

    @property
    def references(self) -> Sequence[Row]:
        """Select the reference systems, which are shown but not ranked, in the order of the run."""
        return [row for row in self.rows if row.is_reference]

    @property
    def first(self) -> Row | None:
        """Pick the ranked row with the highest score, of equal ones the first of the run; None if none."""
        return next(iter(self.ranked), None)

    @property
    def rivals(self) -> Sequence[Row]:
        """Select the ranked rows below the first that are not significantly different from it."""
        return [row for row in self.ranked if row.against_first and not row.against_first.is_significant]

    @property
    def leaders(self) -> frozenset[str]:
        """Collect the generators to print bold: the first, and those below it down to one that differs.

        Empty where all ranked rows would be bold.
        """
        names: list[str] = []
        for row in self.ranked:
            if row.against_first and row.against_first.is_significant:
                return frozenset(names)
            names.append(row.generator)
        return frozenset()


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that changes how the scores are to be read.

    ``values`` holds the generators that it is about, each with its share of duplicates, its points that ties
    decide (a fraction), or its gap in nats.
    """

    about: Subject
    text: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run was made on. ``seconds`` is the sum of what its cells and trainings took."""

    data: str
    synthetic: bool
    queries: int
    videos: int
    seeds: Sequence[int]
    preset: str
    machine: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The answer of a run: a board for each retriever and metric, the facts, and the cautions.

    ``str(summary)`` and `bench.summary.sentences` put it into words.
    """

    metric: str
    facts: Facts
    boards: Sequence[Board]
    cautions: Sequence[Caution] = ()

    def board(self, retriever: str, metric: str | None = None) -> Board | None:
        """Look up the board of a retriever ("" for generation metrics), by default in the ranking metric."""
        wanted = (retriever, metric or self.metric)
        return next((board for board in self.boards if (board.retriever, board.metric) == wanted), None)

    @property
    def main_boards(self) -> Sequence[Board]:
        """Select the boards in the metric by which systems are ranked, one for each retriever."""
        return [board for board in self.boards if board.metric == self.metric and board.retriever]

    @property
    def leaders(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Collect the generators that tables print bold, by retriever and metric."""
        return {(board.retriever, board.metric): board.leaders for board in self.boards}

    def to_json(self) -> str:
        """Serialise to the text of summary.json, the same bytes for the same scores on any machine."""
        document = dataclasses.asdict(self)
        for name in _MEASURED:
            document["facts"].pop(name, None)
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def __str__(self) -> str:
        from bench.summary.sentences import to_text

        return to_text(self)


def read_summary(path: Path, manifest: Manifest) -> RunSummary:
    """Read a summary.json; machine and time come from the manifest. Raises DataError for other content."""
    from pydantic import ValidationError

    try:
        summary = cast(RunSummary, _adapter().validate_json(path.read_bytes()))
    except (ValidationError, RecursionError) as error:
        raise DataError(f"{path}: its content is not what a bench command writes. {AGAIN}") from error
    machine, seconds = machine_line(manifest), total_seconds(manifest)
    facts = dataclasses.replace(summary.facts, machine=machine, seconds=seconds)
    return dataclasses.replace(summary, facts=facts)


def machine_line(manifest: Manifest) -> str:
    """Format the CPU cores of a run's machine, such as ``2 CPU cores``; empty if they were not recorded."""
    cores = manifest.machine.get("cores")
    return f"{cores} CPU core{'' if cores == 1 else 's'}" if cores else ""


def total_seconds(manifest: Manifest) -> float:
    """Sum the seconds of all cells and trainings; a training that several cells share counts once."""
    trainings = {(name.rpartition(".")[2], cost.fit_s) for name, cost in manifest.cells.items() if cost.fit_s}
    return sum(cost.seconds for cost in manifest.cells.values()) + sum(s for _, s in trainings if s)


def finite(value: float) -> float | None:
    """Replace NaN and infinity, which JSON cannot hold, by None."""
    return value if math.isfinite(value) else None


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(RunSummary)
