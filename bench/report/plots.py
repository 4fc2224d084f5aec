"""The plots as Vega-Lite specifications: data from a run's files, style from the page's theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]
Rows = Sequence[Row]
Look = Mapping[str, str]
"""Label of each series to its colour, in the order of the tables."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 300
LEGEND = {
    "orient": "bottom",
    "direction": "horizontal",
    "columns": 3,
    "title": None,
    "labelLimit": 200,
    "symbolOpacity": 1,
}
TITLE = {"fontSize": 12, "fontWeight": "normal"}
NEAR_TO_FAR = ["#1a5276", "#2980b9", "#5dade2", "#a9cce3", "#e8c07d", "#c0392b"]
FOCUSED = "focus == '' || datum.series == focus"
"""True for the rows of the series that the reader selected in the legend, and for all before that."""
FOCUS = {"name": "focus", "value": ""}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of the page: ``name`` is its file and anchor, ``note`` says what is shown and of how many."""

    name: str
    section: str
    title: str
    note: str
    spec: Spec


def base(title: str, rows: Rows, params: Sequence[Spec] = (), **more: Any) -> Spec:
    """Build what every plot shares: inline data, the width of its container, a text for screen readers."""
    return {
        "$schema": SCHEMA, "description": title, "width": "container", "height": HEIGHT,
        "data": {"values": list(rows)}, "params": [FOCUS, *params],
        "config": {"axis": {"labelSeparation": 6}}, **more,
    }  # fmt: skip


def menu(name: str, label: str, options: Sequence[str]) -> Spec:
    """Define a parameter that the reader sets in a menu; with a single option it is fixed and has no menu."""
    bind = {"bind": {"input": "select", "options": list(options), "name": f"{label} "}}
    return {"name": name, "value": options[0], **(bind if len(options) > 1 else {})}


def only(name: str) -> Spec:
    """Filter the rows to those of the entry that is selected in the menu ``name``."""
    return {"filter": f"datum.{name} == {name}"}


def axis(field: str, title: str, kind: str = "quantitative", **more: Any) -> Spec:
    """Encode a field as a position on an axis with a title; ``more`` are further Vega-Lite properties."""
    return {"field": field, "type": kind, "title": title, **more}


def x_title(expression: str) -> Spec:
    """Write the title of the horizontal axis that depends on a menu: an axis cannot do so itself.

    The axis must have a blank as its title, which keeps the space.
    """
    return {
        "data": {"values": [{}]},
        "mark": {"type": "text", "text": {"expr": expression}, "fontSize": 11, "fontWeight": "bold"},
        "encoding": {"x": {"value": {"expr": "width / 2"}}, "y": {"value": {"expr": "height + 30"}}},
    }


def colours(look: Look) -> Spec:
    """Encode the series as colour, the same in every plot of the page, with the legend below."""
    return {
        "field": "series", "type": "nominal", "legend": LEGEND,
        "scale": {"domain": list(look), "range": list(look.values())},
    }  # fmt: skip


def emphasis(full: float = 1.0) -> Spec:
    """Set opacity ``full``; when a series is selected in the legend, all others are faded."""
    return {"condition": {"test": FOCUSED, "value": full}, "value": 0.12}


def emphasis_of_lines() -> Spec:
    """Set the opacity of lines: as `emphasis`, but before a selection those without ``major`` are pale."""
    pale = {"test": "focus == '' && datum.major === false", "value": 0.25}
    return {"condition": [pale, {"test": FOCUSED, "value": 1}], "value": 0.12}


def in_focus(value: float) -> Spec:
    """Set the opacity of marks that appear only for the selected series, such as its interval."""
    return {"condition": {"test": "datum.series == focus", "value": value}, "value": 0}


def dashes(rows: Rows) -> Spec:
    """Encode the dash of lines: by run on a page of several runs, else dashed for reference systems."""
    runs = list(dict.fromkeys(row.get("run", "") for row in rows))
    if len(runs) > 1:
        return {"field": "run", "type": "nominal", "scale": {"domain": runs}, "legend": LEGEND}
    return {"condition": {"test": "datum.reference", "value": [5, 3]}, "value": [1, 0]}


def measured(field: str, title: str, rows: Rows, *bounds: str) -> Spec:
    """Scale the axis of a measured value from 0 to the largest upper end of the intervals, at least to 1."""
    values = [row[name] for row in rows for name in (field, *bounds) if row[name] is not None]
    return axis(field, title, scale={"domain": [0, max(1, *values) if values else 1], "nice": True})


def tooltips(**fields: str) -> list[Spec]:
    """List tooltips given as ``title=field``; underscores in titles are spaces, numbers have two decimals."""
    return [
        {"field": field, "title": title.replace("_", " ")}
        | ({"type": "quantitative", "format": ".2f"} if field in ("value", "low", "high", "x") else {})
        for title, field in fields.items()
    ]


def points(size: int, **encoding: Any) -> Spec:
    """Mark each row by a filled circle."""
    return {"mark": {"type": "point", "filled": True, "size": size}, "encoding": encoding}


def lines(**encoding: Any) -> Spec:
    """Join the rows of each series by a line."""
    return {"mark": {"type": "line", "strokeWidth": 2}, "encoding": encoding}


def curve(title: str, rows: Rows, look: Look, menus: Mapping[str, Sequence[str]]) -> Spec:
    """Plot a metric over the cut-off k: a line for each system, and the interval of the selected one."""
    value = measured("value", "score ×100", rows, "high")
    tips = tooltips(
        System="series", Retriever="retriever", Metric="metric", Score="value", From="low", To="high", n="n"
    )
    cutoffs = sorted({row["k"] for row in rows})
    x = axis("k", "cut-off k (log scale)", scale={"type": "log"}, axis={"values": cutoffs, "grid": False})
    params = [menu("kind", "Metric", menus["kind"]), menu("retriever", "Retriever", menus["retriever"])]
    return base(title, rows, params) | {
        "title": TITLE | {"text": {"expr": "kind + '@k with ' + retriever"}},
        "transform": [only("kind"), only("retriever")],
        "encoding": {"x": x, "color": colours(look)},
        "layer": [
            {
                "mark": "area",
                "encoding": {
                    "y": axis("low", "score ×100"), "y2": {"field": "high"}, "opacity": in_focus(0.2),
                },
            },
            lines(y=value, opacity=emphasis_of_lines(), strokeDash=dashes(rows)),
            points(50, y=value, opacity=emphasis_of_lines(), tooltip=tips),
        ],
    }  # fmt: skip


def cost(title: str, rows: Rows, look: Look, menus: Mapping[str, Sequence[str]]) -> Spec:
    """Plot effectiveness over a cost that the reader selects; the line is the Pareto front."""
    y = measured("value", "R@10 ×100", rows)
    round_ = "indexof(['1', '2', '5'], substring(format(datum.value, '.0e'), 0, 1)) >= 0"
    short = f"{round_} ? format(datum.value, datum.value < 1000 ? '~g' : '~s') : ''"
    ticks = {"tickCount": 4, "labelExpr": short, "labelOverlap": "greedy", "grid": False}
    x = axis("x", " ", scale={"type": "log", "nice": True}, axis=ticks)
    tips = tooltips(System="series", Retriever="retriever", Cost="x", Score="value")
    params = [menu("kind", "Cost", menus["kind"]), menu("retriever", "Retriever", menus["retriever"])]
    return base(title, rows, params) | {
        "title": TITLE | {"text": {"expr": "'with ' + retriever"}},
        "transform": [only("kind"), only("retriever")],
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "transform": [{"filter": "datum.front"}],
                "mark": {"type": "line", "interpolate": "step-after", "opacity": 0.6, "strokeDash": [4, 3]},
                "encoding": {"color": {"value": "gray"}},
            },
            points(110, color=colours(look), opacity=emphasis(), tooltip=tips),
            x_title("kind + ' (log scale)'"),
        ],
    }


def quality(title: str, rows: Rows, look: Look, retrievers: Sequence[str]) -> Spec:
    """Plot findability over caption quality: a point for each system, 95 % intervals as bars."""
    y, x = measured("value", "R@10 ×100", rows, "high"), measured("x", "CIDEr ×100", rows, "x_high")
    tips = tooltips(System="series", Retriever="retriever", CIDEr="x", Score="value")
    across = {"x": axis("x_low", "CIDEr ×100"), "x2": {"field": "x_high"}, "y": y}
    upward = {"x": x, "y": axis("low", "R@10 ×100"), "y2": {"field": "high"}}
    return base(title, rows, [menu("retriever", "Retriever", retrievers)]) | {
        "title": TITLE | {"text": {"expr": "'R@10 with ' + retriever"}},
        "transform": [only("retriever")],
        "encoding": {"color": colours(look)},
        "layer": [
            {"mark": "rule", "encoding": upward | {"opacity": emphasis(0.5)}},
            {"mark": "rule", "encoding": across | {"opacity": emphasis(0.5)}},
            points(110, x=x, y=y, opacity=emphasis(), tooltip=tips),
        ],
    }


def binned(title: str, rows: Rows, look: Look, retrievers: Sequence[str]) -> Spec:
    """Plot the share of videos in the first 10 results over the percentile of their summary's CIDEr."""
    words = "summary's CIDEr, percentile in its system"
    tips = tooltips(System="series", Mean_CIDEr="x", Found="value", From="low", To="high", n="n")
    value = measured("value", "found in the first 10, %", rows, "high")
    bar = {"y": axis("low", "found in the first 10, %"), "y2": {"field": "high"}}
    return base(title, rows, [menu("retriever", "Retriever", retrievers)]) | {
        "title": TITLE | {"text": {"expr": "'with ' + retriever"}},
        "transform": [only("retriever")],
        "encoding": {"x": axis("percentile", words, scale={"domain": [0, 100]}), "color": colours(look)},
        "layer": [
            lines(y=value, opacity=emphasis_of_lines(), strokeDash=dashes(rows)),
            {"mark": "rule", "encoding": bar | {"opacity": in_focus(0.8)}},
            points(55, y=value, opacity=emphasis_of_lines(), tooltip=tips),
        ],
    }


