"""A table of printed cells, and its Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

PLAIN, BEST, SECOND = "", "best", "second"


@dataclass(frozen=True, slots=True)
class Cell:
    """Hold one number as it is printed: ``text``, whether it is best or second, ``*`` when significant."""

    text: str
    rank: str = PLAIN
    star: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table: label columns, number columns, and the lines below it."""

    name: str
    caption: str
    labels: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[Cell]]]
    notes: Sequence[str]


Rows: TypeAlias = list[tuple[list[str], list[Cell]]]
"""Label cells and number cells of each row."""


def to_markdown(table: Table) -> str:
    """Return a pipe table: best bold, second underlined, ``*`` significant; notes below."""
    marks: dict[str, Callable[[str], str]] = {BEST: "**{}**".format, SECOND: "<u>{}</u>".format, PLAIN: str}
    head = [_md(name) for name in (*table.labels, *table.columns)]
    lines = [
        f"**{table.caption.replace('<', '&lt;')}**",
        "",
        _piped(head),
        _piped(["---"] * len(table.labels) + ["---:"] * len(table.columns)),
    ]
    for names, cells in table.rows:
        numbers = (marks[c.rank](c.text) + "\\*" * c.star if c.text else "–" for c in cells)
        lines.append(_piped([*map(_md, names), *numbers]))
    notes = [f"{note}  ".replace("<", "&lt;") for note in table.notes]
    return "\n".join([*lines, "", *notes]) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _md(name: str) -> str:
    """Keep a label inside its cell, and out of the HTML that Markdown would take it for."""
    return " ".join(name.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").splitlines())


def to_csv(table: Table) -> str:
    """Return CSV with the printed numbers; notes as comment lines at the end."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*table.labels, *table.columns])
    for names, cells in table.rows:
        # a spreadsheet would run a label that begins like a formula
        safe = ["'" + name if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name for name in names]
        writer.writerow([*safe, *(cell.text.replace(",", "") for cell in cells)])
    return out.getvalue() + "".join(f"# {' '.join(note.split())}\n" for note in table.notes)


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "±": r"$\pm$",
        "–": "--", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    }
)  # fmt: skip


def to_latex(table: Table) -> str:
    r"""Return a booktabs table: best bold, second underlined; the notes follow the tabular.

    It needs \usepackage{booktabs}, which a comment says. In the default fonts of LaTeX "<", ">" and "|"
    are other signs, so that they are written by name.
    """
    marks: dict[str, Callable[[str], str]] = {
        BEST: r"\textbf{{{}}}".format,
        SECOND: r"\underline{{{}}}".format,
        PLAIN: str,
    }
    head = [_tex(name) for name in (*table.labels, *table.columns)]
    columns = "l" * len(table.labels) + "r" * len(table.columns)
    lines = [
        r"% \usepackage{booktabs}", r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}", rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule", _tex_row(head), r"\midrule",
    ]  # fmt: skip
    block = table.rows[0][0][0] if table.rows else ""
    for names, cells in table.rows:
        if len(table.labels) > 1 and names[0] != block:
            block = names[0]
            lines.append(r"\midrule")
        numbers = [marks[c.rank](_tex(c.text)) + "*" * c.star for c in cells]
        lines.append(_tex_row([*(_tex(name) for name in names), *numbers]))
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    lines += [rf"{{\footnotesize {_tex(note)}\par}}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _tex_row(cells: Sequence[str]) -> str:
    # after the double backslash of the row above, LaTeX takes a bracket or a star for its argument
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return guard + " & ".join(cells) + r" \\"


def _tex(text: str) -> str:
    return " ".join(text.split()).translate(_TEX)


def to_html(table: Table) -> str:
    """Return an HTML table with its notes; every text is escaped."""
    marks: dict[str, Callable[[str], str]] = {
        BEST: "<strong>{}</strong>".format, SECOND: "<u>{}</u>".format, PLAIN: str,
    }  # fmt: skip
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in (*table.labels, *table.columns))
    body = []
    for names, cells in table.rows:
        labels = "".join(f'<th scope="row">{html.escape(name)}</th>' for name in names)
        numbers = "".join(f"<td>{marks[c.rank](html.escape(c.text))}{'*' * c.star}</td>" for c in cells)
        body.append(f"<tr>{labels}{numbers}</tr>")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f'<table id="{html.escape(table.name)}"><caption>{html.escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{notes}\n"
    )


RENDERERS: Mapping[str, Callable[[Table], str]] = {
    "markdown": to_markdown, "csv": to_csv, "latex": to_latex, "html": to_html,
}  # fmt: skip
SUFFIXES = {"markdown": "md", "csv": "csv", "latex": "tex"}
"""Formats that a run writes into ``tables/`` (contract section 4)."""
