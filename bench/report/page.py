"""The page of one run or of several (``bench report``): one HTML file that opens from disk, offline."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from bench.comparison.summarize import summarize_run
from bench.errors import UsageError
from bench.output.checked import reading
from bench.output.folder import amend
from bench.output.schema import PAGE, SIGNIFICANCE
from bench.report import several_runs, views
from bench.report.failures import failures
from bench.report.glossary import explain_systems
from bench.report.leaderboard import leaderboard
from bench.report.plot_data import all_plots
from bench.report.plots import Plot
from bench.report.rank_data import look_up_ranks
from bench.report.source import Source
from bench.report.systems import list_systems
from bench.report.vega import Drawing, draw_files, drawings, vega_script
from bench.store.artefacts import Store, default_root
from bench.store.files import replaceable, write_bytes
from bench.summary.run_summary import RunSummary
from bench.summary.sentences import board_sentences, caution_line, cautions, facts_line

COMPARISON = "comparison.html"

SECTIONS = {
    "history": "Scores over runs",
    "cost": "Cost",
    "depth": "Score by cut-off k",
    "quality": "Caption quality",
    "modality": "Which input is read",
    "training": "Training",
}
"""Sections with plots, by the name that `Plot.section` has; one without plots is left out."""
SCRIPTS = ("base.js", "tables.js", "leaderboard.js", "failures.js", "plots.js")
"""Parts of the page's script, in the order in which they run."""


def make_page(
    folders: Sequence[Path], *, to: Path | None = None, figures: Sequence[str] = (), store: Path | None = None
) -> Path:
    """Write the page of one run, or one page that compares several, and return its path.

    One run's page goes into its folder unless ``to`` names a file; ``figures`` (of svg, png, pdf) adds
    ``figures/`` beside it. What goes into a run's folder is entered in its manifest. Raises DataError
    for a folder that is not a run's, or whose files were changed, and UsageError for a ``to`` that is
    something else than a file, or another file in the folder of a run than its page.
    """
    target = _target(folders, to)
    sources = open_sources(folders)
    page = render(sources, Store(store or default_root())).encode("utf-8")
    files = {PAGE: page}
    if figures:
        plots = all_plots([(source, look_up_ranks(source)) for source in sources])
        files |= {f"figures/{name}": data for form in figures for name, data in draw_files(plots, form)}
    if target is None:
        amend(folders[0], files)
        return folders[0] / PAGE
    files[target.name] = files.pop(PAGE)
    for name, data in files.items():
        write_bytes(replaceable(target.parent / name, "--to"), data)
    return target


def _target(folders: Sequence[Path], to: Path | None) -> Path | None:
    """Locate a page that goes elsewhere than into the runs' folders; None for that of one run in its own."""
    if to is None and len(folders) == 1:
        return None
    target = replaceable(to or Path(COMPARISON), "--to")
    place = target.parent.resolve()
    if len(folders) == 1 and target.name == PAGE and place == folders[0].resolve():
        return None
    for folder in folders:
        if place.is_relative_to(folder.resolve()):
            raise UsageError(
                f"{target} would be in the folder of the run {folder}, whose manifest names each file. "
                "Name a file elsewhere: --to FILE."
            )
    return target


def draw_plots(folder: Path) -> dict[str, Drawing]:
    """Make the plots of a run's page as a notebook shows them, by name."""
    sources = open_sources([folder])
    return drawings(all_plots([(source, look_up_ranks(source)) for source in sources]))


def open_sources(folders: Sequence[Path]) -> list[Source]:
    """Read output folders; several are named by what differs between them. Raises DataError."""
    names = several_runs.name_runs(folders)
    return [Source.read(folder, name) for folder, name in zip(folders, names, strict=True)]


def render(sources: Sequence[Source], store: Store) -> str:
    """Render the page as HTML: the same bytes for the same runs; no text of a run can act as code in it.

    Texts are escaped, data is JSON, and a policy in the page lets no script run but the page's own
    (named by its digest) and nothing be fetched.
    """
    with reading(sources[0].folder):  # each file may be intact, and yet not of the same run as the others
        shown = _contents(sources)
    scripts = [vega_script(store), _page_script()]
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


def _contents(sources: Sequence[Source]) -> dict[str, Any]:
    """Compute everything that the template shows from the runs' files."""
    systems = list_systems(sources)
    summaries = [read_summary(source) for source in sources]
    ranked = [(source, look_up_ranks(source)) for source in sources]
    plots = all_plots(ranked)
    data = {
        "systems": [
            {"key": s.key, "label": s.label, "reference": s.is_reference, "colour": s.colour,
             "duplicates": s.duplicates,
                "seconds": s.seconds,}
            for s in systems
        ],
        "board": leaderboard(sources, systems, summaries[0] if len(sources) == 1 else None),
        "failures": failures(ranked, systems),
    }  # fmt: skip
    return {
        "data": data,
        "summaries": [_in_words(s, source.name) for s, source in zip(summaries, sources, strict=True) if s],
        **_sections(plots),
        **_tables(sources),
    }


def _in_words(summary: RunSummary, run: str) -> dict[str, Any]:
    return {
        "run": run,
        "boards": [board_sentences(board) for board in summary.main_boards],
        "cautions": cautions(summary),
        "caution_line": caution_line(summary),
        "facts": facts_line(summary.facts),
    }


def read_summary(source: Source) -> RunSummary | None:
    """Read the summary of a run, or compute it where its version wrote none; None for an unfinished run."""
    if source.result.summary is None and SIGNIFICANCE in source.result.manifest.files:
        return summarize_run(source.result)
    return source.result.summary


def _tables(sources: Sequence[Source]) -> dict[str, Any]:
    return {
        "tables": [views.table_views(source) for source in sources],
        "glossary": explain_systems(sources),
        "slices": [table for source in sources for table in views.slice_views(source)],
        "costs": [table for source in sources for table in views.cost_views(source)],
        "settings": several_runs.settings_view(sources),
        "differences": several_runs.differences_view(sources),
        "incomparable": several_runs.incomparable(sources),
        "coverage": [table for source in sources if (table := views.coverage(source))],
    }


def _sections(plots: Sequence[Plot]) -> dict[str, Any]:
    by_section = {name: [plot for plot in plots if plot.section == name] for name in SECTIONS}
    sections = {
        name: {"name": name, "title": title, "plots": by_section[name]} for name, title in SECTIONS.items()
    }
    return {"sections": sections, "specs": {plot.name: plot.spec for plot in plots}}


def _manifest(source: Source) -> str:
    """Format the manifest as JSON without the digests of files (the page's is not known yet)."""
    hidden = ("files", "finished", "stale")
    shown = {k: v for k, v in source.result.manifest.to_json().items() if k not in hidden}
    return json.dumps(shown, indent=1, ensure_ascii=False)


def _policy(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def _page_script() -> str:
    parts = "\n".join(_asset(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


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
