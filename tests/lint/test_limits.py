"""The time of an audit grows with the size of a file; hostile files end in an error that says why."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.lint import report
from bench.lint.readers import grid
from bench.lint.report import LintReport, lint
from tests.conftest import Cli

MARKDOWN = "| Model | R@1 | R@5 |\n|---|---|---|\n"
LATEX = "\\begin{tabular}{lcc}\nModel & R@1 & R@5 \\\\\n"
HTML = "<table><tr><th>Model<th>R@1<tr><td>A<td>1.0</table>"
FACTOR = 8


def linear_bound(small: float) -> float:
    """Return what FACTOR times the input may take: three times linear growth, far below its square."""
    return 3 * FACTOR * max(small, 0.005)


def seconds(run: Callable[[], object]) -> float:
    """Return the least CPU time of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def markdown(cell: str, after: str = "") -> str:
    return f"{MARKDOWN}| A | {cell} | 2.0 |\n\n{after}\n"


def latex(cell: str, before: str = "") -> str:
    return f"{before}{LATEX}A & {cell} & 2.0 \\\\\n{END}"


END = "\\end{tabular}\n"
MACRO_ROW = "A & \\x{1} & \\x{2} \\\\\n"
ROW, BOLD_ROW, TEX_ROW = "| A | 1.0 | 2.0 |\n", "| A | **1.0** | <u>2.0</u> |\n", "A & 1.0 & 2.0 \\\\\n"
SCORES = "run,metric,value\n"
DEFINED = "\\newcommand{\\x}[1]{\\textbf{#1}}\n"
OPEN_TABULAR = "\\begin{tabular}{c}"
GROWING: dict[str, tuple[str, Callable[[int], str]]] = {
    "digits before a bracket": (".md", lambda n: markdown("1" * n + "(")),
    "blanks before a bar": (".md", lambda n: markdown("1", " " * n + "x|\n" + " " * n + "-|")),
    "open tags": (".md", lambda n: markdown("<b" * n)),
    "stars": (".md", lambda n: markdown("*" * n + "1" + "*" * n)),
    "rows": (".md", lambda n: MARKDOWN + ROW * (n // 20)),
    "bold rows": (".md", lambda n: MARKDOWN + BOLD_ROW * (n // 20)),
    "rows of gains": (".md", lambda n: MARKDOWN + (ROW + "| Gain % | +1 | 2 |\n") * (n // 40)),
    "tables": (".md", lambda n: (MARKDOWN + ROW + "\n") * (n // 60)),
    "comments": (".md", lambda n: markdown("1", "<!--" * n)),
    "open HTML tables": (".md", lambda n: markdown("1", "<table><tr><td>" * (n // 15))),
    "nested bold": (".tex", lambda n: latex("\\textbf{" * n + "1" + "}" * n)),
    "open braces": (".tex", lambda n: latex("{" * n)),
    "open tabulars": (".tex", lambda n: latex("1.0", OPEN_TABULAR * (n // 18))),
    "nested tabulars": (".tex", lambda n: latex(OPEN_TABULAR * (n // 18) + "1" + END * (n // 18))),
    "conditions without end": (".tex", lambda n: latex("1.0", "\\iffalse " * (n // 9))),
    "conditions with end": (".tex", lambda n: latex("1.0", "\\iffalse\\fi " * (n // 12))),
    "comments without end": (".tex", lambda n: latex("1.0", "\\begin{comment}" * (n // 15))),
    "a style sheet without rules": (".html", lambda n: f"<style>{'a' * n}</style>{HTML}"),
    "rules without end": (".html", lambda n: f"<style>{'#a{' * (n // 3)}</style>{HTML}"),
    "rows of LaTeX": (".tex", lambda n: LATEX + TEX_ROW * (n // 20) + END),
    "macros of the file": (".tex", lambda n: DEFINED + LATEX + MACRO_ROW * (n // 20) + END),
    "definitions": (".tex", lambda n: latex("1.0", "\\newcommand{\\x}{" * (n // 16))),
    "lines of CSV": (".csv", lambda n: "Model,R@1,R@5\n" + "A,1.0,2.0\n" * (n // 10)),
    "lines of scores": (".csv", lambda n: SCORES + "\n".join(f"{i},R@1,1" for i in range(n // 9))),
    "a long name of a column": (".csv", lambda n: f"Model,R@1,{'R@1 ' * n}\nA,1,2\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GROWING)
def test_time_grows_no_faster_than_the_file(kind: str, tmp_path: Path) -> None:
    suffix, text = GROWING[kind]

    def run(size: int) -> Callable[[], None]:
        path = tmp_path / f"t{size}{suffix}"
        path.write_text(text(size))

        def audit() -> None:
            with contextlib.suppress(DataError):
                lint(str(path))

        return audit

    assert seconds(run(FACTOR * 4000)) < linear_bound(seconds(run(4000)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.tex", latex("\\multicolumn{999999999}{c}{1}"), "multicolumn over"),
        ("t.tex", latex("\\multirow{" + "9" * 5000 + "}{*}{1}"), "multirow over"),
        ("t.csv", "Model,R@1\n" + "A,1e3000000\n", "too large or too small"),
        ("t.csv", "Model,R@1\n" + "A,1e-3000000\n", "too large or too small"),
        ("t.csv", f"Model,R@1\nA,{'1' * 5000}\n", "is not a number"),
        ("t.csv", "Model,R@1\nA,inf\n", "'inf' is not a number"),
        ("t.csv", f"Model,P@{'9' * 5000}\nA,1\n", "no table with numbers"),
        ("t.csv", "model,metric,value,n\nA,R@1,0.5,inf\n", "column n: 'inf' is not a number"),
        ("t.csv", "model,metric,value,n\nA,R@1,0.5,1e99999\n", "column n"),
        ("t.md", "<table><tr><th>Model<th colspan=999999999>R@1</table>", "no table with numbers"),
    ],
)  # fmt: skip
def test_a_number_that_no_table_holds_is_refused_with_a_reason(
    name: str, text: str, message: str, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / name).write_text(text)
    outcome = cli("lint-table", tmp_path / name)
    assert outcome.status == 3
    assert message in outcome.error()
    assert len(outcome.error()) < 1000


def test_an_infinite_number_of_queries_is_no_number_of_queries(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Model,n,P@1\nA,inf,0.5\n")
    assert lint(str(tmp_path / "t.csv")).ok


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "Model,R@1\n" + "A,1\n" * 9),
        ("t.md", MARKDOWN + ROW * 9),
        ("t.tex", LATEX + TEX_ROW * 9 + END),
    ],
)
def test_a_table_of_too_many_cells_is_refused(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "MAX_CELLS", 10)
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="at most 10 are read"):
        lint(str(tmp_path / name))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_BYTES", 10)
    (tmp_path / "t.csv").write_text("Model,R@1\nA,1\n")
    with pytest.raises(DataError, match="14 bytes; at most 10 are read"):
        lint(str(tmp_path / "t.csv"))


def test_control_characters_and_changes_of_direction_are_shown_as_escapes() -> None:
    text = LintReport("t\x1b]0;x\x07.csv", 1, (), ("a\u202eb\nc",)).to_text()
    assert text.splitlines() == ["note: a\\u202eb\\nc", "t\\x1b]0;x\\x07.csv: 1 cell, no violation"]
