"""Plots of the ranks of relevant videos, over all queries or a stated sample of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

from bench.data.evaluation_set import even_sample
from bench.report import plots
from bench.report.plots import Look, Plot, Row
from bench.report.source import Source

if TYPE_CHECKING:
    import pandas as pd

Ranked: TypeAlias = "tuple[Source, pd.DataFrame]"
"""A run and the ranks of its relevant videos (`look_up_ranks`)."""
BUCKETS = {"1": 1, "2–5": 5, "6–10": 10, "11–30": 30, "31–100": 100, "not found": math.inf}
BINS = 5
SAMPLE = 2000
"""Queries whose ranks are looked up: enough for shares to within about 2 points."""


def look_up_ranks(source: Source, limit: int = SAMPLE) -> pd.DataFrame:
    """Look up at which rank each cell returned the relevant videos of sampled queries; NaN if it did not.

    A row for each cell, query and relevant video.
    """
    import pandas as pd

    rows: list[tuple[str, str, str, str, int | None]] = []
    sample = even_sample(list(source.queries), limit)
    for cell in source.cells:
        with source.run(cell) as run:
            for query in sample:
                videos = source.relevant[query]
                ranks = zip(videos, run.ranks(query, videos), strict=True)
                rows.extend((*cell, query, video, rank) for video, rank in ranks)
    frame = pd.DataFrame(rows, columns=["generator", "retriever", "query_id", "video_id", "rank"])
    return frame.astype({"rank": "float64"})


def quality_by_video(
    ranked: Sequence[Ranked], look: Look, major: Collection[tuple[str, str]]
) -> Iterator[Plot]:
    """Yield how often a video is returned in the first 10, over the quality of its caption.

    ``major`` are the systems with retrievers whose lines are drawn strong.
    """
    rows: list[Row] = []
    for source, places in ranked:
        for generator in source.generators:
            quality = source.per_video(generator)
            for retriever, part in places[places["generator"] == generator].groupby("retriever", sort=False):
                names = {
                    "series": source.labels[generator],
                    "retriever": source.manifest.labels.get(str(retriever), str(retriever)),
                    "reference": generator in source.manifest.references,
                    **({"run": source.name} if source.name else {}),
                }
                names["major"] = (names["series"], names["retriever"]) in major
                rows.extend({**names, **bin_} for bin_ in _bins(part, quality))
    if rows:
        title = "Does CIDEr predict findability? By video"
        note = (
            "How often a video is among the first 10 for its query, from each system's worst captions to its "
            f"best, in up to {BINS} bins (fewer where many have one CIDEr). {_sampled(ranked)} "
            "Select a system in the legend for its 95 % intervals (Wilson)."
        )
        spec = plots.binned(title, rows, look, _retrievers(rows))
        yield Plot("quality-videos", "quality", title, note, spec)


def _bins(places: pd.DataFrame, quality: pd.DataFrame) -> Iterator[Row]:
    import pandas as pd

    joined = places.merge(quality[["video_id", "CIDEr"]], on="video_id").dropna(subset=["CIDEr"])
    if joined.empty:
        return
    joined["found"] = joined["rank"] <= 10
    cut = joined["CIDEr"]
    if cut.nunique() > 1:  # without labels: pandas cannot write the edges of bins as close to 0 as 1e-200
        cut = pd.qcut(cut, BINS, labels=False, duplicates="drop")
    joined["percentile"] = joined["CIDEr"].rank(pct=True) * 100
    for _, part in joined.groupby(cut, observed=True):
        hits, n = int(part["found"].sum()), len(part)
        low, high = _wilson_interval(hits, n)
        yield {
            "percentile": round(float(part["percentile"].mean()), 2),
            "x": round(float(part["CIDEr"].mean()) * 100, 3),
            "value": round(hits * 100 / n, 3),
            "low": round(low * 100, 3),
            "high": round(high * 100, 3),
            "n": n,
        }


def _wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Compute the 95 % interval of a share of ``hits`` in ``n`` (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.975)
    share, width = hits / n, z * z / n
    centre = (share + width / 2) / (1 + width)
    half = z * math.sqrt(share * (1 - share) / n + width / (4 * n)) / (1 + width)
    return max(0.0, centre - half), min(1.0, centre + half)


def first_ranks(ranked: Sequence[Ranked], look: Look) -> Iterator[Plot]:
    """Yield the distribution of the rank of the first relevant video."""
    rows = [row for source, places in ranked for row in _buckets(source, places)]
    if rows:
        title = "Rank of the first relevant video"
        menus = {"bucket": list(BUCKETS), "retriever": _retrievers(rows)}
        yield Plot("ranks", "depth", title, _sampled(ranked), plots.stacked(title, rows, look, menus))


def _buckets(source: Source, places: pd.DataFrame) -> Iterator[Row]:
    for (generator, retriever), part in places.groupby(["generator", "retriever"], sort=False):
        first = part.groupby("query_id", sort=False)["rank"].min().fillna(math.inf)
        below = 0
        for place, (bucket, last) in enumerate(BUCKETS.items()):
            count = int((first <= last).sum()) - below
            below += count
            yield {
                "series": source.labels[str(generator)],
                "retriever": source.manifest.labels.get(str(retriever), str(retriever)),
                "bucket": bucket, "place": place,
                "value": round(count * 100 / len(first), 3), "count": count,
            }  # fmt: skip


def _sampled(ranked: Sequence[Ranked]) -> str:
    parts = []
    for source, places in ranked:
        shown, total = places["query_id"].nunique(), len(source.queries)
        what = (
            f"all {total:,} queries"
            if shown == total
            else f"an even sample of {shown:,} of {total:,} queries"
        )
        parts.append(f"{source.name}: {what}" if source.name else what)
    return f"Over {'; '.join(dict.fromkeys(parts))}."


def _retrievers(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["retriever"] for row in rows))
