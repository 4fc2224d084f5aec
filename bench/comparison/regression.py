"""The regression gate: a committed table of scores that a run must meet, from above and from below."""

from __future__ import annotations

import csv
import fnmatch
import io
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bench.comparison.hit_ranks import Hits, hits_of, hits_text, moved_queries, read_hits
from bench.errors import DataError, MissingError, UsageError, shorten
from bench.options import plain_number
from bench.output.checked import checked
from bench.output.manifest import parse_signature
from bench.output.per_item import RunItems
from bench.output.schema import BASELINE_COLUMNS, guard, unguard, with_text
from bench.result import Result
from bench.store.digests import canonical, digest
from bench.store.files import read_lines, read_text, replaceable, write_text

SLACK = 1e-9
"""Added to every tolerance: sums of floats differ by less between machines."""
DATA = ("data", "split", "protocol", "n", "pool", "rel/query", "ties", "index", "tokens", "judgements")
"""Entries of a signature that say what was evaluated and how: over others, scores cannot be compared."""
_SHOWN = 5
_MOVES = "moves only by: bench check OUT --against FILE --update"

Key: TypeAlias = tuple[str, str, str]
"""Generator, retriever (empty for generation metrics), metric: the order of every key of a score."""


@dataclass(frozen=True, slots=True)
class BaselineScore:
    """One committed score, a fraction (CIDEr raw), and how far it may move."""

    value: float
    n: int
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A committed table, what it was measured on, and the ranks of each query's relevant videos."""

    signature: Mapping[str, str]
    evaluation: str
    cells: Mapping[Key, BaselineScore]
    hits: Hits = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """A score that differs from the committed one; None where only one side has it."""

    key: Key
    before: BaselineScore | None
    after: BaselineScore | None

    def to_text(self) -> str:
        """Describe the difference in a line for the terminal."""
        generator, retriever, metric = self.key
        name = f"{generator}.{retriever} {metric}" if retriever else f"{generator} {metric}"
        if self.before is None or self.after is None:
            score = self.before or self.after
            assert score is not None
            return f"{name}: {score.value:.6g} is {'not in the run' if self.before else 'new'}"
        change = f"{self.before.value:.6g} -> {self.after.value:.6g}"
        moved = f"{self.after.value - self.before.value:+.2g}, tolerance {self.before.tolerance:g}"
        items = "" if self.before.n == self.after.n else f"; n {self.before.n} -> {self.after.n}"
        return f"{name}: {change} ({moved}{items})"


def read_baseline(path: Path) -> Baseline:
    """Read a committed table, with the hits beside it, to check a run against.

    Raises MissingError when there is none, DataError with file:line for what ``--update`` did not write.
    """
    if not path.is_file():
        raise MissingError(f"{path} does not exist. Create it: bench check OUT --against {path} --update")
    lines = [(number, line) for number, line in read_lines(path) if line.strip()]
    # comments stand above the header alone: below it, a run may be called "#x"
    head = list(itertools.takewhile(lambda line: line[1].startswith("#"), lines))
    about = dict(line[2:].split(": ", 1) for _, line in head if line.startswith("# ") and ": " in line)
    header, *rows = lines[len(head) :] or [(1, "")]
    missing = [name for name in ("signature", "evaluation") if name not in about]
    if missing or header[1] != ",".join(BASELINE_COLUMNS):
        what = (
            f"no line '# {missing[0]}: …'" if missing else f"the columns are not {','.join(BASELINE_COLUMNS)}"
        )
        raise DataError(f"{path}:{header[0]}: {what}; 'bench check --update' did not write this table.")
    scores: dict[Key, BaselineScore] = {}
    for number, line in rows:
        key, score = _read_row(path, number, line)
        if key in scores:
            raise DataError(f"{path}:{number}: a second value of {'.'.join(filter(None, key[:2]))} {key[2]}.")
        scores[key] = score
    try:
        signature = _read_signature(about["signature"])
    except (AttributeError, RecursionError, ValueError) as error:
        raise DataError(
            f"{path}: the line '# signature: …' is not a JSON object ({shorten(error)})."
        ) from error
    return Baseline(signature, about["evaluation"], scores, read_hits(_beside(path)))


