"""Gate what a run costs: the ratio of each cost to that of another run, such as index size or search time."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from bench.comparison.gate import GateRow, Rule
from bench.errors import UsageError, unknown
from bench.options import split_list
from bench.output.schema import COST_COLUMNS, with_text
from bench.result import Result

_MEASUREMENT = ("search_spread_ms", "search_shared")
COSTS = tuple(name for name in COST_COLUMNS[2:] if name not in _MEASUREMENT)
"""What may be gated: the columns of costs.csv that are of the system, not of how it was measured."""
_FASTER = ("videos_per_s", "queries_per_s")
"""Costs of which more is better."""

Costs: TypeAlias = Mapping[tuple[str, str], Any]
"""Rows of costs.csv by generator and retriever."""
Limits: TypeAlias = Sequence[tuple[str, float]]
"""Names of costs, each with the ratio to the reference up to which it may change."""


def parse_costs(given: Sequence[str]) -> Limits:
    """Parse costs given as ``NAME=RATIO``, comma-separated; a name may be a glob. Raises UsageError."""
    limits: dict[str, float] = {}
    for word in split_list(*given):
        pattern, sign, number = word.partition("=")
        names = fnmatch.filter(COSTS, pattern)
        if not names:
            raise unknown("cost", pattern, COSTS)
        try:
            ratio = float(number) if sign else math.nan
        except ValueError:
            ratio = math.nan
        if not 1 <= ratio < math.inf:
            raise UsageError(
                f"--cost {word!r} is not of the form NAME=RATIO with a ratio from 1, such as fit_s=1.5: "
                "up to one and a half times the reference, and no less than two thirds of it."
            )
        limits.update(dict.fromkeys(names, ratio))
    return list(limits.items())


def gate_costs(before: Result, after: Result, limits: Limits, rule: Rule) -> list[GateRow]:
    """Compare the costs of a run with another one's; a cost fails beyond its ratio, in either direction.

    With ``rule.fail_on`` "drop", only what got worse fails. Costs that neither side measured are left out.
    Raises UsageError where a cost was measured nowhere, as it is with run files.
    """
    old, new = _costs(before), _costs(after)
    rows = []
    for name, ratio in limits:
        of_name = [_row(key, name, ratio, old, new) for key in dict.fromkeys([*old, *new])]
        measured = [row for row in of_name if row.before is not None or row.after is not None]
        if not measured:
            raise UsageError(
                f"--cost {name}: it was measured neither in {before.out} nor in {after.out}. Costs are those "
                "of output folders of bench run; see their costs.csv."
            )
        rows += [replace(row, failed=_is_beyond(row, rule)) for row in measured]
    return rows


def _costs(result: Result) -> Costs:
    rows: list[Any] = list(with_text(result.costs).itertuples())
    return {(str(row.generator), str(row.retriever)): row for row in rows}


def _row(key: tuple[str, str], name: str, ratio: float, old: Costs, new: Costs) -> GateRow:
    before, after = (_cost(side.get(key), name) for side in (old, new))
    return GateRow((*key, name), before, after, limit=ratio)


def _cost(row: Any, name: str) -> float | None:
    value = math.nan if row is None else float(getattr(row, name))
    return None if math.isnan(value) else value


def _is_beyond(row: GateRow, rule: Rule) -> bool:
    if row.before is None or row.after is None:
        return not rule.only_common
    assert row.limit is not None
    low, high = row.before / row.limit, row.before * row.limit
    slack = 1e-9 * high
    more, less = row.after > high + slack, row.after < low - slack
    if rule.fail_on == "change":
        return more or less
    return less if row.key[2] in _FASTER else more
