"""``bench compare`` and ``bench check``: systems of one or two runs, and a run against a committed table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_format, add_out, add_path, add_verb
from bench.options import expand_home

if TYPE_CHECKING:
    from bench.result import Result


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    _add_compare(verbs)
    _add_check(verbs)


def _add_compare(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "compare",
        what="Compare generators or retrievers of one or two runs: paired tests, intervals, wins per query.",
        example="bench run --generators lead,transcript --retrievers bm25 --out out && "
        "bench compare out --baseline lead",
        run=_compare,
    )
    add_out(parser)
    option = parser.add_argument
    option(
        "other",
        metavar="OUT2",
        type=expand_home,
        nargs="?",
        help="a second run over the same queries and pool",
    )
    option(
        "--baseline",
        metavar="LABEL",
        help="baseline row, by name or label (default: best ranked system; with OUT2, the same row in OUT)",
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


def _add_check(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "check",
        what="Check a run against a committed table; fails (exit 5) if any score moved, up or down.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench check out --against lead.csv --update && bench check out --against lead.csv",
        run=_check,
    )
    add_out(parser)
    add_path(parser, "--against", "FILE", "the committed table", required=True)
    parser.add_argument(
        "--update", action="store_true", help="make the run the new table, and print what moves"
    )
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="CELL=NUMBER",
        help="with --update: how far scores of cells such as '*.bm25' may move; repeatable (default: 0)",
    )


def _compare(args: argparse.Namespace) -> int:
    from bench.comparison.compare_runs import METRICS, compare_runs
    from bench.tables.table import RENDERERS

    outs = [out for out in (args.out, args.other) if out is not None]
    words = [word.strip() for given in args.metric or () for word in given.split(",") if word.strip()]
    table = compare_runs(outs, baseline=args.baseline, metrics=words or METRICS, by=args.by)
    print(RENDERERS[args.format](table), end="")
    return 0


def _check(args: argparse.Namespace) -> int:
    from bench.comparison.regression import parse_tolerances
    from bench.errors import UsageError
    from bench.result import Result

    result = Result.read(args.out)
    tolerances = parse_tolerances(args.tolerance)
    if args.update:
        return _update_table(result, args.against, tolerances)
    if tolerances:
        raise UsageError("--tolerance changes the table: use it with --update.")
    return _check_against(result, args.against)


def _check_against(result: Result, path: Path) -> int:
    from bench.comparison.regression import baseline_of, differences, read_baseline, refuse_other_data, report
    from bench.errors import GateError
    from bench.output.per_item import RunItems

    before, after = read_baseline(path), baseline_of(result)
    refuse_other_data(path, before, after)
    moved = differences(before, after)
    for line in report(moved, before, after, RunItems(result.out, result.manifest).texts()):
        print(line)
    if moved:
        raise GateError(
            f"{_count(len(moved), 'score')} of {result.out} {'differs' if len(moved) == 1 else 'differ'} "
            f"from {path} (listed above). If intended, update it with --update and say why in the commit."
        )
    print(f"{path}: {_count(len(before.cells), 'score')} checked, each within its tolerance")
    return 0


def _update_table(result: Result, path: Path, tolerances: list[tuple[str, float]]) -> int:
    from bench.comparison.regression import baseline_of, differences, read_baseline, report, write_baseline
    from bench.errors import UsageError
    from bench.output.per_item import RunItems

    if result.failed or not result.manifest.finished:
        raise UsageError(f"{result.out} is not complete: cells failed or are missing. No table is written.")
    before = read_baseline(path) if path.is_file() else None
    after = baseline_of(result, before=before, tolerances=tolerances)
    changes = differences(before, after) if before else []
    texts = RunItems(result.out, result.manifest).texts()
    lines = report(changes, before, after, texts) if before else []
    write_baseline(path, after)
    for line in lines:
        print(line)
    news = f"{len(changes)} moved beyond their tolerance" if before else "new"
    print(f"{path}: {_count(len(after.cells), 'score')}, {news}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
