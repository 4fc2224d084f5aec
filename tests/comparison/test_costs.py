"""A gate on costs: ratios to another run, in both directions or only where it got worse."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.comparison.costs import gate_costs, parse_costs
from bench.comparison.gate import Rule
from bench.errors import UsageError
from bench.output.schema import COST_COLUMNS
from bench.result import Result
from tests.manifests import small_manifest


def result(**costs: float) -> Result:
    row = {"generator": "lead", "retriever": "bm25", **costs}
    frame = pd.DataFrame([row], columns=list(COST_COLUMNS)).astype(dict.fromkeys(COST_COLUMNS[2:], float))
    return Result(Path("out"), pd.DataFrame(), frame, small_manifest())


@pytest.mark.parametrize(
    ("cost", "before", "after", "fail_on", "failed"),
    [
        ("search_p50_ms", 10, 14, "change", False),
        ("search_p50_ms", 10, 16, "change", True),
        ("search_p50_ms", 10, 6, "change", True),  # two-sided: a search that is much faster is looked at, too
        ("search_p50_ms", 10, 6, "drop", False),
        ("search_p50_ms", 10, 16, "drop", True),
        ("queries_per_s", 10, 16, "drop", False),  # more is better
        ("queries_per_s", 10, 6, "drop", True),
        ("index_bytes_per_doc", 0, 5, "drop", True),
    ],
)
def test_a_cost_fails_beyond_its_ratio(
    cost: str, before: float, after: float, fail_on: str, failed: bool
) -> None:
    rule = Rule(fail_on="drop" if fail_on == "drop" else "change")
    (row,) = gate_costs(result(**{cost: before}), result(**{cost: after}), parse_costs([f"{cost}=1.5"]), rule)
    assert row.failed is failed
    assert row.to_text().startswith(f"lead.bm25 {cost}: {before} -> {after} (")


def test_a_cost_of_one_side_fails_unless_only_common_ones_count() -> None:
    sides = result(fit_s=3), result()
    limits = parse_costs(["fit_s=2"])
    assert [row.failed for row in gate_costs(*sides, limits, Rule())] == [True]
    assert [row.failed for row in gate_costs(*sides, limits, Rule(only_common=True))] == [False]
    with pytest.raises(UsageError, match="measured neither"):
        gate_costs(result(), result(), limits, Rule())


def test_costs_are_named_with_a_ratio() -> None:
    assert parse_costs(["search_*=2, fit_s=1.1"]) == [
        ("search_p50_ms", 2.0), ("search_p95_ms", 2.0), ("fit_s", 1.1)
    ]  # fmt: skip
    for word in ("fit_s", "fit_s=0.5", "fit_s=x", "seconds=2"):
        with pytest.raises(UsageError):
            parse_costs([word])
