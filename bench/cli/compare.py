"""``bench compare`` and ``bench check``: systems of one or two runs, and a run against a committed table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_format, add_out, add_path, add_verb
from bench.cli.foreign import add_judgements, evaluated, refuse_without_qrels
from bench.errors import GateError, UsageError, counted
from bench.options import expand_home, split_list

if TYPE_CHECKING:
    from bench.comparison.gate import Rule
    from bench.result import Result


def add(verbs: Verbs) -> None:
    """Add the verbs of this module to the command line's parser."""
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
        help="metrics or globs such as 'R@*', comma-separated (default: R@10,CIDEr; without them all)",
    )
    option(
        "--by",
        metavar="generator|retriever|ATTRIBUTE",
        default="generator",
        help="compare generators under each retriever, or retrievers for each generator, or generators in "
        "each slice of the queries by an attribute, such as length (default: generator)",
    )
    add_judgements(parser)
    _add_split(parser)
    add_format(parser, aligned=True)


def _add_check(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "check",
        what="Check a run against a committed table or another run; fails (exit 5) if any score moved.",
        example="bench run --generators lead --retrievers bm25 --out out && "
        "bench check out --against lead.csv --update && bench check out --against lead.csv",
        run=_check,
    )
    add_out(parser)
    add_path(
        parser, "--against", "FILE|DIR", "a committed table, an output folder or (with --qrels) a run file",
        required=True,
    )  # fmt: skip
    parser.add_argument(
        "--update", action="store_true", help="make the run the new table, and print what moves"
    )
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="CELL=NUMBER",
        help="how far scores of cells such as '*.bm25' may move; a table keeps it (--update); repeatable "
        "(default: 0)",
    )
    _add_rule(parser)
    add_judgements(parser)
    _add_split(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "junit", "markdown"), default="text", help="default: text"
    )


