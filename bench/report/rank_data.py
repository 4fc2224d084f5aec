"""Plots of where the relevant videos ended up, over all queries or a stated sample of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bench.data.evaluation_set import even_sample
from bench.report import plots
from bench.report.plots import Plot, Row
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
    """Return a row for each cell, sampled query and relevant video; ``rank`` is missing where not found."""
    import pandas as pd

    rows: list[tuple[str, str, str, str, int | None]] = []
    sample = even_sample(list(source.queries), limit)
    for cell in source.cells:
        with source.run(cell) as run:
            for query in sample:
                videos = source.relevant[query]
                found = zip(videos, run.ranks(query, videos), strict=True)
                rows.extend((*cell, query, video, rank) for video, rank in found)
    frame = pd.DataFrame(rows, columns=["generator", "retriever", "query_id", "video_id", "rank"])
    return frame.astype({"rank": "float64"})


def quality_by_video(found: Sequence[Ranked], series: Sequence[str]) -> Iterator[Plot]:
    """Yield, by retriever, how often a video is found over the quality of its caption."""
    written = {id(source): {g: source.per_video(g) for g in source.generators} for source, _ in found}
    for number, (retriever, label) in enumerate(_retrievers(found), start=1):
        rows: list[Row] = []
        for source, places in found:
            for generator, quality in written[id(source)].items():
                own = places[(places["retriever"] == retriever) & (places["generator"] == generator)]
                rows.extend({"series": source.labels[generator], **bin_} for bin_ in _bins(own, quality))
        if rows:
            title = f"By video, with {label}"
            note = (
                "How often a video is among the first 10 for its query, from the row's worst captions to its "
                f"best, in up to {BINS} bins (fewer where many have one CIDEr). {_sampled(found)} "
                "Bars are 95 % intervals (Wilson)."
            )
            yield Plot(f"quality-videos-{number}", "quality", title, note, plots.binned(title, rows, series))


def _bins(places: pd.DataFrame, quality: pd.DataFrame) -> Iterator[Row]:
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

    joined = places.merge(quality[["video_id", "CIDEr"]], on="video_id").dropna(subset=["CIDEr"])
    if joined.empty:
        return
    joined["found"] = joined["rank"] <= 10
    cut = (
        pd.qcut(joined["CIDEr"], BINS, duplicates="drop")
        if joined["CIDEr"].nunique() > 1
        else joined["CIDEr"]
    )
    joined["percentile"] = joined["CIDEr"].rank(pct=True) * 100
    for _, part in joined.groupby(cut, observed=True):
        found, n = int(part["found"].sum()), len(part)
        low, high = proportion_confint(found, n, method="wilson")
        yield {
            "percentile": round(float(part["percentile"].mean()), 2),
            "x": round(float(part["CIDEr"].mean()) * 100, 3),
            "value": round(found * 100 / n, 3),
            "low": round(low * 100, 3),
            "high": round(high * 100, 3),
            "n": n,
        }


def first_ranks(found: Sequence[Ranked], series: Sequence[str]) -> Iterator[Plot]:
    """Yield, by retriever, the distribution of the rank of the first relevant video."""
    for number, (retriever, label) in enumerate(_retrievers(found), start=1):
        rows = [row for source, places in found for row in _buckets(source, places, retriever)]
        title = f"Rank of the first relevant video with {label}"
        names = [name for name in series if any(row["series"] == name for row in rows)]
        spec = plots.stacked(title, rows, list(BUCKETS), names)
        yield Plot(f"ranks-{number}", "ranks", title, _sampled(found), spec)


def _buckets(source: Source, places: pd.DataFrame, retriever: str) -> Iterator[Row]:
    own = places[places["retriever"] == retriever]
    for generator, part in own.groupby("generator", sort=False):
        first = part.groupby("query_id", sort=False)["rank"].min().fillna(math.inf)
        below = 0
        for place, (bucket, last) in enumerate(BUCKETS.items()):
            count = int((first <= last).sum()) - below
            below += count
            yield {
                "series": source.labels[str(generator)], "bucket": bucket, "place": place,
                "value": round(count * 100 / len(first), 3), "count": count,
            }  # fmt: skip


def _sampled(found: Sequence[Ranked]) -> str:
    parts = []
    for source, places in found:
        shown, there = places["query_id"].nunique(), len(source.queries)
        what = (
            f"all {there:,} queries"
            if shown == there
            else f"an even sample of {shown:,} of {there:,} queries"
        )
        parts.append(f"{source.name}: {what}" if source.name else what)
    return f"Over {'; '.join(dict.fromkeys(parts))}."


def _retrievers(found: Sequence[Ranked]) -> list[tuple[str, str]]:
    """Return name and label of every retriever, each once."""
    pairs = {
        name: source.manifest.labels.get(name, name) for source, _ in found for name in source.retrievers
    }
    return list(pairs.items())
