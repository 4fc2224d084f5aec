"""``bench run``: the main job."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_verb

if TYPE_CHECKING:
    from bench.config.run_config import RunConfig


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "run",
        what="Fit (if needed), summarize, index, search, score, print tables.",
        example="bench run --data demo --generators lead,transcript --retrievers bm25",
        run=_run,
    )
    # No defaults here: what is not given comes from --config, the preset, or the documented default.
    option = parser.add_argument
    option("--data", metavar="NAME|DIR", help="registered dataset or a dataset folder (default: demo)")
    option(
        "--generators", metavar="LIST", help="names, globs, groups, file:PATH; comma-separated (default: all)"
    )
    option("--retrievers", metavar="LIST", help="names, globs or groups; comma-separated (default: bm25,dpr)")
    option("--preset", metavar="NAME", help="quick, base or paper: sizes and budgets (default: quick)")
    option("--protocol", metavar="NAME", help="one-query-per-video or all-queries (default: the first)")
    option("--query-seed", type=int, metavar="N", help="draw of the evaluated queries (default: 0)")
    option("--split", metavar="NAME", help="test or val (default: test)")
    option(
        "--seed",
        metavar="N[,N...]",
        help="one or several seeds; several give mean and deviation (default: 0)",
    )
    option("--features", metavar="NAME", help="which visual features (default: the dataset's first)")
    option("--out", metavar="DIR", help="output folder (default: results/runs/<dataset>-<signature>)")
    option("--store", metavar="DIR", help="shared artefacts (default: $BENCH_STORE, else the user's cache)")
    option("--set", action="append", metavar="KEY=VALUE", help="any option of any component, repeatable")
    option("--config", metavar="FILE.yaml", help="options from a file; flags win over it")
    option("--no-train", action="store_true", default=None, help="fail instead of training")
    option("--device", metavar="NAME", help="auto, cpu or cuda[:n] (default: auto)")
    option("--engine", metavar="NAME", help="local (default)")
    option(
        "--audit-cache",
        action="store_true",
        default=None,
        help="search again what is reused, compute a sample of cached embeddings anew; fail if they differ",
    )
    option("--dry-run", action="store_true", help="print the plan: cells, what is reused, estimates")
    option("--quiet", action="store_true", default=None, help="no progress bars")
    option("--verbose", action="store_true", default=None, help="a line per cell; tracebacks")


def _run(chosen: argparse.Namespace) -> int:
    from bench.config.run_config import configure

    given = {name: value for name, value in vars(chosen).items() if name not in ("verb", "run", "dry_run")}
    config = configure(given)
    if chosen.dry_run:
        from bench.harness.dry_run import preview

        sys.stdout.write(preview(config))
        return 0
    return _execute(config)


def _execute(config: RunConfig) -> int:
    from bench.harness.experiment import execute
    from bench.tables.build import to_markdown

    result, errors = execute(config)
    print("\n".join(to_markdown(table) for table in result.tables()))
    print(f"bench: everything is in {result.out}", file=sys.stderr)
    for cell, message in result.failed.items():
        print(f"bench: error: {cell}: {message}", file=sys.stderr)
    return errors[0].exit_status if errors else 0
