"""Draw the pictures of the documentation: ``python docs/draw.py`` writes ``docs/pictures/*.svg``.

Two are diagrams; two are plots of a run on the demo dataset, which this script makes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import vl_convert

import bench
from bench.summary.run_summary import Board

PICTURES = Path(__file__).parent / "pictures"
Spec = dict[str, Any]
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_STYLE = {"font": "sans-serif", "background": "white", "view": {"stroke": None}}
_POINT = {"type": "point", "filled": True, "size": 80, "color": "#1a5276", "opacity": 1}
_SIZE = (
    'viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="14"'
)
_ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>'
)


def main(folder: Path) -> None:
    """Write all pictures."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as out:
        result = bench.run(
            generators="lead,tfidf,transcript,oracle",
            retrievers="bm25",
            out=out,
            quiet=True,
            set=["bm25.engine=bm25s"],
        )
        plots = {"ties": ties(result), "letters": letters(result)}
    for name, spec in plots.items():
        (folder / f"{name}.svg").write_text(vl_convert.vegalite_to_svg(spec), "utf-8")
    (folder / "pipeline.svg").write_text(pipeline(), "utf-8")
    (folder / "index.svg").write_text(index(), "utf-8")


def ties(result: bench.Result) -> Spec:
    """Plot P@1 of each row with its worst, expected and best value over the orders of tied documents."""
    scores = result.scores.query("metric == 'P@1'")
    labels = {row.generator: row.label for row in _board(result).rows}
    rows = [
        {"row": labels[str(line.generator)], "end": end, "value": 100 * float(getattr(line, f"tie_{end}"))}
        for line in scores.itertuples()
        for end in ("worst", "expected", "best")
    ]
    shape = {"field": "end", "sort": ["worst", "expected", "best"], "title": "order of tied documents"}
    return _plot(rows, "P@1, ×100", [
        {"mark": {"type": "line", "color": "#999"}, "encoding": {"detail": {"field": "row"}}},
        {"mark": _POINT, "encoding": {"shape": shape}},
    ])  # fmt: skip


def letters(result: bench.Result) -> Spec:
    """Plot R@10 of each row with its 95 % interval and its letters."""
    rows = [
        {
            "row": row.label,
            "value": 100 * row.value,
            "low": 100 * row.low,
            "high": 100 * row.high,
            "letters": row.letters,
        }
        for row in _board(result).rows
    ]
    title = "R@10, ×100, with 95 % intervals; rows that share a letter are not significantly different"
    ends = {"x": {"field": "low"}, "x2": {"field": "high"}}
    return _plot(rows, title, [
        {"mark": {"type": "rule", "color": "#1a5276"}, "encoding": ends},
        {"mark": _POINT},
        {"mark": {"type": "text", "dy": -12, "fontSize": 13}, "encoding": {"text": {"field": "letters"}}},
    ])  # fmt: skip


def _board(result: bench.Result) -> Board:
    assert result.summary is not None
    return next(board for board in result.summary.boards if board.metric == "R@10")


def _plot(rows: list[Spec], title: str, layers: list[Spec]) -> Spec:
    x = {"field": "value", "type": "quantitative", "title": title, "scale": {"domain": [0, 100]}}
    y = {"field": "row", "type": "nominal", "sort": None, "title": None, "axis": {"labelFontSize": 13}}
    return {
        "$schema": _SCHEMA, "width": 560, "height": {"step": 44}, "config": _STYLE,
        "data": {"values": rows}, "encoding": {"x": x, "y": y}, "layer": layers,
    }  # fmt: skip


def pipeline() -> str:
    """Draw the stages of an experiment and the files between them."""
    stages = ["dataset", "generator", "retriever", "metrics", "tables"]
    files = ["videos.jsonl", "summaries/*.jsonl", "runs/*.trec", "scores.csv"]
    shapes = [_box(20 + 180 * position, 40, 110, stage) for position, stage in enumerate(stages)]
    for position, file in enumerate(files):
        left = 130 + 180 * position
        shapes.append(_line(left, 65, left + 68, 65))
        shapes.append(
            f'<text x="{left + 34}" y="{120}" text-anchor="middle" fill="#333" font-size="12">{file}</text>'
        )
    shapes.append(_line(435, 145, 435, 92))
    shapes.append(_label(435, 162, "queries"))
    return _svg(880, 180, shapes)


def index() -> str:
    """Draw what a document is in each index mode, and which videos are in the pool."""
    modes = (("replace (default)", ["summary"]), ("append", ["transcript", "summary"]))
    pools = (("split (default)", ["test"]), ("all", ["train", "val", "test"]))
    shapes: list[str] = []
    for top, name, choices in ((30, "index.mode", modes), (180, "index.pool", pools)):
        shapes.append(f'<text x="20" y="{top}" font-weight="bold">{name}</text>')
        for line, (choice, parts) in enumerate(choices):
            y = top + 16 + 58 * line
            shapes.append(f'<text x="20" y="{y + 26}">{choice}</text>')
            shapes += [
                _box(190 + 140 * position, y, 130, part, height=42) for position, part in enumerate(parts)
            ]
    return _svg(640, 320, shapes)


def _box(x: int, y: int, width: int, text: str, height: int = 50) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#eaf2f8" stroke="#1a5276"/>'
        + _label(x + width / 2, y + height / 2 + 5, text)
    )


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="#222">{text}</text>'


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#555" marker-end="url(#tip)"/>'


def _svg(width: int, height: int, shapes: list[str]) -> str:
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    size = _SIZE.format(width=width, height=height)
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', _ARROW, background, *shapes, "</svg>", ""]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
