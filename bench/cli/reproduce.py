"""``bench reproduce``: a table of the paper beside ours."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_verb

TARGETS = ("table2", "table3", "table4", "table5", "table6", "table7", "fig3")
_OWN = ("verb", "run", "target", "source", "sweep", "format", "quiet", "verbose")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "reproduce",
        what="Run what a table of the QMS paper needs; show paper and ours, by cell and by claim.",
        example="bench reproduce table3 --generators lead",
        run=_run,
    )
    parser.add_argument("target", choices=TARGETS, metavar="TABLE", help=f"one of {', '.join(TARGETS)}")
    # As in `bench run`: what is not given comes from the preset, or the documented default.
    option = parser.add_argument
    option("--from", dest="source", type=Path, metavar="OUT", help="use this finished run; run nothing new")
    option("--sweep", action="store_true", help="vary what the paper leaves unstated (table5)")
    option("--data", metavar="NAME|DIR", help="registered dataset or a dataset folder (default: demo)")
    option("--generators", metavar="LIST", help="instead of those of the table's rows")
    option("--retrievers", metavar="LIST", help="instead of those of the table; bm25 where it has none")
    option("--preset", metavar="NAME", help="quick, base or paper (default: quick)")
    option("--protocol", metavar="NAME", help="one-query-per-video or all-queries (default: the first)")
    option("--query-seed", type=int, metavar="N", help="draw of the evaluated queries (default: 0)")
    option("--split", metavar="NAME", help="test or val (default: test)")
    option("--seed", metavar="N[,N...]", help="one or several seeds (default: 0)")
    option("--features", metavar="NAME", help="default: the dataset's first; for table7 each in turn")
    option("--out", metavar="DIR", help="output folder; the report goes into its reproduce/")
    option("--store", metavar="DIR", help="shared artefacts (default: $BENCH_STORE, else the user's cache)")
    option("--set", action="append", metavar="KEY=VALUE", help="any option of any component, repeatable")
    option("--no-train", action="store_true", default=None, help="fail instead of training")
    option("--device", metavar="NAME", help="auto, cpu or cuda[:n] (default: auto)")
    add_format(parser)
    option("--quiet", action="store_true", default=None, help="no progress bars")
    option("--verbose", action="store_true", default=None, help="a line per cell; tracebacks")


def _run(chosen: argparse.Namespace) -> int:
    from bench.errors import UsageError
    from bench.paper.reproduce import reproduce
    from bench.tables.build import RENDERERS

    given = {name: value for name, value in vars(chosen).items() if name not in _OWN and value is not None}
    useless = sorted(set(given) - {"store"})
    if chosen.source and useless:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in useless)
        raise UsageError(
            f"--from takes everything from a finished run; leave out {flags}, or leave out --from."
        )
    given |= {name: getattr(chosen, name) for name in ("quiet", "verbose") if getattr(chosen, name)}
    report = reproduce(chosen.target, given, source=chosen.source, vary_choices=chosen.sweep)
    print("\n".join(RENDERERS[chosen.format](table) for table in report.tables))
    if report.out:
        print(f"bench: the report is in {report.out / 'reproduce'}", file=sys.stderr)
    for error in report.errors:
        print(f"bench: error: {error}", file=sys.stderr)
    return report.errors[0].exit_status if report.errors else 0
