"""``bench table``: the tables of a run, again."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "table",
        what="Print the tables of a finished or half-finished run.",
        example="bench run --generators lead --retrievers bm25 --out out && bench table out --format latex",
        run=_run,
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="output folder of a run")
    add_format(parser)
    parser.add_argument("--intervals", action="store_true", help="the 95 %% interval beside each score")


def _run(chosen: argparse.Namespace) -> int:
    from bench.result import Result
    from bench.tables.build import RENDERERS

    result = Result.read(chosen.out)
    print("\n".join(RENDERERS[chosen.format](table) for table in result.tables(intervals=chosen.intervals)))
    return 0
