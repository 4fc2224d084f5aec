"""Vega: the script that draws the plots in the page, and the same plots as files for a paper."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.report.plots import Plot, Spec
from bench.store.artefacts import Store

PACKAGE = "vl-convert-python"
_SCRIPT_FILE = "vega.js"
WIDTH = 380
"""Of the plotting area in points; the page's plots take the width of the page."""
CONFIG = {"font": "sans-serif", "background": "white"}
RESOLUTION = 3
"""Pixels of a PNG for each point."""


def draw_files(plots: Sequence[Plot], form: str) -> Iterator[tuple[str, bytes]]:
    """Yield file name and bytes of each plot as ``svg`` or ``png``; the same plots give the same bytes.

    Where the page has a menu (a metric, a cost), the figure shows its first entry.
    """
    import vl_convert

    for plot in plots:
        spec = _for_print(plot.spec)
        if form == "png":
            yield f"{plot.name}.png", vl_convert.vegalite_to_png(spec, scale=RESOLUTION)
        else:
            yield f"{plot.name}.svg", vl_convert.vegalite_to_svg(spec).encode("utf-8")


def _for_print(spec: Spec) -> Spec:
    static: Spec = json.loads(json.dumps(spec))
    for param in static.get("params", ()):
        param.pop("bind", None)
    return {**static, "width": WIDTH, "config": CONFIG}


def vega_script(store: Store) -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script for the page (0.9 MB).

    Bundling takes seconds: the store keeps the script.
    """
    key = {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE)}
    return (store.fetch("page-script", key, _bundle).path / _SCRIPT_FILE).read_text(encoding="utf-8")


def _bundle(folder: Path) -> None:
    import vl_convert

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub misses the default
    (folder / _SCRIPT_FILE).write_text(script, encoding="utf-8", newline="")
