"""``bench demo``, ``run``, ``reproduce`` and ``summarize``: what builds systems and lets them work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_format, add_path, add_run_options, add_verb, run_options
from bench.cli.terminal import print_error
from bench.config.run_config import OPTIONS

if TYPE_CHECKING:
    from bench.config.run_config import RunConfig

USED_TO_SUMMARIZE = frozenset(
    {"data", "preset", "seed", "features", "store", "remote_store", "set", "config", "fresh"}
    | {"no_train", "allow_network", "device", "threads", "quiet", "verbose"}
)
"""The options of a run that decide how a generator is fitted and what it writes."""
TARGETS = ("table2", "table3", "table4", "table5", "table6", "table7", "fig3")


def add(verbs: Verbs) -> None:
    """Add the verbs of this module to the command line's parser."""
    _add_demo(verbs)
    _add_run(verbs)
    _add_reproduce(verbs)
    _add_summarize(verbs)


def _add_demo(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "demo",
        what="Search recorded summaries of every system on the demo: a full leaderboard and page at once.",
        example="bench demo --no-open",
        run=_demo,
    )
    add_run_options(parser, ("out", "store", "quiet", "verbose"))
    add_format(parser, aligned=True)
    parser.add_argument("--no-open", action="store_true", help="do not open the page in the browser")


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


def _add_summarize(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "summarize",
        what="Let a generator write summaries of new videos, any number of them; nothing is evaluated.",
        example="""echo '{"id": "clip-1", "transcript": "we fry rice with egg in a hot wok"}' > new.jsonl """
        "&& bench summarize tfidf --videos new.jsonl --out summaries.jsonl",
        run=_summarize,
    )
    parser.add_argument("generator", metavar="GENERATOR", help="name, file.py:Class or module:Class")
    add_path(
        parser,
        "--videos",
        "PATH",
        "JSON lines of id and transcript, or a folder with videos.jsonl, features/ and frames/",
        required=True,
    )
    add_path(parser, "--out", "FILE", "JSON lines of video_id and summary", required=True)
    add_run_options(
        parser,
        [name for name in OPTIONS if name in USED_TO_SUMMARIZE],
        help={"data": "dataset that the generator is fitted on, as for run", "seed": "seed of the model"},
    )


def _demo(args: argparse.Namespace) -> int:
    from bench.cli.answer import is_aligned, open_page
    from bench.config.run_config import configure
    from bench.harness.demo import demo_options, recorded_run

    out, status = _execute(configure({**demo_options(), **run_options(args)}), args.format)
    run = recorded_run()
    print(
        f"bench: the summaries and costs of trained systems are recorded, from a run of commit "
        f"{run['commit'][:7]} on {run['machine']}; the search and the scores were computed now. "
        "Train them here: bench run --generators all,transcript,oracle",
        file=sys.stderr,
    )
    if is_aligned(args.format) and not args.no_open:
        open_page(out / "report.html")
    return status


def _run(args: argparse.Namespace) -> int:
    from bench.config.run_config import configure

    config = configure(run_options(args))
    if args.dry_run:
        from bench.harness.dry_run import preview

        sys.stdout.write(preview(config))
        return 0
    _, status = _execute(config, args.format)
    return status


def _execute(config: RunConfig, form: str | None) -> tuple[Path, int]:
    from bench.cli.answer import is_aligned, print_run
    from bench.harness.experiment import execute
    from bench.output.manifest import read_manifest

    out, errors = execute(config)
    manifest = read_manifest(out)
    if manifest.distinct or not errors:  # nothing but headers, where every row failed
        print_run(out, manifest, form)
    for cell, message in manifest.failed.items():
        print_error(f"{cell}: {message}")
    if not is_aligned(form) and (manifest.distinct or not errors):
        print(f"bench: results: {out} (open {out / 'report.html'})", file=sys.stderr)
    return out, errors[0].exit_status if errors else 0


def _summarize(args: argparse.Namespace) -> int:
    from bench.inference.summarize import summarize

    options = {name: value for name, value in run_options(args).items() if name != "out"}
    written = summarize(args.generator, args.videos, args.out, **options)
    sys.stdout.write(written.to_text())
    return 0


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
