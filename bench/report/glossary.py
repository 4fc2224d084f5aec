"""What the names on a page mean: metrics in table headers, and the built-in systems."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.definitions import describe
from bench.output.schema import GENERATION
from bench.report.source import Source
from bench.systems.registry import entries, is_plug_in, listing
from bench.tables.build import DISTINCT

__cache_neutral__ = True

_BESIDE = {DISTINCT: "distinct summaries / videos, in %"}


def explain_header(header: str) -> str:
    """Describe what a column of a score table holds; empty for a header that explains itself."""
    metric = GENERATION.get(header, header)
    text = describe(metric)
    if text == metric:
        return _BESIDE.get(header, "")
    return f"{metric}: {text}" if metric != header else text


def explain_systems(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """Describe each built-in generator and retriever of the runs: label and sentence, in their order.

    Plug-ins are left out: they may be missing where the page is made again.
    """
    about: dict[str, str] = {}
    for group in ("generators", "retrievers"):
        known = {
            line.name: line.summary for line in listing(group) if not is_plug_in(entries(group)[line.name])
        }
        for source in sources:
            for name in source.generators if group == "generators" else source.retrievers:
                label = source.manifest.labels.get(name, name)
                if name in known and known[name] not in ("", label):
                    about.setdefault(label, known[name].replace("``", ""))
    return list(about.items())
