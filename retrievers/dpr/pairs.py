"""What the dense retriever is fine-tuned on: pairs of a query and a positive, and what validation ranks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.text import normalise
from bench.types import Video, VideoId

Pair = tuple[str, str]
"""A query and its positive."""
Videos = Mapping[str, frozenset[int]]
"""The numbers of a text's videos, by its normal form."""


@dataclass(frozen=True)
class Pairs:
    """Pairs to train on or to validate with, and which texts are relevant to one another.

    The videos are those of every query and document of the split, also of those that were not drawn.
    """

    pairs: Sequence[Pair]
    query_videos: Videos
    document_videos: Videos

    def is_negative(self, query: str, document: str) -> bool:
        """Check that a document is wrong for a query: another text, and of none of the query's videos."""
        one, other = normalise(query), normalise(document)
        return one != other and self.query_videos[one].isdisjoint(self.document_videos[other])


@dataclass(frozen=True)
class Ranking:
    """What validation ranks: queries and documents by their normal form, and the relevant ones by query."""

    queries: Mapping[str, str]
    documents: Mapping[str, str]
    relevant: Mapping[str, set[str]]


def sibling_pairs(videos: Sequence[Video], seed: int, limit: int | None) -> Pairs:
    """Pair each query with every other query of its video, to train on.

    At most ``limit`` pairs, drawn with the seed; a video with fewer than two queries gives none.
    """
    pairs = [pair for video in videos for pair in itertools.permutations(distinct_texts(video.references), 2)]
    numbers = _videos_of(video.references for video in videos)
    return Pairs(_draw(pairs, seed, limit), numbers, numbers)


def summary_pairs(
    videos: Sequence[Video], summaries: Mapping[VideoId, str], seed: int, limit: int | None
) -> Pairs:
    """Pair each query with the summary of its video, to train on.

    At most ``limit`` pairs, drawn with the seed; a video without queries or with an empty summary gives none.
    """
    written = [summaries.get(video.video_id, "") for video in videos]
    pairs = [
        (query, summary)
        for video, summary in zip(videos, written, strict=True)
        if summary.strip()
        for query in distinct_texts(video.references)
    ]
    return Pairs(
        _draw(pairs, seed, limit),
        _videos_of(video.references for video in videos),
        _videos_of([summary] for summary in written),
    )


def make_ranking(pairs: Pairs, documents: Iterable[str] | None = None) -> Ranking:
    """Make what validation ranks: the queries of the pairs; their positives, or the documents given.

    A document is relevant to a query when they share a video, whichever of the query's videos that is. Equal
    texts are one document: no retriever can distinguish them. A query is not its own sibling.
    """
    texts = (other for _, other in pairs.pairs) if documents is None else documents
    corpus = {normalise(text): text for text in texts if text.strip()}
    queries = {normalise(query): query for query, _ in pairs.pairs}
    by_video: dict[int, set[str]] = {}
    for key in corpus:
        for video in pairs.document_videos.get(key, ()):
            by_video.setdefault(video, set()).add(key)
    siblings = pairs.query_videos is pairs.document_videos
    relevant = {}
    for key in queries:
        keys = set().union(*(by_video.get(video, set()) for video in pairs.query_videos[key]))
        relevant[key] = keys - {key} if siblings else keys
    return Ranking(queries, corpus, relevant)


def distinct_texts(texts: Iterable[str]) -> list[str]:
    """Keep the texts that differ in their normal form and are not empty; of equal ones the last."""
    return list({normalise(text): text for text in texts if text.strip()}.values())


def _videos_of(texts: Iterable[Iterable[str]]) -> dict[str, frozenset[int]]:
    numbers: dict[str, set[int]] = {}
    for number, of_video in enumerate(texts):
        for text in of_video:
            numbers.setdefault(normalise(text), set()).add(number)
    return {text: frozenset(videos) for text, videos in numbers.items()}


def _draw(pairs: list[Pair], seed: int, limit: int | None) -> list[Pair]:
    random.Random(seed).shuffle(pairs)
    return pairs[:limit]
