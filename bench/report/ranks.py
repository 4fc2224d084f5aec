"""Where the relevant videos ended up: of all evaluated queries, or of an even sample of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from bench.report.source import Source

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 2000
"""Queries whose ranks are looked up: enough for shares to within about 2 points."""
T = TypeVar("T")


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` of the items, evenly spaced from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[i * (len(items) - 1) // (most - 1)] for i in range(most)]


def ranks(source: Source, most: int = SAMPLE) -> pd.DataFrame:
    """Return a row for each cell, sampled query and relevant video; ``rank`` is missing where not found."""
    import pandas as pd

    rows: list[tuple[str, str, str, str, int | None]] = []
    sample = spread(list(source.queries), most)
    for cell in source.cells:
        with source.run(cell) as run:
            for query in sample:
                videos = source.relevant[query]
                found = zip(videos, run.ranks(query, videos), strict=True)
                rows.extend((*cell, query, video, rank) for video, rank in found)
    frame = pd.DataFrame(rows, columns=["generator", "retriever", "query_id", "video_id", "rank"])
    return frame.astype({"rank": "float64"})
