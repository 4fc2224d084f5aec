"""Misses and false alarms over a corpus of tables in the forms that people and tools publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Cli

CORPUS = Path(__file__).parent / "corpus"
TRUTH: Mapping[str, Mapping[str, Any]] = yaml.safe_load((CORPUS / "truth.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Outcome:
    """What one table's report lacks and what it has too much."""

    misses: list[str]
    false_alarms: list[str]
    status: int
    last_line: str


def audit(name: str, cli: Cli) -> Outcome:
    """Compare the report on one table with its truth: row, column and rule of each violation."""
    outcome = cli("lint-table", CORPUS / name)
    lines = outcome.out.splitlines()
    reported = [line for line in lines if line.endswith("]") and not line.startswith("note: ")]
    misses = []
    for row, column, rule in TRUTH[name].get("violations", []):
        match = next((line for line in reported if _names(line, row, column, rule)), None)
        if match is None:
            misses.append(f"{name}: {row}, {column} [{rule}]")
        else:
            reported.remove(match)
    return Outcome(
        misses, [f"{name}: {line}" for line in reported], outcome.status, lines[-1] if lines else ""
    )


def _names(line: str, row: str, column: str, rule: str) -> bool:
    cell, matched, _ = line.partition(f", {column}: ")
    return bool(matched) and row in cell and line.endswith(f"[{rule}]")


def test_every_table_has_a_truth_and_half_of_them_a_planted_error() -> None:
    files = {path.name for path in CORPUS.iterdir() if path.suffix in (".csv", ".md", ".tex", ".html")}
    assert files == set(TRUTH)
    planted = sum("violations" in truth for truth in TRUTH.values())
    assert len(files) >= 60
    assert 0.4 < planted / len(files) < 0.6


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_the_report_on_a_table_is_its_truth(name: str, cli: Cli) -> None:
    outcome, truth = audit(name, cli), TRUTH[name]
    assert outcome.misses == []
    assert outcome.false_alarms == []
    assert outcome.status == truth["exit"]
    if "cells" in truth:
        assert f": {truth['cells']} cell" in outcome.last_line
    unread = truth.get("unread", 0)
    assert (f"{unread} table{'s' * (unread > 1)} not read" in outcome.last_line) == bool(unread)


def test_there_is_no_miss_and_no_false_alarm_in_the_corpus(cli: Cli) -> None:
    outcomes = {name: audit(name, cli) for name in TRUTH}
    misses = [miss for outcome in outcomes.values() for miss in outcome.misses]
    alarms = [alarm for outcome in outcomes.values() for alarm in outcome.false_alarms]
    refused = [n for n, outcome in outcomes.items() if outcome.status == 3 != TRUTH[n]["exit"]]
    planted = sum(len(truth.get("violations", [])) for truth in TRUTH.values())
    print(f"{len(TRUTH)} tables, {planted} planted errors: {len(misses)} misses, {len(alarms)} false alarms, "
          f"{len(refused)} refused")  # fmt: skip
    assert (misses, alarms, refused) == ([], [], [])
