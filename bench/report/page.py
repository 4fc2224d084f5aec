"""The page of one run or of several (``bench report``): one HTML file that opens from disk, offline."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from bench.output.folder import amend, reading
from bench.report import views
from bench.report.examples import examples
from bench.report.plot_data import all_plots
from bench.report.plots import Plot
from bench.report.source import Source
from bench.report.vega import draw_files, vega_script
from bench.store.artefacts import Store, default_root
from bench.store.files import replaceable, write_bytes

PAGE, COMPARISON = "report.html", "comparison.html"

SECTIONS = {
    "curves": "Score by cut-off k",
    "grid": "Generators × retrievers",
    "cost": "Quality vs. cost",
    "quality": "Does CIDEr predict findability?",
    "ranks": "Rank of the first relevant video",
    "training": "Training",
}
"""Sections of plots, in order; one without plots is left out."""


def make_page(
    folders: Sequence[Path], *, to: Path | None = None, figures: str | None = None, store: Path | None = None
) -> Path:
    """Write the page of one run, or of several together, and return where it is.

    One run's page goes into its folder unless ``to`` names a file; ``figures`` (svg or png) adds
    ``figures/`` beside it. What goes into a run's folder is entered in its manifest. Raises DataError
    for a folder that is not a run's, or whose files were changed,
    UsageError for a ``to`` that is something else than a file.
    """
    if to is not None:
        replaceable(to, "--to")
    sources = open_sources(folders)
    page = render(sources, Store(store or default_root())).encode("utf-8")
    files = {PAGE: page}
    if figures:
        files |= {f"figures/{name}": data for name, data in draw_files(all_plots(sources), figures)}
    if len(folders) == 1 and to is None:
        amend(folders[0], files)
        return folders[0] / PAGE
    target = to or Path(COMPARISON)
    files[target.name] = files.pop(PAGE)
    for name, data in files.items():
        write_bytes(replaceable(target.parent / name, "--to"), data)
    return target


def open_sources(folders: Sequence[Path]) -> list[Source]:
    """Read output folders; of several, each is named by its folder. Raises DataError."""
    if len(folders) == 1:
        return [Source.read(folders[0])]
    names = [folder.resolve().name for folder in folders]
    distinct = [
        name if names.count(name) == 1 else f"{name} ({number})" for number, name in enumerate(names, start=1)
    ]
    return [Source.read(folder, name) for folder, name in zip(folders, distinct, strict=True)]


def render(sources: Sequence[Source], store: Store) -> str:
    """Return the page, the same bytes for the same runs; every text of the runs is inert in it.

    Texts are escaped, data is JSON, and a policy in the page lets no script run but the page's own
    (named by its digest) and nothing be fetched.
    """
    with reading(sources[0].folder):  # its files may be whole each, and not of one run
        shown = {"examples": examples(sources), **_shown_tables(sources), **_shown_plots(all_plots(sources))}
    scripts = [vega_script(store), _asset("page.js")]
    datasets = list({of.digest: of for of in (s.result.manifest.dataset for s in sources)}.values())
    page: str = (
        _environment()
        .get_template("report.html")
        .render(
            title=f"qms-bench: {', '.join(of.name for of in datasets)}",
            sources=sources,
            synthetic=[of.name for of in datasets if of.synthetic],
            manifests={source.name: _manifest(source) for source in sources},
            style=_asset("page.css"),
            scripts=scripts,
            policy=_policy(scripts),
            **shown,
        )
    )
    return page


def _shown_tables(sources: Sequence[Source]) -> dict[str, Any]:
    return {
        "tables": [view for source in sources for view in views.table_views(source)],
        "differences": views.differences(sources),
        "incomparable": views.incomparable(sources),
        "coverage": [found for source in sources if (found := views.coverage(source))],
        "duplicates": [line for source in sources for line in views.duplicates(source)],
    }


def _shown_plots(plots: Sequence[Plot]) -> dict[str, Any]:
    by_section = {name: [plot for plot in plots if plot.section == name] for name in SECTIONS}
    sections = [
        {"name": name, "title": title, "plots": by_section[name]}
        for name, title in SECTIONS.items()
        if by_section[name]
    ]
    return {"sections": sections, "specs": {plot.name: plot.spec for plot in plots}}


def _manifest(source: Source) -> str:
    """Return the manifest as it is read, less the digests of files (the page's own is not known yet)."""
    hidden = ("files", "finished", "stale")
    shown = {k: v for k, v in source.result.manifest.to_json().items() if k not in hidden}
    return json.dumps(shown, indent=1, ensure_ascii=False)


def _policy(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def _asset(name: str) -> str:
    return (resources.files("bench.report") / "templates" / name).read_text(encoding="utf-8")


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.report", "templates"), autoescape=True, undefined=StrictUndefined,
        keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    # what `tojson` writes is safe inside a script element: < > & and ' are escaped
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False, "sort_keys": False, "allow_nan": False, "separators": (",", ":")
    }  # fmt: skip
    return environment
