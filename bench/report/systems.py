"""The systems of a page with the colour that each has in every table and plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.source import Source

COLOURS = (
    "#3b78c4", "#d9772b", "#3f9a52", "#c9464c", "#8a63c7",
    "#a0724f", "#d267a8", "#8a8f2e", "#2a9ab0", "#b18b27",
    "#ca1e6c", "#4f6d46", "#0aa58f", "#945567", "#987eb2", "#5b9616",
    "#1769dc", "#a239a3", "#a24c2a", "#246b92", "#13726c", "#969475",
)  # fmt: skip
"""Hues of ranked systems, in the order of the tables; contrast 3 and more with white and with the dark page.

From the eleventh on each is, of colours as pale as the first ten, one that is far from all before it (22 and
more in CIELAB).
"""
GREYS = ("#6f7780", "#a3abb3", "#8b949e")
"""Colours of reference systems."""


@dataclass(frozen=True, slots=True)
class System:
    """A generator of one of the runs; ``key`` names it in addresses and is unique on the page."""

    key: str
    label: str
    generator: str
    run: str
    is_reference: bool
    colour: str
    duplicates: float
    """Share of its summaries that it also wrote for another video."""
    seconds: float | None
    """Seconds per 1,000 summaries, None where not measured."""


def list_systems(sources: Sequence[Source]) -> list[System]:
    """List the systems of all runs; a generator has the same colour in each of them."""
    palette = _assign_colours(sources)
    return [
        System(
            key=f"{generator}@{source.name}" if source.name else generator,
            label=source.labels[generator],
            generator=generator,
            run=source.name,
            is_reference=generator in source.manifest.references,
            colour=palette[generator],
            duplicates=round(source.manifest.duplicate_share(generator), 4),
            seconds=_seconds(source, generator),
        )
        for source in sources
        for generator in source.generators
    ]


def _assign_colours(sources: Sequence[Source]) -> dict[str, str]:
    names = dict.fromkeys((name, name in s.manifest.references) for s in sources for name in s.generators)
    references = [name for name, is_reference in names if is_reference]
    ranked = [name for name, is_reference in names if not is_reference]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(ranked)}
    return colours | {name: GREYS[i % len(GREYS)] for i, name in enumerate(references)}


def _seconds(source: Source, generator: str) -> float | None:
    row = source.costs.get((generator, ""))
    return round(1000 / row.videos_per_s, 4) if row is not None and row.videos_per_s > 0 else None
