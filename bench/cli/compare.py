"""``bench compare``: who differs from whom, in one run or two."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli.common import Verbs, add_format, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "compare",
        what="Compare rows, or retrievers, of a run or of two: paired tests, intervals, wins per query.",
        example="bench run --generators lead,transcript --retrievers bm25 --out out && "
        "bench compare out --baseline lead",
        run=_run,
    )
    option = parser.add_argument
    option("out", metavar="OUT", type=Path, help="output folder of a run")
    option("other", metavar="OUT2", type=Path, nargs="?", help="a second run over the same queries and pool")
    option(
        "--baseline",
        metavar="LABEL",
        help="the row, by name or label, that the others are compared with (default: the best row that is no "
        "reference; with OUT2, the row of the same name in OUT)",
    )
    option(
        "--metric",
        action="append",
        metavar="LIST",
        help="metrics or globs such as 'R@*', comma-separated (default: R@10,P@10,Acc@10,ROUGE-L,CIDEr)",
    )
    option(
        "--by",
        choices=("generator", "retriever"),
        default="generator",
        help="compare generators under each retriever, or retrievers for each generator (default: generator)",
    )
    add_format(parser)


def _run(chosen: argparse.Namespace) -> int:
    from bench.comparison.compare_runs import METRICS, compare_runs
    from bench.tables.build import RENDERERS

    outs = [out for out in (chosen.out, chosen.other) if out is not None]
    words = [word.strip() for given in chosen.metric or () for word in given.split(",") if word.strip()]
    table = compare_runs(outs, baseline=chosen.baseline, metrics=words or METRICS, by=chosen.by)
    print(RENDERERS[chosen.format](table), end="")
    return 0
