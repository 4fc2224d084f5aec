"""Gate a run on another one: which scores moved, whether that is significant, and what could have been seen.

The rows of a gate are the same whether a committed table or another run is the reference; they are printed as
text, JSON, JUnit XML (for a CI server's test view) or Markdown (for a job's summary or a pull request).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from bench.comparison.attributes import QueryAttributes
from bench.comparison.paired import Comparison, compare
from bench.comparison.regression import DATA, SLACK, Baseline, Key, baseline_of, differences
from bench.errors import DataError, counted
from bench.metrics.significance import ALPHA, holm
from bench.output.per_item import RunItems
from bench.result import Result
from bench.tables.table import plain_text
from bench.text import printable

HOW = ("split", "protocol", "pool", "ties", "tokens")
"""Entries of a signature that say how scores were measured; runs that differ in one cannot be compared."""

FailOn: TypeAlias = Literal["change", "drop"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a gate fails: at any change or at a drop, beyond a tolerance or only where it is significant."""

    fail_on: FailOn = "change"
    significant: bool = False
    only_common: bool = False
    """Whether cells that only one side has are reported without failing."""
    tolerances: Sequence[tuple[str, float]] = ()
    by: str | None = None
    """An attribute of the queries; the scores of each of its slices are gated, too."""


@dataclass(frozen=True, slots=True)
class GateRow:
    """One score beside its reference; None where a side lacks it or nothing was tested."""

    key: Key
    before: float | None
    after: float | None
    tolerance: float = 0.0
    p_holm: float | None = None
    detectable: float | None = None
    """The difference that the test finds with 80 % power."""
    failed: bool = False
    limit: float | None = None
    """Of a cost, the ratio to the reference up to which it may change; None for a score."""
    part: str = ""
    """The slice of queries, such as ``length: 1–3``; empty for all queries."""

    @property
    def name(self) -> str:
        """The cell and the metric, as a reader names them."""
        generator, retriever, metric = self.key
        name = f"{generator}.{retriever} {metric}" if retriever else f"{generator} {metric}"
        return f"{name} [{self.part}]" if self.part else name

    @property
    def difference(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before

    def to_text(self) -> str:
        """Describe the row in a line."""
        if self.before is None or self.after is None:
            return f"{self.name}: {'not in the run' if self.after is None else 'new'}"
        if self.limit is not None:
            ratio = f"{self.after / self.before:.3g} times" if self.before else "from 0"
            return f"{self.name}: {self.before:g} -> {self.after:g} ({ratio}, limit {self.limit:g})"
        tested = "" if self.p_holm is None else f", p = {self.p_holm:.4f}"
        seen = "" if self.detectable is None else f", detectable {self.detectable:.4f}"
        limit = f", tolerance {self.tolerance:g}" if self.tolerance else ""
        moved = f"{self.after - self.before:+.4f}{tested}{seen}{limit}"
        return f"{self.name}: {self.before:.4f} -> {self.after:.4f} ({moved})"


def gate_on_table(before: Baseline, after: Baseline, rule: Rule) -> list[GateRow]:
    """Compare a run with a committed table, cell by cell, each within the table's tolerance."""
    moved = {difference.key for difference in differences(before, after)}
    return [
        replace(row, failed=row.key in moved and _counts(row, rule)) for row in _rows(before, after, rule)
    ]


def gate_on_run(before: Result, after: Result, rule: Rule) -> list[GateRow]:
    """Compare a run with another one over the same queries, with paired tests if ``rule.significant``.

    With ``rule.by``, the retrieval scores of each slice follow those of all queries, and all are one family
    of tests. Raises DataError where the two were evaluated on different queries or judgements, or measured
    differently, such as over another pool.
    """
    old, new = baseline_of(before, tolerances=rule.tolerances), baseline_of(after)
    if old.evaluation != new.evaluation:
        raise DataError(
            f"{after.out} and {before.out} were evaluated on different queries or judgements; their scores "
            "cannot be compared."
        )
    measured = [
        f"{name}: {old.signature[name]} -> {new.signature[name]}"
        for name in HOW
        if name in old.signature and new.signature.get(name, old.signature[name]) != old.signature[name]
    ]
    if measured:
        raise DataError(
            f"{after.out} and {before.out} were measured differently ({'; '.join(measured)}); their scores "
            "cannot be compared."
        )
    rows = _rows(old, new, rule)
    items = RunItems(before.out, before.manifest), RunItems(after.out, after.manifest)
    parts = _slices(items[0], rule.by) if rule.by else {}
    common = [row for row in rows if row.key[1] and row.difference is not None]
    rows += [_row_of_slice(row, name, items, queries) for name, queries in parts.items() for row in common]
    if rule.significant:
        rows = _tested(rows, items, parts)
    return [replace(row, failed=_moved(row, rule) and _counts(row, rule)) for row in rows]


def _rows(before: Baseline, after: Baseline, rule: Rule) -> list[GateRow]:
    """Pair the scores of two sides. Raises DataError where there is nothing to compare."""
    if not before.cells and not after.cells:
        raise DataError("neither side has a score: there is nothing to compare. Run the cells that failed.")
    if rule.only_common and not before.cells.keys() & after.cells.keys():
        raise DataError("the two sides have no score in common, so --only-common leaves nothing to compare.")
    rows = []
    for key in dict.fromkeys([*before.cells, *after.cells]):
        old, new = before.cells.get(key), after.cells.get(key)
        row = GateRow(key, old.value if old else None, new.value if new else None)
        rows.append(replace(row, tolerance=old.tolerance) if old else row)
    return rows


def changed_settings(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """List the settings of systems in which two signatures differ; the version of this project may.

    Options that are the preset's on one side are in the ``set`` of the other alone.
    """
    none = {"set": "the preset's options"} if {"set"} & {*before, *after} else {}
    old, new = none | dict(before), none | dict(after)
    return [
        f"{name}: {old[name]} -> {new[name]}"
        for name in old
        if name in new and name not in (*DATA, "version") and old[name] != new[name]
    ]


def _slices(items: RunItems, attribute: str) -> dict[str, frozenset[str]]:
    slices = QueryAttributes(items).slices(attribute)
    return {f"{attribute}: {name}": frozenset(queries) for name, queries in slices.items()}


def _row_of_slice(
    row: GateRow, name: str, items: tuple[RunItems, RunItems], queries: frozenset[str]
) -> GateRow:
    generator, retriever, metric = row.key
    scores = (side.cell(generator, retriever).subset(queries).score(metric) for side in items)
    before, after = scores
    return replace(row, before=before, after=after, part=name)


def _tested(
    rows: Sequence[GateRow], items: tuple[RunItems, RunItems], parts: Mapping[str, frozenset[str]]
) -> list[GateRow]:
    """Test every score that both sides have, paired by query; the tests are one family (Holm)."""
    common = [i for i, row in enumerate(rows) if row.difference is not None]
    tests = {i: _test(rows[i], items, parts.get(rows[i].part), len(common)) for i in common}
    corrected = holm([tests[i].test.p_value for i in common]).tolist()
    p_values = dict(zip(common, corrected, strict=True))
    return [
        replace(row, p_holm=p_values[i], detectable=_finite(tests[i].mde)) if i in tests else row
        for i, row in enumerate(rows)
    ]


def _test(
    row: GateRow, items: tuple[RunItems, RunItems], queries: frozenset[str] | None, family: int
) -> Comparison:
    theirs, ours = (side.cell(*row.key[:2]) for side in items)
    if queries is not None:
        theirs, ours = theirs.subset(queries), ours.subset(queries)
    return compare(ours, theirs, row.key[2], family=family)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _moved(row: GateRow, rule: Rule) -> bool:
    """Check whether scores differ beyond the tolerance, and significantly if the rule requires it."""
    if row.before is None or row.after is None:
        return True
    if math.isnan(row.before) or math.isnan(row.after):
        return math.isnan(row.before) != math.isnan(row.after)
    beyond = abs(row.after - row.before) > row.tolerance + SLACK
    return beyond and (not rule.significant or (row.p_holm is not None and row.p_holm < ALPHA))


def _counts(row: GateRow, rule: Rule) -> bool:
    """Check whether a difference in this direction fails the gate."""
    if row.difference is None:
        return not rule.only_common
    return rule.fail_on == "change" or not row.difference > 0


def to_text(rows: Sequence[GateRow], title: str) -> str:
    """List the rows that failed or moved, and what a gate with these queries can see."""
    shown = [row for row in rows if row.failed or row.difference is None or abs(row.difference) > SLACK]
    return "\n".join(
        [*(f"{'FAIL ' if row.failed else ''}{row.to_text()}" for row in shown), _closing(rows, title)]
    )


def to_json(rows: Sequence[GateRow], title: str) -> str:
    """Serialise the rows as a JSON object, for other programs; a score that is NaN is null."""
    records = [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in {**asdict(row), "difference": row.difference}.items()
        }
        for row in rows
    ]
    failed = sum(row.failed for row in rows)
    return json.dumps({"title": title, "failed": failed, "rows": records}, indent=1, ensure_ascii=False)


def to_junit(rows: Sequence[GateRow], title: str) -> str:
    """Write a JUnit test suite with a test case for each score, for the test view of a CI server."""
    failed = str(sum(row.failed for row in rows))
    suite = ElementTree.Element("testsuite", name=_line(title), tests=str(len(rows)), failures=failed)
    for row in rows:
        generator, retriever, metric = row.key
        cell = f"{generator}.{retriever}" if retriever else generator
        name = f"{metric} [{row.part}]" if row.part else metric
        case = ElementTree.SubElement(suite, "testcase", classname=_line(cell), name=_line(name))
        if row.failed:
            ElementTree.SubElement(case, "failure", message=_line(row.to_text()))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def to_markdown(rows: Sequence[GateRow], title: str) -> str:
    """Write a table of the rows that moved, for a job summary or a comment on a pull request."""
    shown = [row for row in rows if row.failed or row.difference is None or abs(row.difference) > SLACK]
    head = [
        "| | score | before | after | difference | p (Holm) |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines = [
        f"| {'❌' if row.failed else ''} | {_escaped(row.name)} | {_cell(row.before)} | {_cell(row.after)} "
        f"| {_cell(row.difference, '+.4f')} | {_cell(row.p_holm)} |"
        for row in shown
    ]
    title = _escaped(title)
    return "\n".join([f"**{title}**", "", *([*head, *lines, ""] if lines else []), _closing(rows, title)])


def _escaped(text: str) -> str:
    """Keep a text inside its cell, and out of the HTML that Markdown would take it for."""
    return plain_text(_line(text).replace("&", "&amp;").replace("\\", "\\\\").replace("|", "\\|"))


def _line(text: str) -> str:
    """Put a text on one line, without characters that XML does not allow: names come from outside."""
    return re.sub("[\ufffe\uffff\ud800-\udfff]", "\ufffd", printable(" ".join(text.splitlines())))


def _cell(value: float | None, form: str = ".4f") -> str:
    return "–" if value is None else format(value, form)


def _closing(rows: Sequence[GateRow], title: str) -> str:
    failed = sum(row.failed for row in rows)
    compared = sum(row.difference is not None for row in rows)
    line = f"{title}: {counted(compared, 'score')} compared, {failed} failed."
    if alone := len(rows) - compared:
        line += f" {alone} {'is' if alone == 1 else 'are'} on one side alone."
    seen = [row.detectable for row in rows if row.detectable is not None]
    if seen:
        line += f" With 80 % power the tests detect differences of {min(seen):.4f} to {max(seen):.4f}."
    return line


RENDERERS: Mapping[str, Callable[[Sequence[GateRow], str], str]] = {
    "text": to_text,
    "json": to_json,
    "junit": to_junit,
    "markdown": to_markdown,
}
"""The forms in which a gate is printed, by the name of ``--format``."""
