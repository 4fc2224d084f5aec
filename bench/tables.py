"""Tables like the paper's: scores to Markdown, CSV, LaTeX and HTML, signature and coverage below."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

GENERATION = {
    "B-1": "BLEU-1", "B-2": "BLEU-2", "B-3": "BLEU-3", "B-4": "BLEU-4", "R-L": "ROUGE-L", "C": "CIDEr",
}  # fmt: skip
"""Headers of the paper's Table III and the metrics they stand for."""
RETRIEVAL = [f"{kind}@{k}" for kind in ("R", "P") for k in (1, 5, 10, 30)] + ["Acc@5", "Acc@10", "Acc@30"]
"""Columns of the paper's Table V; Acc@1 equals P@1."""
COST_HEADERS = {
    "fit_s": "fit s", "videos_per_s": "videos/s", "params": "parameters",
    "index_bytes_per_doc": "index B/doc", "index_s": "index s", "search_p50_ms": "p50 ms",
    "search_p95_ms": "p95 ms", "queries_per_s": "queries/s", "peak_mb": "peak MB",
}  # fmt: skip
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


def build_tables(scores: pd.DataFrame, costs: pd.DataFrame, manifest: Mapping[str, Any]) -> list[Table]:
    """Return the generation, retrieval and cost tables of a run."""
    labels, apart = manifest["labels"], manifest["references"]
    notes = [f"Signature: {manifest['signature']}", f"Coverage: {manifest['coverage_line']}"]
    what = manifest["dataset"]["name"] + (" (synthetic)" if manifest["dataset"]["synthetic"] else "")
    return [
        Table(
            "generation", f"Generation on {what}, ×100", ["Model"], list(GENERATION),
            _rows(generation_frame(scores), labels, apart), notes,
        ),
        Table(
            "retrieval", f"Retrieval on {what}, ×100", ["Retriever", "Model"], RETRIEVAL,
            _rows(retrieval_frame(scores), labels, apart), notes,
        ),
        Table(
            "cost", f"Cost on {what}", ["Retriever", "Model"], list(COST_HEADERS.values()),
            _cost_rows(costs, labels), notes,
        ),
    ]  # fmt: skip


def generation_frame(scores: pd.DataFrame) -> pd.DataFrame:
    """Return generation scores ×100, a row per generator, laid out as Table III."""
    frame = _wide(scores[scores["retriever"].isna()], ["generator"], list(GENERATION.values()))
    return frame.rename(columns={metric: header for header, metric in GENERATION.items()})


def retrieval_frame(scores: pd.DataFrame) -> pd.DataFrame:
    """Return retrieval scores ×100, a row per retriever and generator, laid out as Table V."""
    return _wide(scores[scores["retriever"].notna()], ["retriever", "generator"], RETRIEVAL)


def _wide(scores: pd.DataFrame, index: list[str], columns: list[str]) -> pd.DataFrame:
    order = scores[index].drop_duplicates()
    frame = scores.pivot_table(index=index, columns="metric", values="value", dropna=False, observed=True)
    frame = frame.reindex(columns=columns)
    rows = order[index[0]].tolist() if len(index) == 1 else list(order.itertuples(index=False, name=None))
    rows = sorted(rows, key=lambda row: _first_seen(order, index, row))
    return frame.reindex(rows) * 100 if rows else frame


def _first_seen(order: pd.DataFrame, index: list[str], row: Any) -> tuple[int, ...]:
    """Sort by the first appearance of each level, so that a retriever's rows stand together."""
    values = (row,) if len(index) == 1 else row
    return tuple(order[level].tolist().index(value) for level, value in zip(index, values, strict=True))


