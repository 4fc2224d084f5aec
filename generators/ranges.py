"""What the numbers of a section may be; light, because every command reads it."""

from __future__ import annotations

from bench.options import Section

Bounds = tuple[float | None, float | None]


def within(section: Section, **bounds: Bounds) -> None:
    """Raise ValueError for a field below its least or above its greatest value; None is no bound."""
    for name, (least, most) in bounds.items():
        value = getattr(section, name)
        if value is None:
            continue
        if not ((least is None or value >= least) and (most is None or value <= most)):
            raise ValueError(
                f"option {section.section}.{name}={value} is out of range: {_said(least, most)}."
            )


def one_of(section: Section, name: str, *known: str) -> None:
    """Raise ValueError for a value that is not known."""
    if getattr(section, name) not in known:
        raise ValueError(
            f"option {section.section}.{name}={getattr(section, name)!r} is not known. "
            f"Known: {', '.join(known)}."
        )


def divides(section: Section, heads: str, width: str) -> None:
    """Raise ValueError when the heads cannot share the width alike."""
    many, wide = getattr(section, heads), getattr(section, width)
    if wide % many:
        raise ValueError(
            f"option {section.section}.{width}={wide} cannot be shared by {section.section}.{heads}={many}: "
            "the width must be a multiple of the heads."
        )


def _said(least: float | None, most: float | None) -> str:
    if most is None:
        return f"it must be at least {least:g}"
    return f"it must be from {least:g} to {most:g}"
