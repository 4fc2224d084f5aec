"""Make the pictures and the table of results of README.md from a finished run of ``bench demo``.

Usage: python docs/make_pictures.py OUT

Writes ``docs/pictures/`` (the page's first screen, light and dark, by the Chromium that playwright finds or
that $CHROME names; the terminal, by rich) and the rows between the two marks in README.md.
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

from rich.console import Console

from bench.output.per_item import RunItems
from bench.result import Result
from bench.summary.sentences import score_text
from bench.summary.terminal import print_answer

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
MARKS = "<!-- made by docs/make_pictures.py -->", "<!-- end -->"
SIZE = {"width": 1440, "height": 900}
COLUMNS = 100


def main(out: Path) -> None:
    """Make all pictures, and the table."""
    result = Result.read(out)
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "terminal.svg").write_text(draw_terminal(result), encoding="utf-8")
    photograph(out / "report.html")
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    text = f"{before}{MARKS[0]}\n{write_table(result)}{MARKS[1]}{after}"
    readme.write_text(text, encoding="utf-8")


def draw_terminal(result: Result) -> str:
    """Return an SVG of what ``bench demo`` prints on a terminal."""
    assert result.summary is not None
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    query = next(iter(RunItems(result.out, result.manifest).texts()))
    print_answer(result.summary, result.manifest, Path("results/runs/demo"), query, console)
    svg = console.export_svg(title="bench demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # fonts would be fetched


def photograph(page: Path) -> None:
    """Save the first screen of a page, light and dark."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROME"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport=SIZE, color_scheme=scheme)
            tab.goto(page.resolve().as_uri())
            tab.wait_for_timeout(1000)
            tab.screenshot(path=PICTURES / f"page-{scheme}.png")
        browser.close()


def write_table(result: Result) -> str:
    """Return the leaderboard with BM25 as Markdown, with the caption metrics beside it."""
    summary, manifest = result.summary, result.manifest
    assert summary is not None
    board, caption = summary.board("bm25"), summary.board("", "CIDEr")
    assert board is not None
    assert caption is not None
    ciders = {row.generator: row.value for row in caption.rows}
    heads = ["Model", "R@10, BM25", "letters", "CIDEr", "distinct"]
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---|---:|---:|"]
    for row in board.rows:
        label = f"*{row.label}*" if row.is_reference else row.label
        score = score_text(row)
        if row.generator in board.leaders:
            score = f"**{score}**"
        cells = [
            label, score, "".join(row.letters.split()), f"{ciders[row.generator] * 100:.1f}",
            f"{manifest.distinct[row.generator] * 100:.0f} %",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