def _read_row(path: Path, number: int, line: str) -> tuple[Key, BaselineScore]:
    try:
        generator, retriever, metric, value, n, tolerance = next(csv.reader([line], strict=True))
        score = BaselineScore(float(value), int(n), float(tolerance))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path}:{number}: not a line of a table that --update wrote ({error}).") from error
    if math.isinf(score.value):
        raise DataError(f"{path}:{number}: the score {value} is not finite.")
    if not 0 <= score.tolerance < math.inf:
        raise DataError(f"{path}:{number}: the tolerance {tolerance} is not a number from 0.")
    return (str(unguard(generator)), str(unguard(retriever)), str(unguard(metric))), score


def baseline_of(
    result: Result, *, before: Baseline | None = None, tolerances: Sequence[tuple[str, float]] = ()
) -> Baseline:
    """Make the baseline that ``bench check --update`` would commit for a run.

    A cell's tolerance is that of the last of ``tolerances`` (pattern of ``generator.retriever``, value)
    that fits, else the one ``before`` has, else 0.
    """
    cells: dict[Key, BaselineScore] = {}
    for row in with_text(result.headline).itertuples():
        score: Any = row
        key = (str(score.generator), str(score.retriever), str(score.metric))
        known = before.cells.get(key) if before else None
        tolerance = known.tolerance if known else 0.0
        name = ".".join(part for part in key[:2] if part)
        fitting = [value for pattern, value in tolerances if fnmatch.fnmatchcase(name, pattern)]
        cells[key] = BaselineScore(float(score.value), int(score.n), fitting[-1] if fitting else tolerance)
    folder, manifest = RunItems(result.out, result.manifest).first
    files = [checked(folder, manifest, name) for name in ("queries.tsv", "qrels.trec")]
    evaluation = digest([read_text(path) for path in files])
    hits = {} if result.manifest.seeds else hits_of(folder, manifest)
    return Baseline(result.manifest.signature, evaluation, cells, hits)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline and the hits beside it, for git to show what moved.

    Raises UsageError for a path that is something else than a file.
    """
    path = replaceable(path, "--against")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BASELINE_COLUMNS)
    for key, cell in baseline.cells.items():
        writer.writerow([*map(guard, key), repr(cell.value), cell.n, f"{cell.tolerance:g}"])
    head = f"# {_MOVES}\n# signature: {canonical(baseline.signature)}\n# evaluation: {baseline.evaluation}\n"
    write_text(path, head + out.getvalue())
    if baseline.hits:
        write_text(_beside(path), hits_text(baseline.hits))
    else:
        _beside(path).unlink(missing_ok=True)


def differences(before: Baseline, after: Baseline) -> list[Difference]:
    """List the cells beyond their tolerance, up or down, and those that only one side has."""
    keys = dict.fromkeys([*before.cells, *after.cells])
    pairs = [Difference(key, before.cells.get(key), after.cells.get(key)) for key in keys]
    return [pair for pair in pairs if not _within_tolerance(pair.before, pair.after)]


def _within_tolerance(before: BaselineScore | None, after: BaselineScore | None) -> bool:
    if before is None or after is None or before.n != after.n:
        return False
    if math.isnan(before.value) or math.isnan(after.value):
        return math.isnan(before.value) and math.isnan(after.value)
    return abs(after.value - before.value) <= before.tolerance + SLACK


def refuse_other_data(path: Path, before: Baseline, after: Baseline) -> None:
    """Raise DataError when the run and the baseline were evaluated on different data or differently.

    Settings of systems may differ, and the version of this project.
    """
    old, new = before.signature, after.signature
    changed = [
        f"{name}: {old[name]} -> {new[name]}"
        for name in old
        if name in new and name in DATA and _measured(old, name) != _measured(new, name)
    ]
    if not changed and before.evaluation != after.evaluation:
        changed = ["the evaluated queries or their relevance"]
    if changed:
        raise DataError(
            f"{path} was measured on something else than this run: {'; '.join(changed)}. Their scores cannot "
            "be compared. Repeat the run as the table's signature says, or move the table with --update."
        )


def _measured(signature: Mapping[str, str], name: str) -> str:
    """Look up an entry; of judgements in a file only the digest, as a copy measures the same."""
    is_file = name == "data" and "judgements" in signature
    return signature[name].rpartition(":")[2] if is_file else signature[name]


def report(
    changes: Sequence[Difference], before: Baseline, after: Baseline, texts: Mapping[str, str]
) -> list[str]:
    """Describe each of the `differences` in a line, with the queries behind it where hits are known.

    Cells that only one side has are a line each, however many scores they have.
    """
    lines = list(_one_sided(before, after))
    shared = _cells(before) & _cells(after)
    for difference in changes:
        if difference.key[:2] not in shared:
            continue
        lines.append(difference.to_text())
        generator, retriever, metric = difference.key
        cell = f"{generator}.{retriever}"
        if difference.before is None or difference.after is None or not retriever:
            continue
        moved = moved_queries(before.hits.get(cell, {}), after.hits.get(cell, {}), metric)
        for query, old, new in moved[:_SHOWN]:
            lines.append(f"    {query} {texts.get(query, '')!r}: relevant at {_ranks(old)} -> {_ranks(new)}")
        if len(moved) > _SHOWN:
            lines.append(f"    and {len(moved) - _SHOWN} more queries")
    return lines


def _one_sided(before: Baseline, after: Baseline) -> Iterator[str]:
    """Yield which cells the run lacks or has alone, and for the former how the table's cells are made."""
    lacking = _cells(before) - _cells(after)
    for cells, what, scores in (
        (lacking, "not in the run", before),
        (_cells(after) - _cells(before), "new", after),
    ):
        for cell in sorted(cells):
            count = sum(key[:2] == cell for key in scores.cells)
            yield f"{'.'.join(filter(None, cell))}: {what} ({count} score{'' if count == 1 else 's'})"
    if lacking:
        generators = dict.fromkeys(generator for generator, _, _ in before.cells)
        retrievers = dict.fromkeys(retriever for _, retriever, _ in before.cells if retriever)
        systems = f"--generators {','.join(generators)} --retrievers {','.join(retrievers)}"
        yield f"The table's cells are those of: bench run {systems}"


def _cells(baseline: Baseline) -> set[tuple[str, str]]:
    """Collect the pairs of generator and retriever (empty for generation metrics) of a table."""
    return {key[:2] for key in baseline.cells}


def parse_tolerances(given: Sequence[str]) -> list[tuple[str, float]]:
    """Parse tolerances given as ``PATTERN=VALUE``. Raises UsageError."""
    rules = []
    for text in given:
        pattern, sign, number = text.rpartition("=")
        try:
            value = float(plain_number(number))
        except ValueError:
            value = math.nan
        if not sign or not pattern or not 0 <= value < math.inf:
            raise UsageError(f"--tolerance {text!r} is not of the form CELL=NUMBER, such as '*.bm25=0.005'.")
        rules.append((pattern, value))
    return rules


def _ranks(ranks: Sequence[int]) -> str:
    return " ".join(map(str, ranks)) or "none"


def _read_signature(text: str) -> dict[str, str]:
    """Parse the signature of a table; tables of version 0.1.0 have it as it is printed, not as JSON."""
    if not text.startswith("{"):
        return parse_signature(text)
    return {str(name): str(value) for name, value in json.loads(text).items()}


def _beside(path: Path) -> Path:
    return path.with_suffix(".hits.csv")
