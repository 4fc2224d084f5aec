"""What verbs share: how a verb, its example, its paths and the options of a run are declared."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bench.config.run_config import OPTIONS
from bench.options import expand_home, parse_value
from bench.tables.table import RENDERERS

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_verb(
    verbs: Verbs, name: str, *, what: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a verb whose ``--help`` shows one example that works as typed on a fresh install."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=what[0].lower() + what[1:].rstrip("."),
        description=what,
        epilog=f"Example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def add_out(parser: argparse.ArgumentParser, **more: Any) -> None:
    """Add OUT, the folder of a run that a verb reads."""
    parser.add_argument("out", metavar="OUT", type=expand_home, help="output folder of a run", **more)


def add_path(parser: argparse.ArgumentParser, flag: str, metavar: str, help: str, **more: Any) -> None:
    """Add an option that names a file or a folder; ``~`` is the home folder."""
    parser.add_argument(flag, metavar=metavar, type=expand_home, help=help, **more)


def add_number(
    parser: argparse.ArgumentParser, flag: str, metavar: str, help: str, kind: Any, **more: Any
) -> None:
    """Add an option that is a number, read as those of a run are; ``kind`` is an annotated type."""
    name = flag.lstrip("-")
    parser.add_argument(
        flag, metavar=metavar, type=lambda text: parse_value(name, text, kind), help=help, **more
    )


def add_by(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add ``--by``, which names attributes of the queries."""
    parser.add_argument(
        "--by",
        metavar="LIST",
        help=f"{meaning}: a field of queries.jsonl, length, language, question-word or (of a run) seen",
    )


def add_format(parser: argparse.ArgumentParser, *, aligned: bool = False) -> None:
    """Add ``--format``, the form in which a verb prints its tables.

    With ``aligned`` there is no default: a verb aligns them on a terminal and prints Markdown elsewhere.
    """
    default = None if aligned else "markdown"
    text = "default: aligned on a terminal, markdown elsewhere" if aligned else "default: markdown"
    parser.add_argument("--format", choices=tuple(RENDERERS), default=default, help=text)


def add_run_options(
    parser: argparse.ArgumentParser,
    names: Collection[str] = tuple(OPTIONS),
    *,
    help: Mapping[str, str] | None = None,
) -> None:
    """Add the flags of options of a run; ``help`` replaces what some of them mean for this verb.

    They have no defaults here: what is not given comes from ``--config``, the preset or `RunConfig`.
    """
    for name in names:
        option = OPTIONS[name]
        text = option.describe((help or {}).get(name, "")).replace("%", "%%")
        if not option.metavar:
            parser.add_argument(option.flag, dest=name, action="store_true", default=None, help=text)
            continue
        action = "append" if name == "set" else "store"
        parser.add_argument(option.flag, dest=name, action=action, metavar=option.metavar, help=text)


def run_options(args: argparse.Namespace) -> dict[str, Any]:
    """Collect the options of a run that were given on the command line."""
    given = {name: getattr(args, name, None) for name in OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def dataset_of(args: argparse.Namespace) -> Path:
    """Locate the folder of the dataset that ``data`` names. Raises UsageError."""
    from bench.config.run_config import configure
    from bench.data.registered import dataset_folder
    from bench.store.artefacts import default_root

    config = configure({"data": args.data, "store": args.store})
    return dataset_folder(config.data, (config.store or default_root()) / "datasets")
