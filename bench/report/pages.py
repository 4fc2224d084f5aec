"""Pages and figures of runs that are there: what ``bench report`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.output.folder import amend
from bench.report.page import open_sources, render
from bench.report.plot_data import all_plots
from bench.report.vega import drawn
from bench.store.artefacts import Store, default_root
from bench.store.files import write_bytes

PAGE, COMPARISON = "report.html", "comparison.html"


def make_page(
    folders: Sequence[Path], *, to: Path | None = None, figures: str | None = None, store: Path | None = None
) -> Path:
    """Write the page of one run, or of several together, and return where it is.

    One run's page goes into its folder unless ``to`` names a file; ``figures`` (svg or png) adds
    ``figures/`` beside it. What goes into a run's folder is entered in its manifest. Raises DataError
    for a folder that is not a run's, or whose files were changed.
    """
    sources = open_sources(folders)
    page = render(sources, Store(store or default_root())).encode("utf-8")
    files = {PAGE: page}
    if figures:
        files |= {f"figures/{name}": data for name, data in drawn(all_plots(sources), figures)}
    if len(folders) == 1 and to is None:
        amend(folders[0], files)
        return folders[0] / PAGE
    target = to or Path(COMPARISON)
    files[target.name] = files.pop(PAGE)
    for name, data in files.items():
        write_bytes(target.parent / name, data)
    return target