def _add_split(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", metavar="NAME", help="split of a BEIR folder (default: test)")


def _add_rule(parser: argparse.ArgumentParser) -> None:
    """Add the options that say when a gate fails."""
    parser.add_argument(
        "--fail-on", choices=("change", "drop"), default="change",
        help="fail at any difference, or at a lower score only (default: change)",
    )  # fmt: skip
    parser.add_argument(
        "--significant", action="store_true",
        help="fail only where the paired test over queries is significant (Holm); print what it can detect",
    )  # fmt: skip
    parser.add_argument(
        "--only-common", action="store_true", help="do not fail for cells that only one side has"
    )
    parser.add_argument(
        "--cost", action="append", default=[], metavar="NAME=RATIO,...",
        help="gate costs of two output folders, too: columns of costs.csv with the ratio that is allowed, "
        "such as index_bytes_per_doc=1.1,search_p50_ms=2",
    )  # fmt: skip
    parser.add_argument(
        "--by", metavar="ATTRIBUTE",
        help="gate each slice of the queries, too, such as by length; one Holm correction for all",
    )  # fmt: skip
    parser.add_argument("--same-settings", action="store_true", help="fail where settings of a system differ")


def _compare(args: argparse.Namespace) -> int:
    from bench.cli.answer import print_answers, print_table
    from bench.comparison.compare_runs import METRICS, OPTIONAL, compare_runs
    from bench.result import Result

    refuse_without_qrels(args)
    outs = [out for out in (args.out, args.other) if out is not None]
    words = split_list(*args.metric or ())
    if args.qrels is None:
        table = compare_runs(outs, baseline=args.baseline, metrics=words or METRICS, by=args.by)
    else:
        with evaluated(args, [str(out) for out in outs]) as (result,):
            first = result.manifest.settings["generators"][0]
            baseline = args.baseline or first
            table = compare_runs([result.out], baseline=baseline, metrics=words or ["*"], by=args.by)
    print_table(table, args.format, OPTIONAL)
    if len(outs) == 1 and args.qrels is None and args.format is None and args.by == "generator":
        print_answers(Result.read(args.out))
    return 0


def _check(args: argparse.Namespace) -> int:
    from bench.comparison.gate import Rule
    from bench.comparison.regression import parse_tolerances
    from bench.result import Result

    refuse_without_qrels(args)
    rule = Rule(
        fail_on=args.fail_on,
        significant=args.significant,
        only_common=args.only_common,
        tolerances=parse_tolerances(args.tolerance),
        by=args.by,
    )
    if args.qrels is not None:
        if args.cost:
            raise UsageError("--cost compares two output folders; run files have no costs. Leave it out.")
        with evaluated(args, [f"run={args.against}"], [f"run={args.out}"]) as (before, after):
            return _check_on_run(before, after, rule, args)
    if args.against.is_dir():
        return _check_on_run(Result.read(args.against), Result.read(args.out), rule, args)
    if args.cost:
        raise UsageError("--cost compares two output folders: name a folder with --against.")
    if rule.by:
        raise UsageError("--by needs scores by query: name a folder or, with --qrels, a run file.")
    if rule.significant:
        raise UsageError("--significant needs scores by query: name a folder or, with --qrels, a run file.")
    if args.update:
        return _update_table(Result.read(args.out), args.against, list(rule.tolerances))
    if rule.tolerances:
        raise UsageError("--tolerance changes the table: use it with --update.")
    return _check_on_table(Result.read(args.out), rule, args)


def _check_on_run(before: Result, after: Result, rule: Rule, args: argparse.Namespace) -> int:
    from bench.comparison.costs import gate_costs, parse_costs
    from bench.comparison.gate import RENDERERS, changed_settings, gate_on_run
    from bench.output.schema import GIVEN

    if args.update:
        raise UsageError("--update writes a table; --against names a run.")
    signatures = before.manifest.signature, after.manifest.signature
    are_given = all(side.manifest.settings["protocol"] == GIVEN for side in (before, after))
    changes = [] if are_given else changed_settings(*signatures)  # run files have no settings
    _report_settings(changes, args)
    rows = gate_on_run(before, after, rule) + gate_costs(before, after, parse_costs(args.cost), rule)
    print(RENDERERS[args.format](rows, f"{args.out} against {args.against}"))
    failed = sum(row.failed for row in rows)
    if failed:
        raise GateError(
            f"{counted(failed, 'score')} of {args.out} against {args.against} failed (listed above)."
        )
    return 0


def _report_settings(changes: Sequence[str], args: argparse.Namespace) -> None:
    """Print in what the settings of systems differ; refuse them where that was asked for."""
    if changes and args.same_settings:
        raise GateError(f"the settings differ, and --same-settings was given: {'; '.join(changes)}.")
    for change in changes:
        print(f"bench: setting changed: {change}", file=sys.stderr)


def _check_on_table(result: Result, rule: Rule, args: argparse.Namespace) -> int:
    from bench.comparison.gate import RENDERERS, changed_settings, gate_on_table
    from bench.comparison.regression import baseline_of, differences, read_baseline, refuse_other_data, report
    from bench.output.per_item import RunItems

    path = args.against
    before, after = read_baseline(path), baseline_of(result)
    refuse_other_data(path, before, after)
    _report_settings(changed_settings(before.signature, after.signature), args)
    rows = gate_on_table(before, after, rule)
    failed = sum(row.failed for row in rows)
    if args.format != "text":
        print(RENDERERS[args.format](rows, f"{result.out} against {path}"))
    else:
        texts = RunItems(result.out, result.manifest).texts()
        for line in report(differences(before, after), before, after, texts):
            print(line)
    if failed:
        raise GateError(
            f"{counted(failed, 'score')} of {result.out} {'differs' if failed == 1 else 'differ'} "
            f"from {path} (listed above). If intended, update it with --update and say why in the commit."
        )
    if args.format == "text":
        within = "each within its tolerance" if not differences(before, after) else "none failed"
        checked = sum(row.difference is not None for row in rows)
        print(f"{path}: {counted(checked, 'score')} checked, {within}")
    return 0


def _update_table(result: Result, path: Path, tolerances: list[tuple[str, float]]) -> int:
    from bench.comparison.regression import baseline_of, differences, read_baseline, report, write_baseline
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
    print(f"{path}: {counted(len(after.cells), 'score')}, {news}")
    return 0
