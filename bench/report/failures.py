"""The queries that the page shows: ranks of relevant videos, and what each system returned first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.data.evaluation_set import even_sample
from bench.report.leaderboard import list_retrievers
from bench.report.source import Source
from bench.report.systems import System
from bench.types import QueryId, VideoId

if TYPE_CHECKING:
    import pandas as pd

    from bench.output.trec_lookup import Hit

QUERIES = 300
"""Queries embedded in the page."""
INSTEAD = 3
"""First results shown for each query and system."""
LETTERS = 200
"""Characters of a summary or reference; the full text is in the run's files."""
REFERENCES = 5
TEXT_BUDGET = 1_000_000
"""Characters of summaries in the page; with more, fewer queries are embedded."""


def failures(
    places: Sequence[tuple[Source, pd.DataFrame]], systems: Sequence[System], limit: int = QUERIES
) -> dict[str, Any]:
    """Collect the data of the query browser: sampled queries with ranks, first results and summaries.

    ``places`` are the runs with the ranks of their relevant videos (`look_up_ranks`). Of several runs,
    those with the first one's queries are shown. The texts are those of all shown videos.
    """
    first = places[0][0]
    same = [
        (source, ranks)
        for source, ranks in places
        if source.queries == first.queries and source.relevant == first.relevant
    ]
    sample = select_queries([ranks for _, ranks in same], list(first.queries), limit)
    data = _collect(same, systems, sample)
    letters = sum(len(text) for texts in data["texts"] for text in texts.values())
    if letters > TEXT_BUDGET:
        data = _collect(same, systems, even_sample(sample, max(1, len(sample) * TEXT_BUDGET // letters)))
    return data


def select_queries(ranks: Sequence[pd.DataFrame], queries: list[QueryId], limit: int) -> list[QueryId]:
    """Select the queries to embed: all, or an even sample and those on which the systems differ most."""
    if len(queries) <= limit:
        return queries
    import pandas as pd

    frame = pd.concat(list(ranks), keys=range(len(ranks)), names=["run"]).reset_index("run")
    first = frame.groupby(["query_id", "run", "generator", "retriever"])["rank"].min()
    by_query = first.fillna(frame["rank"].max() + 1).groupby("query_id")
    gaps = (by_query.max() - by_query.min()).sort_values(ascending=False, kind="stable")
    even = even_sample(queries, limit // 2)
    different = [query for query in gaps.index if query not in set(even)][: limit - len(even)]
    chosen = {*even, *different}
    return [query for query in queries if query in chosen]


def _collect(
    runs: Sequence[tuple[Source, pd.DataFrame]], systems: Sequence[System], sample: Sequence[QueryId]
) -> dict[str, Any]:
    first = runs[0][0]
    numbers: dict[VideoId, int] = {}
    relevant = [[_number(numbers, v) for v in first.relevant[q][:REFERENCES]] for q in sample]
    retrievers = list(list_retrievers([source for source, _ in runs]))
    cells: dict[str, Any] = {}
    shown: list[set[VideoId]] = []
    for place, system in enumerate(systems):
        videos = {v for q in sample for v in first.relevant[q][:REFERENCES]}
        source = next((s for s, _ in runs if s.name == system.run), None)
        for number, retriever in enumerate(retrievers):
            if source is None or (system.generator, retriever) not in source.cells:
                continue
            rows = list(_cell(source, (system.generator, retriever), sample, numbers, videos))
            cells[f"{place}.{number}"] = rows
        shown.append(videos)
    names = list(numbers)
    return {
        "note": _note(first, sample),
        "depth": first.manifest.evaluation.depth,
        "queries": [
            [q, _cut(first.queries[q]), len(first.relevant[q]), videos]
            for q, videos in zip(sample, relevant, strict=True)
        ],
        "videos": names,
        "references": {
            numbers[v]: _references(first, v) for q in sample for v in first.relevant[q][:REFERENCES]
        },
        "links": {
            numbers[v]: first.addresses[v]
            for q in sample
            for v in first.relevant[q][:REFERENCES]
            if v in first.addresses
        },
        "cells": cells,
        "texts": list(_texts(runs, systems, shown, numbers)),
    }


def _cell(
    source: Source,
    cell: tuple[str, str],
    sample: Sequence[QueryId],
    numbers: dict[VideoId, int],
    videos: set[VideoId],
) -> Iterator[list[int]]:
    """Yield for each query: rank of its first relevant video (0: not returned), tied (0 or 1), first results.

    Adds the videos that are shown to ``numbers`` and ``videos``.
    """
    with source.run(cell) as run:
        for query in sample:
            hits = run.hits(query)
            relevant = set(source.relevant[query])
            found = next((hit for hit in hits if hit.video_id in relevant), None)
            first = [hit.video_id for hit in hits[:INSTEAD]]
            videos.update(first)
            yield [
                found.rank if found else 0,
                int(found is not None and _is_tied(found, hits, relevant)),
                *(_number(numbers, video) for video in first),
            ]


def _is_tied(found: Hit, hits: Sequence[Hit], relevant: set[VideoId]) -> bool:
    """Check whether a video that is not relevant has the same score, so that the order of ties decides."""
    return any(hit.score == found.score and hit.video_id not in relevant for hit in hits)


def _texts(
    runs: Sequence[tuple[Source, pd.DataFrame]],
    systems: Sequence[System],
    shown: Sequence[set[VideoId]],
    numbers: Mapping[VideoId, int],
) -> Iterator[dict[int, str]]:
    sources = {source.name: source for source, _ in runs}
    for system, videos in zip(systems, shown, strict=True):
        source = sources.get(system.run)
        written = source.summaries(system.generator) if source else {}
        yield {numbers[v]: _cut(written[v]) for v in written if v in videos}


def _note(source: Source, sample: Sequence[QueryId]) -> str:
    total = f"{len(source.queries):,} queries"
    shown = (
        f"All {total}"
        if len(sample) == len(source.queries)
        else f"{len(sample):,} of {total}: an even sample, and those on which systems differ most"
    )
    return (
        f"{shown}. Texts are cut at {LETTERS} characters. "
        "For any other query or video: bench explain OUT --query QID, or --video VID."
    )


def _number(numbers: dict[VideoId, int], video: VideoId) -> int:
    return numbers.setdefault(video, len(numbers))


def _references(source: Source, video: VideoId) -> list[str]:
    return [_cut(text) for text in source.references.get(video, ())[:REFERENCES]]


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
