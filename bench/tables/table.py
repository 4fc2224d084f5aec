"""A table of printed cells, and its Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bench.output.schema import guard
from bench.text import printable

PLAIN, BEST, FEW = "", "best", "few"
"""A cell without a mark, one of the best group of its column, which is printed bold, and one over few
queries, which is printed in parentheses."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as it is printed: its text, its rank in its block, and whether it carries the ``*``."""

    text: str
    rank: str = PLAIN
    star: bool = False
    value: float | None = None
    """The number, where its text is none, such as "< 0.0001"."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table to print: label columns, number columns, and the lines below it."""

    name: str
    caption: str
    labels: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Sequence[Cell]]]
    notes: Sequence[str]


def printable_table(table: Table) -> Table:
    """Make every text of a table safe to print: on one line and without control characters.

    Names of datasets, files and systems come from outside: none may steer a terminal or break a format.
    """
    rows = [
        ([_line(name) for name in names], [replace(cell, text=_line(cell.text)) for cell in cells])
        for names, cells in table.rows
    ]
    return Table(
        _line(table.name), _line(table.caption), [*map(_line, table.labels)], [*map(_line, table.columns)],
        rows, [*map(_line, table.notes)],
    )  # fmt: skip


def _line(text: str) -> str:
    return printable(" ".join(text.splitlines()))


def select_columns(table: Table, columns: Sequence[str]) -> Table:
    """Restrict a table to some number columns, in the order of ``columns``; unknown names are ignored."""
    places = [table.columns.index(name) for name in columns if name in table.columns]
    rows = [(names, [cells[place] for place in places]) for names, cells in table.rows]
    return replace(table, columns=[table.columns[place] for place in places], rows=rows)


Rows: TypeAlias = list[tuple[list[str], list[Cell]]]
"""Label cells and number cells of each row."""
_FEW = "({})".format


def to_markdown(table: Table) -> str:
    """Print a pipe table: the best group bold, ``*`` significant; notes below."""
    table = printable_table(table)
    marks: dict[str, Callable[[str], str]] = {BEST: "**{}**".format, PLAIN: str, FEW: _FEW}
    head = [_md(name) for name in (*table.labels, *table.columns)]
    lines = [
        f"**{plain_text(table.caption)}**",
        "",
        _piped(head),
        _piped(["---"] * len(table.labels) + ["---:"] * len(table.columns)),
    ]
    for names, cells in table.rows:
        numbers = (marks[c.rank](c.text) + "\\*" * c.star if c.text else "–" for c in cells)
        lines.append(_piped([*map(_md, names), *numbers]))
    notes = [f"{plain_text(note)}  " for note in table.notes]
    return "\n".join([*lines, "", *notes]) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _md(name: str) -> str:
    """Keep a label inside its cell, and out of the HTML that Markdown would take it for."""
    return plain_text(name.replace("\\", "\\\\").replace("|", "\\|"))


def plain_text(text: str) -> str:
    """Escape HTML, links and images of Markdown: an image would be fetched when the text is shown."""
    return text.replace("<", "&lt;").replace("](", "]\\(")


def to_csv(table: Table) -> str:
    """Write CSV with the printed numbers; notes as comment lines at the end."""
    import csv
    import io

    table = printable_table(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(guard, (*table.labels, *table.columns)))
    for names, cells in table.rows:
        writer.writerow([*map(guard, names), *(cell.text.replace(",", "") for cell in cells)])
    return out.getvalue() + "".join(f"# {' '.join(note.split())}\n" for note in table.notes)


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "±": r"$\pm$",
        "–": "--", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    }
)  # fmt: skip


COLUMN_FITS = 5
"""Number columns that fit a column of text in LaTeX; a table with more is scaled down to the line."""
_COMMENTS = ("Signature: ", "Coverage: ")


def to_latex(table: Table) -> str:
    r"""Write a booktabs table: the best group bold; notes follow, signature and coverage are comments.

    It needs \usepackage{booktabs}, graphicx where it is scaled to the line, and multirow where a label spans
    rows; a comment in the output names them. In the default fonts of LaTeX "<", ">" and "|" print other
    characters, so they are written by name.
    """
    table = printable_table(table)
    marks: dict[str, Callable[[str], str]] = {
        BEST: r"\textbf{{{}}}".format,
        PLAIN: str,
        FEW: _FEW,
    }
    head = [_tex(name) for name in (*table.labels, *table.columns)]
    columns = "l" * len(table.labels) + "r" * len(table.columns)
    is_wide = len(table.columns) > COLUMN_FITS
    labels = _spanning([names for names, _ in table.rows])
    is_spanned = any("multirow" in label for row in labels for label in row)
    packages = ["booktabs", *(["graphicx"] if is_wide else []), *(["multirow"] if is_spanned else [])]
    lines = [
        rf"% \usepackage{{{','.join(packages)}}}",
        *(f"% {_tex(note)}" for note in table.notes if note.startswith(_COMMENTS)),
        r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        *([r"\resizebox{\linewidth}{!}{%"] if is_wide else []), rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule", _tex_row(head), r"\midrule",
    ]  # fmt: skip
    block = table.rows[0][0][0] if table.rows else ""
    for (names, cells), shown_names in zip(table.rows, labels, strict=True):
        if len(table.labels) > 1 and names[0] != block:
            block = names[0]
            lines.append(r"\midrule")
        numbers = [marks[c.rank](_tex(c.text)) + "*" * c.star for c in cells]
        lines.append(_tex_row([*shown_names, *numbers]))
    lines += [r"\bottomrule", r"\end{tabular}" + "}" * is_wide, ""]
    shown = [note for note in table.notes if not note.startswith(_COMMENTS)]
    lines += [rf"{{\footnotesize {_tex(note)}\par}}" for note in shown]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _spanning(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Write labels as LaTeX; one that repeats in the rows below, but the last column's, spans them."""
    written = [[_tex(name) for name in names] for names in rows]
    for column in range(len(rows[0]) - 1 if rows else 0):
        groups = itertools.groupby(range(len(rows)), key=lambda place: rows[place][: column + 1])
        for first, *others in (list(places) for _, places in groups):
            for place in others:
                written[place][column] = ""
            if others:
                label = written[first][column]
                written[first][column] = rf"\multirow{{{len(others) + 1}}}{{*}}{{{label}}}" if label else ""
    return written


def _tex_row(cells: Sequence[str]) -> str:
    # after the double backslash of the row above, LaTeX takes a bracket or a star for its argument
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return guard + " & ".join(cells) + r" \\"


def _tex(text: str) -> str:
    return " ".join(text.split()).translate(_TEX)


def to_html(table: Table) -> str:
    """Write an HTML table with its notes; every text is escaped."""
    table = printable_table(table)
    marks: dict[str, Callable[[str], str]] = {
        BEST: "<strong>{}</strong>".format, PLAIN: str, FEW: _FEW,
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
