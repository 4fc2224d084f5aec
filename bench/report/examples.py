"""Queries and videos to look at: what was asked, what was written, at which rank it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.data.evaluation_set import even_sample
from bench.report.source import Source

QUERIES = 300
"""Queries embedded in the page, with their relevant videos."""
VIDEOS_PER_QUERY = 5
LETTERS = 300
"""Of a summary or reference; the whole is in the run's files."""
REFERENCES = 10


def examples(sources: Sequence[Source], limit: int = QUERIES) -> dict[str, Any]:
    """Return an even sample of the first run's queries and videos, for all runs of the same queries."""
    first = sources[0]
    same = [
        source for source in sources if source.queries == first.queries and source.relevant == first.relevant
    ]
    sample = even_sample(list(first.queries), limit)
    videos = list(dict.fromkeys(v for q in sample for v in first.relevant[q][:VIDEOS_PER_QUERY]))
    return {
        "note": _note(first, sample, videos),
        "queries": [
            {"id": q, "text": _cut(first.queries[q]), "videos": first.relevant[q][:VIDEOS_PER_QUERY],
             "relevant": len(first.relevant[q])}
            for q in sample
        ],
        "videos": [{"id": v, "references": _references(first, v)} for v in videos],
        "systems": _systems(same, videos),
        "ranks": _ranks(same, sample),
    }  # fmt: skip


def _note(source: Source, sample: Sequence[str], videos: Sequence[str]) -> str:
    of = f"{len(source.queries):,} queries"
    shown = (
        f"All {of}" if len(sample) == len(source.queries) else f"An even sample of {len(sample):,} of {of}"
    )
    return (
        f"{shown}, with {len(videos):,} relevant videos (at most {VIDEOS_PER_QUERY} a query); texts are cut "
        f"at {LETTERS} characters. Any other: bench explain OUT --query QID, or --video VID."
    )


def _systems(sources: Sequence[Source], videos: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for source in sources:
        for generator in source.generators:
            written = source.summaries(generator)
            texts = [_cut(written.get(video, "")) for video in videos]
            found.append({"label": source.labels[generator], "summaries": texts})
    return found


def _ranks(sources: Sequence[Source], sample: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each cell the ranks of each query's videos, 0 where a video was not returned."""
    found = []
    for source in sources:
        labels = source.manifest.labels
        for generator, retriever in source.cells:
            with source.run((generator, retriever)) as run:
                places = [
                    [rank or 0 for rank in run.ranks(q, source.relevant[q][:VIDEOS_PER_QUERY])]
                    for q in sample
                ]
            names: Mapping[str, Any] = {
                "system": source.labels[generator], "retriever": labels.get(retriever, retriever)
            }  # fmt: skip
            found.append({**names, "ranks": places})
    return found


def _references(source: Source, video: str) -> list[str]:
    return [_cut(text) for text in source.references.get(video, ())[:REFERENCES]]


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