def _rows(
    frame: pd.DataFrame, labels: Mapping[str, str], apart: Sequence[str]
) -> list[tuple[list[str], list[Cell]]]:
    """Return label and number cells; best and second are marked within a block, reference rows never."""
    if frame.empty:
        return []
    blocks = frame.groupby(level=0, sort=False) if frame.index.nlevels > 1 else [("", frame)]
    rows = []
    for _, block in blocks:
        own = ~block.index.get_level_values(-1).isin(apart)
        ranks = {column: _ranks(block[column].round(2).where(own).tolist()) for column in block.columns}
        for place, (index, values) in enumerate(block.iterrows()):
            names = [str(name) for name in (index if isinstance(index, tuple) else (index,))]
            cells = [
                Cell("" if value != value else f"{value:.2f}", ranks[column][place])
                for column, value in zip(block.columns, values.tolist(), strict=True)
            ]
            rows.append(([labels.get(name, name) for name in names], cells))
    return rows


def _ranks(values: Sequence[float]) -> list[str]:
    """Mark the best and the second value as printed; nothing when there is nothing to compare."""
    distinct = sorted({value for value in values if value == value}, reverse=True)
    if len(distinct) < 2:
        return [PLAIN] * len(values)
    names = {distinct[0]: BEST, distinct[1]: SECOND}
    return [names.get(value, PLAIN) for value in values]


def _cost_rows(costs: pd.DataFrame, labels: Mapping[str, str]) -> list[tuple[list[str], list[Cell]]]:
    names = costs[["retriever", "generator"]].fillna("").to_numpy().tolist()
    numbers = costs[list(COST_HEADERS)].astype(float).to_numpy().tolist()
    return [
        ([labels.get(name, name) for name in pair], [Cell(_plain(value)) for value in values])
        for pair, values in zip(names, numbers, strict=True)
    ]


def _plain(value: float) -> str:
    if value != value:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def to_markdown(table: Table) -> str:
    """Return a pipe table: best bold, second underlined, ``*`` significant; notes below."""
    marks: dict[str, Callable[[str], str]] = {BEST: "**{}**".format, SECOND: "<u>{}</u>".format, PLAIN: str}
    head = [*table.labels, *table.columns]
    lines = [
        f"**{table.caption}**",
        "",
        _piped(head),
        _piped(["---"] * len(table.labels) + ["---:"] * len(table.columns)),
    ]
    for names, cells in table.rows:
        lines.append(
            _piped([*names, *(marks[c.rank](c.text) + "\\*" * c.star if c.text else "–" for c in cells)])
        )
    return "\n".join([*lines, "", *(f"{note}  " for note in table.notes)]) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def to_csv(table: Table) -> str:
    """Return CSV with the printed numbers; notes as comment lines at the end."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*table.labels, *table.columns])
    for names, cells in table.rows:
        # a spreadsheet would run a label that begins like a formula
        safe = ["'" + name if name[:1] in ("=", "+", "-", "@") else name for name in names]
        writer.writerow([*safe, *(cell.text.replace(",", "") for cell in cells)])
    return out.getvalue() + "".join(f"# {' '.join(note.split())}\n" for note in table.notes)


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "–": "--",
    }
)  # fmt: skip


def to_latex(table: Table) -> str:
    """Return a booktabs table: best bold, second underlined; the notes follow the tabular."""
    marks: dict[str, Callable[[str], str]] = {
        BEST: r"\textbf{{{}}}".format,
        SECOND: r"\underline{{{}}}".format,
        PLAIN: str,
    }
    head = [name.translate(_TEX) for name in (*table.labels, *table.columns)]
    columns = "l" * len(table.labels) + "r" * len(table.columns)
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{table.caption.translate(_TEX)}}}",
        rf"\label{{tab:{table.name}}}", rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule", _tex_row(head), r"\midrule",
    ]  # fmt: skip
    block = table.rows[0][0][0] if table.rows else ""
    for names, cells in table.rows:
        if len(table.labels) > 1 and names[0] != block:
            block = names[0]
            lines.append(r"\midrule")
        numbers = [marks[c.rank](c.text.translate(_TEX)) + "*" * c.star for c in cells]
        lines.append(_tex_row([*(name.translate(_TEX) for name in names), *numbers]))
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    lines += [rf"{{\footnotesize {note.translate(_TEX)}\par}}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _tex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


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
