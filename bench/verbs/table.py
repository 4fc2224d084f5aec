"""``bench table``: the tables of a run, again."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.verbs.common import Verbs, add_verb

FORMATS = ("markdown", "latex", "csv", "html")


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
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="default: markdown")


def _run(chosen: argparse.Namespace) -> int:
    from bench.results import Result
    from bench.tables import RENDERERS

    result = Result.read(chosen.out)
    print("\n".join(RENDERERS[chosen.format](table) for table in result.tables()))
    return 0
