"""The page of a run: one HTML file that opens from disk without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.tables import Table, to_html


def render(tables: Sequence[Table], manifest: Mapping[str, Any]) -> str:
    """Return the page: the tables with their signature and coverage; texts are escaped."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bench", "templates"), autoescape=True, keep_trailing_newline=True
    )
    shown = [{"caption": table.caption, "html": Markup(to_html(table))} for table in tables]
    return environment.get_template("report.html").render(
        title=f"qms-bench: {manifest['dataset']['name']}",
        synthetic=manifest["dataset"]["synthetic"],
        failed=manifest["failed"],
        tables=shown,
    )
