"""Vega: the script that draws the plots in the page, and the same plots as files for a paper."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.output.schema import FIGURE_FORMATS
from bench.report.plots import Plot, Spec
from bench.store.artefacts import Store
from bench.store.files import replaceable, write_bytes

PACKAGE = "vl-convert-python"
_SCRIPT_FILE = "vega.js"
WIDTH = 380
"""Width of the plotting area in points; the page's plots are as wide as the page."""
CONFIG = {"font": "sans-serif", "background": "white"}
RESOLUTION = 3
"""Pixels of a PNG for each point."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot that a notebook shows; ``spec`` is its Vega-Lite specification, data included."""

    spec: Spec

    def _repr_svg_(self) -> str:
        return _draw(self.spec, "svg").decode("utf-8")

    def save(self, path: str | Path) -> None:
        """Write the plot as SVG, PNG or PDF, by the ending of the path. Raises UsageError for another."""
        target = Path(path).expanduser()
        form = target.suffix.removeprefix(".").lower()
        if form not in FIGURE_FORMATS:
            raise UsageError(
                f"{target}: a plot is written as {', '.join(FIGURE_FORMATS)}, by the ending of its path."
            )
        write_bytes(replaceable(target, "path"), _draw(self.spec, form))


def drawings(plots: Sequence[Plot]) -> dict[str, Drawing]:
    """Make each plot as a notebook shows it, by the name that its file would have, without the ending."""
    return {
        f"{plot.name}{suffix}": Drawing(spec) for plot in plots for suffix, spec in _print_versions(plot.spec)
    }


def draw_files(plots: Sequence[Plot], form: str) -> Iterator[tuple[str, bytes]]:
    """Yield file name and bytes of each plot (svg, png or pdf).

    The same plots give the same bytes, but for the order of fonts in a PDF.

    Where the page has a menu (a metric, a retriever, a cost), there is a figure for each of its entries.
    """
    for name, drawing in drawings(plots).items():
        yield f"{name}.{form}", _draw(drawing.spec, form)


def _draw(spec: Spec, form: str) -> bytes:
    import vl_convert

    if form == "png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=RESOLUTION))
    if form == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return vl_convert.vegalite_to_svg(spec).encode("utf-8")


def _print_versions(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Yield a plot for each choice from its menus, with the part of the file name that says which."""
    menus = [(p["name"], p["bind"]["options"]) for p in spec["params"] if "bind" in p]
    for picked in itertools.product(*(options for _, options in menus)):
        values = dict(zip((name for name, _ in menus), picked, strict=True))
        static: Spec = json.loads(json.dumps(spec))
        for param in static["params"]:
            param.pop("bind", None)
            param["value"] = values.get(param["name"], param["value"])
        suffix = "".join(f"-{_slug(value)}" for value in picked)
        yield suffix, {**static, "width": WIDTH, "config": static["config"] | CONFIG}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "other"


def vega_script(store: Store) -> str:
    """Bundle Vega, Vega-Lite and Vega-Embed into one script for the page (0.9 MB).

    Bundling takes seconds, so the script is cached in the store.
    """
    key = {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE)}
    return (store.fetch("page-script", key, _bundle).path / _SCRIPT_FILE).read_text(encoding="utf-8")


def _bundle(folder: Path) -> None:
    import vl_convert

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub misses the default
    (folder / _SCRIPT_FILE).write_text(script, encoding="utf-8", newline="")
