"""The plots as Vega-Lite specifications: data from a run's files, looks from the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]
Rows = Sequence[Row]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 280
LEGEND = {
    "orient": "bottom",
    "direction": "horizontal",
    "columns": 3,
    "title": None,
    "labelLimit": 200,
    "symbolOpacity": 1,
}
SHAPES = {"field": "retriever", "type": "nominal", "legend": LEGEND | {"columns": 1}}  # beside the colours
POINT = {"type": "point", "filled": True, "opacity": 1}
NAMED = {"fontSize": 12, "fontWeight": "normal"}
FLAT = {"labelAngle": 0}
NEAR_TO_FAR = ["#1a5276", "#2980b9", "#5dade2", "#a9cce3", "#e8c07d", "#c0392b"]
BAR = {"type": "rule", "opacity": 0.75}


@dataclass(frozen=True, slots=True)
class Plot:
    """Hold a plot: ``name`` is its file and anchor, ``note`` says what is shown and of how many."""

    name: str
    section: str
    title: str
    note: str
    spec: Spec


def base(title: str, rows: Rows, **more: Any) -> Spec:
    """Return what every plot has: data inline, as wide as its place, a description for readers of screens."""
    return {
        "$schema": SCHEMA, "description": title, "width": "container", "height": HEIGHT,
        "data": {"values": list(rows)}, **more,
    }  # fmt: skip


def axis(field: str, title: str, kind: str = "quantitative", **more: Any) -> Spec:
    """Return the encoding of a field on an axis."""
    return {"field": field, "type": kind, "title": title, **more}


def colours(series: Sequence[str]) -> Spec:
    """Return the colour of each series, in the order of the tables, and the legend."""
    # ten hues are told apart; of more, every second is a lighter one
    scheme = "tableau10" if len(series) <= 10 else "tableau20"
    return {
        "field": "series", "type": "nominal", "legend": LEGEND,
        "scale": {"domain": list(series), "scheme": scheme},
    }  # fmt: skip


def measured(field: str, title: str, rows: Rows, *bounds: str) -> Spec:
    """Return the axis of a measured value from 0, tall enough for the upper ends of its intervals."""
    most = max((row[name] for row in rows for name in (field, *bounds) if row[name] is not None), default=1)
    return axis(field, title, scale={"domain": [0, max(most, 1)], "nice": True})


def tooltips(**fields: str) -> list[Spec]:
    """Return tooltips ``title=field``; underscores in titles are spaces, numbers have two decimals."""
    return [
        {"field": field, "title": title.replace("_", " ")}
        | ({"type": "quantitative", "format": ".2f"} if field in ("value", "low", "high", "x") else {})
        for title, field in fields.items()
    ]


def curve(title: str, rows: Rows, series: Sequence[str]) -> Spec:
    """Return a metric over the cut-off k: a line for each generator, 95 % intervals as thin bars."""
    place = {
        "x": axis("k", "cut-off k", "ordinal", axis=FLAT),
        "xOffset": {"field": "series", "type": "nominal", "scale": {"domain": list(series)}},
        "color": colours(series),
    }
    value = measured("value", "score ×100", rows, "high")
    tips = tooltips(series="series", k="k", score="value", low="low", high="high", n="n")
    return base(title, rows) | {
        "encoding": place,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": {"y": value}},
            {
                "mark": BAR,
                "encoding": {"y": axis("low", "score ×100"), "y2": {"field": "high"}},
            },
            {"mark": {**POINT, "size": 45}, "encoding": {"y": value, "tooltip": tips}},
        ],
    }


def heat(title: str, rows: Rows, metrics: Sequence[str], order: tuple[Sequence[str], Sequence[str]]) -> Spec:
    """Return generator × retriever as colours and numbers, the metric chosen by the reader."""
    series, retrievers = order
    choose = {"input": "select", "options": list(metrics), "name": "Metric "}
    start = "R@10" if "R@10" in metrics else metrics[0]
    return base(title, rows) | {
        "height": max(90, 30 * len(series)),
        "title": NAMED | {"text": {"expr": "metric"}},
        "params": [{"name": "metric", "value": start, "bind": choose}],
        "transform": [
            {"filter": "datum.metric == metric"},
            {"joinaggregate": [{"op": "max", "field": "value", "as": "most"}]},
        ],
        "encoding": {
            "x": axis("retriever", "", "nominal", sort=list(retrievers), axis=FLAT | {"orient": "top"}),
            "y": axis("series", "", "nominal", sort=list(series)),
        },
        "layer": [
            {
                "mark": "rect",
                "encoding": {
                    "color": axis("value", "", scale={"scheme": "blues", "zero": True}, legend=None),
                    "tooltip": tooltips(
                        series="series", retriever="retriever", score="value", low="low", high="high", n="n"
                    ),
                },
            },
            {
                "mark": {"type": "text", "fontSize": 13},
                "encoding": {
                    "text": {"field": "value", "type": "quantitative", "format": ".2f"},
                    "color": {
                        "condition": {"test": "datum.value > datum.most * 0.6", "value": "white"},
                        "value": "black",
                    },
                },
            },
        ],
    }  # fmt: skip


def cost(title: str, rows: Rows, kinds: Sequence[str], series: Sequence[str]) -> Spec:
    """Return effectiveness over a cost that the reader chooses; the line is the Pareto front."""
    choose = {"input": "select", "options": list(kinds), "name": "Cost "}
    y = measured("value", "R@10 ×100", rows)
    round_ = "indexof(['1', '2', '5'], substring(format(datum.value, '.0e'), 0, 1)) >= 0"
    short = f"{round_} ? format(datum.value, datum.value < 1000 ? '~g' : '~s') : ''"
    ticks = {"tickCount": 4, "labelExpr": short, "labelOverlap": "greedy", "grid": False}
    x = axis("x", "cost (log scale)", scale={"type": "log"}, axis=ticks)
    return base(title, rows) | {
        "title": NAMED | {"text": {"expr": "cost"}},
        "params": [{"name": "cost", "value": kinds[0], "bind": choose}],
        "transform": [{"filter": "datum.kind == cost"}],
        "layer": [
            {
                "transform": [{"filter": "datum.front"}],
                "mark": {"type": "line", "interpolate": "step-after", "opacity": 0.5, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": y, "color": {"value": "gray"}},
            },
            {
                "mark": {**POINT, "size": 90},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colours(series),
                    "shape": SHAPES,
                    "tooltip": tooltips(series="series", retriever="retriever", cost="x", score="value"),
                },
            },
        ],
    }


def quality(title: str, rows: Rows, series: Sequence[str]) -> Spec:
    """Return findability over caption quality: a point for each system, 95 % intervals as bars."""
    y, x = measured("value", "R@10 ×100", rows, "high"), measured("x", "CIDEr ×100", rows, "x_high")
    colour = colours(series)
    return base(title, rows) | {
        "layer": [
            {
                "mark": BAR,
                "encoding": {"x": x, "y": axis("low", "R@10 ×100"), "y2": {"field": "high"}, "color": colour},
            },
            {
                "mark": BAR,
                "encoding": {
                    "x": axis("x_low", "CIDEr ×100"),
                    "x2": {"field": "x_high"},
                    "y": y,
                    "color": colour,
                },
            },
            {
                "mark": {**POINT, "size": 90},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colour,
                    "shape": SHAPES,
                    "tooltip": tooltips(series="series", retriever="retriever", CIDEr="x", score="value"),
                },
            },
        ],
    }  # fmt: skip


def binned(title: str, rows: Rows, series: Sequence[str]) -> Spec:
    """Return the share of videos found over their CIDEr's percentile, with 95 % intervals."""
    x = axis(
        "percentile", "Summary's CIDEr, percentile among this model's summaries", scale={"domain": [0, 100]}
    )
    place = {"x": x, "color": colours(series)}
    tips = tooltips(series="series", mean_CIDEr="x", found="value", low="low", high="high", n="n")
    value = measured("value", "found in the first 10, %", rows, "high")
    return base(title, rows) | {
        "encoding": place,
        "layer": [
            {"mark": "line", "encoding": {"y": value}},
            {
                "mark": BAR,
                "encoding": {"y": axis("low", "found in the first 10, %"), "y2": {"field": "high"}},
            },
            {"mark": {**POINT, "size": 50}, "encoding": {"y": value, "tooltip": tips}},
        ],
    }


