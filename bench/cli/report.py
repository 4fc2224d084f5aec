"""``bench report``: the page of a run again, several runs on one page, figures for a paper."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli.common import Verbs, add_verb

FORMS = ("svg", "png")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs,
        "report",
        what="Make the page of a run again, or one page that compares several.",
        example="bench run --generators lead,transcript --retrievers bm25 --out out && bench report out",
        run=_run,
    )
    parser.add_argument("out", nargs="+", metavar="OUT", type=Path, help="output folder of a run")
    parser.add_argument(
        "--to",
        metavar="FILE.html",
        type=Path,
        help="where the page goes (default: OUT/report.html for one run, comparison.html for several)",
    )
    parser.add_argument("--figures", choices=FORMS, help="write each plot to figures/ beside the page, too")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--store", type=Path, metavar="DIR", help="shared artefacts")


def _run(chosen: argparse.Namespace) -> int:
    from bench.report.pages import make_page

    page = make_page(chosen.out, to=chosen.to, figures=chosen.figures, store=chosen.store)
    print(f"bench: the page is {page}", file=sys.stderr)
    if chosen.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return 0
