"""``bench list``, ``new`` and ``doctor``: list the systems, start a new one, check this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common import Verbs, add_path, add_verb

if TYPE_CHECKING:
    from bench.systems.registry import Listing

OUR_DISTRIBUTION = "qms-bench"
KINDS = ("generators", "retrievers", "datasets", "presets", "metrics")
STARTED = ("generator", "retriever", "metric", "dataset", "encoder")
"""What ``bench new`` writes a package of."""
ON_REQUEST = ("claims", "encoders", "importers", "options")
"""Long lists, printed when they are named."""


def add(verbs: Verbs) -> None:
    """Add the verbs of this module to the command line's parser."""
    parser = add_verb(
        verbs,
        "list",
        what="List generators, retrievers, datasets, presets, metrics, encoders, importers, claims, options.",
        example="bench list generators",
        run=_list,
    )
    parser.add_argument(
        "kind",
        nargs="?",
        choices=KINDS + ON_REQUEST,
        metavar="KIND",
        help=f"one of {', '.join(KINDS + ON_REQUEST)} (default: all but {', '.join(ON_REQUEST)})",
    )
    _add_new(verbs)
    add_verb(
        verbs,
        "doctor",
        what="Check versions, Java, FAISS, GPU and weights, with the command that fixes each problem.",
        example="bench doctor",
        run=_doctor,
    )


def _add_new(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "new",
        what="Start a package of your own, with a test.",
        example="bench new generator last-sentence && cat last-sentence/last_sentence/generator.py",
        run=_new,
    )
    parser.add_argument("kind", choices=STARTED, metavar="KIND", help=f"one of {', '.join(STARTED)}")
    parser.add_argument("name", metavar="NAME", help="how it is named on the command line")
    add_path(parser, "--out", "DIR", "folder that is made (default: NAME)")


def _list(args: argparse.Namespace) -> int:
    for kind in [args.kind] if args.kind else KINDS:
        rows = _rows(kind)
        width = max((len(name) for name, _ in rows), default=0)
        print(f"{kind}:")
        for name, text in rows:
            print(f"  {name:<{width}}  {text}".rstrip())
    return 0


def _rows(kind: str) -> list[tuple[str, str]]:
    if kind == "presets":
        from bench.config.presets import preset_names, preset_text

        return [(name, preset_text(name).partition("\n")[0].lstrip("# ")) for name in preset_names()]
    if kind == "claims":
        from bench.paper.published import claims

        return [(claim.id, f"{claim.statement}  [{claim.section}]") for claim in claims()]
    if kind == "metrics":
        from bench.metrics.definitions import BY_NAME, DESCRIPTIONS
        from bench.systems.registry import listing

        return [
            *DESCRIPTIONS.items(),
            *BY_NAME.items(),
            *((line.name, _summary(line)) for line in listing("measures")),
        ]
    if kind == "options":
        return _options()
    if kind == "importers":
        return _importers()
    from bench.systems.registry import entries, listing

    rows = [(line.name, _summary(line)) for line in listing(kind)]
    groups = entries(f"{kind.rstrip('s')}_groups")
    return rows + [(name, _group(kind, name)) for name in sorted(groups)]


def _summary(line: Listing) -> str:
    """Describe a name in a line; a plug-in's also with the package it comes from."""
    summary = line.summary.replace("``", "")
    return summary if line.source.startswith(f"{OUR_DISTRIBUTION} ") else f"{summary}  [{line.source}]"


def _options() -> list[tuple[str, str]]:
    from bench.config.listing import list_options
    from bench.systems.registry import option_sections

    return [
        (option.key, f"{option.allowed} (default: {option.default}). {option.meaning}".rstrip())
        for option in list_options(option_sections())
    ]


def _importers() -> list[tuple[str, str]]:
    """List the importers, and under each its recipes."""
    from bench.errors import BenchError
    from bench.systems.registry import listing, load

    rows = []
    for line in listing("importers"):
        rows.append((line.name, _summary(line)))
        try:
            recipes = load("importers", line.name).recipes
        except BenchError as error:  # the listing goes on with the others
            rows.append(("", str(error)))
            continue
        rows += [("", f"--recipe {name}: {text}") for name, text in recipes.items()]
    return rows


def _group(kind: str, name: str) -> str:
    from bench.errors import BenchError
    from bench.systems.registry import members

    try:
        return f"group: {', '.join(members(kind, name))}"
    except BenchError as error:  # the listing goes on with the others
        return str(error)


def _doctor(args: argparse.Namespace) -> int:
    from bench.errors import MissingError
    from bench.systems.doctor import run_checks

    checks = run_checks()
    width = max(len(check.name) for check in checks)
    for check in sorted(checks, key=lambda check: not check.ok):  # what is to be done comes last
        state = "ok" if check.ok else "MISSING" if check.needed else "optional"
        print(f"{state:<8}  {check.name:<{width}}  {check.found}")
        if check.fix:
            print(f"{'':<8}  {'':<{width}}  Fix: {check.fix}")
    missing = [check.name for check in checks if check.needed and not check.ok]
    absent = [check.name for check in checks if not check.needed and not check.ok]
    verdict = f"Missing: {', '.join(missing)}." if missing else "Ready: all that is required is installed."
    optional = f" Optional and not found: {', '.join(absent)}." if absent else ""
    print(f"\n{verdict}{optional}")
    return MissingError.exit_status if missing else 0


def _new(args: argparse.Namespace) -> int:
    from bench.scaffold.package import start_package

    folder = args.out or Path(args.name)
    for path in start_package(args.kind, args.name, folder):
        print(path)
    use = {
        "generator": f"bench run --generators {args.name},lead --retrievers bm25",
        "retriever": f"bench run --generators lead,transcript --retrievers {args.name},bm25",
        "metric": f"bench evaluate --qrels QRELS --run RUN --metrics {args.name}@10",
        "dataset": f"bench run --data {args.name} --generators transcript --retrievers bm25",
        "encoder": f"bench data prepare --encoder {args.name} --videos DIR --queries FILE --out mine",
    }
    print(f"\nInstall and use it: pip install -e {folder} && {use[args.kind]}")
    return 0