def stacked(title: str, rows: Rows, look: Look, menus: Mapping[str, Sequence[str]]) -> Spec:
    """Plot the share of queries by the rank of their first relevant video, a stacked bar for each system."""
    buckets = list(menus["bucket"])
    colour = {
        "field": "bucket", "type": "ordinal", "sort": buckets, "legend": LEGEND,
        "scale": {"domain": buckets, "range": NEAR_TO_FAR},
    }  # fmt: skip
    return base(title, rows, [menu("retriever", "Retriever", menus["retriever"])]) | {
        "height": max(90, 26 * len(look)),
        "title": TITLE | {"text": {"expr": "'with ' + retriever"}},
        "transform": [only("retriever")],
        "mark": "bar",
        "encoding": {
            "y": axis("series", "", "nominal", sort=list(look)),
            "x": axis("value", "queries, %", scale={"domain": [0, 100]}, stack="zero"),
            "color": colour,
            "order": {"field": "place"},
            "opacity": emphasis(),
            "tooltip": tooltips(System="series", Rank="bucket", Percent="value", Queries="count"),
        },
    }


def modality(title: str, rows: Rows, look: Look, inputs: Sequence[str]) -> Spec:
    """Plot by how much the loss rises when an input is another video's, with 95 % intervals."""
    y = axis("series", "", "nominal", sort=list(look))
    tips = tooltips(System="series", Input="modality", Gap="value", From="low", To="high", n="n")
    words = "['Loss with another video’s ' + modality, 'less that with its own']"
    return base(title, rows, [menu("modality", "Input", inputs)]) | {
        "height": max(90, 26 * len({row["series"] for row in rows})),
        "title": TITLE | {"text": {"expr": words}},
        "transform": [only("modality")],
        "encoding": {"y": y, "color": colours(look)},
        "layer": [
            {"mark": "rule", "encoding": {"x": {"datum": 0}, "color": {"value": "gray"}}},
            {
                "mark": "rule",
                "encoding": {
                    "x": axis("low", "nats per token"), "x2": {"field": "high"}, "opacity": emphasis(),
                },
            },
            points(90, x=axis("value", "nats per token"), opacity=emphasis(), tooltip=tips),
        ],
    }  # fmt: skip