def stacked(title: str, rows: Rows, buckets: Sequence[str], series: Sequence[str]) -> Spec:
    """Return the share of queries by the rank of their first relevant video."""
    colour = {
        "field": "bucket", "type": "ordinal", "sort": list(buckets), "legend": LEGEND,
        "scale": {"domain": list(buckets), "range": NEAR_TO_FAR},
    }  # fmt: skip
    return base(title, rows) | {
        "height": max(90, 26 * len(series)),
        "mark": "bar",
        "encoding": {
            "y": axis("series", "", "nominal", sort=list(series)),
            "x": axis("value", "queries, %", scale={"domain": [0, 100]}, stack="zero"),
            "color": colour,
            "order": {"field": "place"},
            "tooltip": tooltips(series="series", rank="bucket", percent="value", queries="count"),
        },
    }


def training(title: str, rows: Rows) -> Spec:
    """Return what was logged over the steps of a training, a line for each quantity."""
    names = list(dict.fromkeys(row["series"] for row in rows))
    return base(title, rows) | {
        "mark": {"type": "line", "point": len(rows) <= 200},
        "encoding": {
            "x": axis("step", "step", axis={"tickMinStep": 1}),
            "y": axis("value", "", scale={"zero": False}),
            "color": colours(names),
            "tooltip": tooltips(series="series", step="step", value="value"),
        },
    }
