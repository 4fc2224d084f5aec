"""The plots as files for a paper, by the library that draws them in the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bench.report.plots import Plot, Spec

WIDTH = 380
"""Of the plotting area in points; the page's plots are as wide as their place."""
CONFIG = {"font": "sans-serif", "background": "white"}
RESOLUTION = 3
"""Pixels of a PNG for each point."""


def drawn(plots: Sequence[Plot], form: str) -> Iterator[tuple[str, bytes]]:
    """Yield file name and bytes of each plot as ``svg`` or ``png``; the same plots give the same bytes.

    Where a reader of the page chooses (a metric, a cost), the figure shows the first choice.
    """
    import vl_convert

    for plot in plots:
        spec = _printed(plot.spec)
        if form == "png":
            yield f"{plot.name}.png", vl_convert.vegalite_to_png(spec, scale=RESOLUTION)
        else:
            yield f"{plot.name}.svg", vl_convert.vegalite_to_svg(spec).encode("utf-8")


def _printed(spec: Spec) -> Spec:
    printed: Spec = json.loads(json.dumps(spec))
    for param in printed.get("params", ()):
        param.pop("bind", None)
    return {**printed, "width": WIDTH, "config": CONFIG}
