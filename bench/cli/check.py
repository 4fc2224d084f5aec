"""``bench check``: the regression gate; a rise fails as a fall does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_verb

if TYPE_CHECKING:
    from bench.result import Result


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "check",
        what="Compare a run with a committed table; a score that moved, up or down, fails (exit 5).",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench check out --against lead.csv --update && bench check out --against lead.csv",
        run=_run,
    )
    option = parser.add_argument
    option("out", metavar="OUT", type=Path, help="output folder of a run")
    option("--against", metavar="FILE", type=Path, required=True, help="the committed table")
    option("--update", action="store_true", help="make the run the new table, and print what moves")
    option(
        "--tolerance",
        action="append",
        default=[],
        metavar="CELL=NUMBER",
        help="with --update: how far scores of cells such as '*.bm25' may move; repeatable (default: 0)",
    )


def _run(chosen: argparse.Namespace) -> int:
    from bench.comparison.regression import parse_tolerances
    from bench.errors import UsageError
    from bench.result import Result

    result = Result.read(chosen.out)
    tolerances = parse_tolerances(chosen.tolerance)
    if chosen.update:
        return _update(result, chosen.against, tolerances)
    if tolerances:
        raise UsageError("--tolerance changes the table: it goes with --update.")
    return _check(result, chosen.against)


def _check(result: Result, path: Path) -> int:
    from bench.comparison.regression import baseline_of, differences, read_baseline, refuse_other_data, report
    from bench.errors import GateError
    from bench.output.per_item import RunItems

    before, after = read_baseline(path), baseline_of(result)
    refuse_other_data(path, before, after)
    wrong = differences(before, after)
    for line in report(before, after, RunItems(result.out, result.manifest).texts()):
        print(line)
    if wrong:
        raise GateError(
            f"{len(wrong)} cells of {result.out} are not as {path} has them (listed above). If they moved "
            "for a good reason, say it in the commit that moves the table with --update."
        )
    print(f"{path}: all {len(before.cells)} cells are within their tolerance")
    return 0


def _update(result: Result, path: Path, tolerances: list[tuple[str, float]]) -> int:
    from bench.comparison.regression import baseline_of, read_baseline, report, write_baseline
    from bench.errors import UsageError
    from bench.output.per_item import RunItems

    if result.failed or not result.manifest.get("finished"):
        raise UsageError(f"{result.out} is not a whole run: cells failed or are missing. No table is made.")
    before = read_baseline(path) if path.is_file() else None
    after = baseline_of(result, before=before, tolerances=tolerances)
    lines = report(before, after, RunItems(result.out, result.manifest).texts()) if before else []
    write_baseline(path, after)
    for line in lines:
        print(line)
    moved = sum(1 for line in lines if not line.startswith(" "))
    print(f"{path}: {len(after.cells)} cells, {f'{moved} moved beyond their tolerance' if before else 'new'}")
    return 0
