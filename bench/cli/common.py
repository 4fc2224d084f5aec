"""What verbs share: how a verb and its example are declared."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeAlias

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


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, the form in which a verb prints its tables."""
    parser.add_argument("--format", choices=tuple(RENDERERS), default="markdown", help="default: markdown")