def history(title: str, rows: Rows, look: Look, menus: Mapping[str, Sequence[str]]) -> Spec:
    """Plot the scores of the same systems over several runs, in the order in which these were given."""
    value = measured("value", "R@10 ×100", rows, "high")
    x = axis("at", "", "ordinal", sort=list(menus["at"]), axis={"labelAngle": -30, "labelLimit": 160})
    tips = tooltips(System="series", Run="at", Score="value", From="low", To="high", n="n")
    bar = {"y": axis("low", "R@10 ×100"), "y2": {"field": "high"}}
    return base(title, rows, [menu("retriever", "Retriever", menus["retriever"])]) | {
        "title": TITLE | {"text": {"expr": "'R@10 with ' + retriever"}},
        "transform": [only("retriever")],
        "encoding": {"x": x, "color": colours(look)},
        "layer": [
            lines(y=value, opacity=emphasis()),
            {"mark": "rule", "encoding": bar | {"opacity": in_focus(0.8)}},
            points(60, y=value, opacity=emphasis(), tooltip=tips),
        ],
    }


def training(title: str, rows: Rows) -> Spec:
    """Plot the quantities that were logged during a training over its steps, a line for each."""
    names = list(dict.fromkeys(row["quantity"] for row in rows))
    scale = {"domain": names, "scheme": "tableau10"}
    return base(title, rows) | {
        "mark": {"type": "line", "point": len(rows) <= 200},
        "encoding": {
            "x": axis("step", "step", axis={"tickMinStep": 1}),
            "y": axis("value", "", scale={"zero": False}),
            "color": {"field": "quantity", "type": "nominal", "legend": LEGEND, "scale": scale},
            "tooltip": tooltips(Quantity="quantity", Step="step", Value="value"),
        },
    }
