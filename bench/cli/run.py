"""``bench run`` and ``bench reproduce``: the main job, and a table of the paper beside it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_format, add_path, add_run_options, add_verb, run_options
from bench.cli.terminal import print_error
from bench.config.run_config import OPTIONS

if TYPE_CHECKING:
    from bench.config.run_config import RunConfig

TARGETS = ("table2", "table3", "table4", "table5", "table6", "table7", "fig3")


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    _add_run(verbs)
    _add_reproduce(verbs)


def _add_run(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "run",
        what="Fit models (if needed), write summaries, search them, score, print tables.",
        example="bench run --data demo --generators lead,transcript --retrievers bm25",
        run=_run,
    )
    add_run_options(parser)
    add_format(parser, aligned=True)
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be run, what is cached, and estimates"
    )


def _add_reproduce(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "reproduce",
        what="Reproduce a table of the QMS paper, side by side with your run.",
        example="bench reproduce table3 --generators lead",
        run=_reproduce,
    )
    parser.add_argument("target", choices=TARGETS, metavar="TABLE", help=f"one of {', '.join(TARGETS)}")
    add_path(parser, "--from", "OUT", "use this finished run; run nothing new", dest="source")
    parser.add_argument("--sweep", action="store_true", help="vary what the paper leaves unstated (table5)")
    add_run_options(
        parser,
        [name for name in OPTIONS if name not in ("config", "engine", "audit_cache")],
        help={
            "generators": "generators (default: those of the table)",
            "retrievers": "retrievers (default: those of the table; bm25 where it has none)",
            "features": "visual features (default: the dataset's first; table7: each in turn)",
            "out": "output folder; the report goes into its reproduce/",
        },
    )
    add_format(parser)


def _run(args: argparse.Namespace) -> int:
    from bench.config.run_config import configure

    config = configure(run_options(args))
    if args.dry_run:
        from bench.harness.dry_run import preview

        sys.stdout.write(preview(config))
        return 0
    return _execute(config, args.format)


def _execute(config: RunConfig, form: str | None) -> int:
    from bench.cli.answer import is_aligned, print_result
    from bench.harness.experiment import execute

    result, errors = execute(config)
    print_result(result, form)
    for cell, message in result.failed.items():
        print_error(f"{cell}: {message}")
    if not is_aligned(form):
        print(f"bench: results: {result.out} (open {result.out / 'report.html'})", file=sys.stderr)
    return errors[0].exit_status if errors else 0


def _reproduce(args: argparse.Namespace) -> int:
    from bench.errors import UsageError
    from bench.paper.reproduce import reproduce
    from bench.tables.table import RENDERERS

    given = run_options(args)
    conflicting = sorted(set(given) - {"store", "quiet", "verbose"})
    if args.source and conflicting:
        flags = ", ".join(OPTIONS[name].flag for name in conflicting)
        raise UsageError(
            f"--from uses the settings of a finished run; leave out {flags}, or leave out --from."
        )
    report = reproduce(args.target, given, source=args.source, vary_choices=args.sweep)
    if report.headline:  # a table for a program stays a table
        print(report.headline, end="\n\n", file=sys.stdout if args.format == "markdown" else sys.stderr)
    print("\n".join(RENDERERS[args.format](table) for table in report.tables))
    if report.out:
        print(f"bench: results: {report.out / 'reproduce'}", file=sys.stderr)
    for error in report.errors:
        print_error(error)
    return report.errors[0].exit_status if report.errors else 0
