"""What the dense retriever is fine-tuned on: pairs of a query and a positive, and what validation ranks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bench.text import normalise
from bench.types import Video, VideoId

Pair: TypeAlias = tuple[str, str, int]
"""A query, its positive, and the number of the video both belong to."""


@dataclass(frozen=True)
class Ranking:
    """What validation ranks: queries and documents by their normal form, and the relevant ones by query."""

    queries: Mapping[str, str]
    documents: Mapping[str, str]
    relevant: Mapping[str, set[str]]


def sibling_pairs(videos: Sequence[Video], seed: int, limit: int | None) -> list[Pair]:
    """Return ordered pairs of different queries of one video, with the video's number.

    At most ``limit`` pairs, drawn with the seed; a video with fewer than two queries gives none.
    """
    pairs = [
        (one, other, number)
        for number, video in enumerate(videos)
        for one, other in itertools.permutations(_distinct(video.references), 2)
    ]
    return _draw(pairs, seed, limit)


def summary_pairs(
    videos: Sequence[Video], summaries: Mapping[VideoId, str], seed: int, limit: int | None
) -> list[Pair]:
    """Return pairs of a query and the summary of its video, with the video's number.

    At most ``limit`` pairs, drawn with the seed; a video without queries or with an empty summary gives none.
    """
    pairs = [
        (query, summary, number)
        for number, video in enumerate(videos)
        if (summary := summaries.get(video.video_id, "")).strip()
        for query in _distinct(video.references)
    ]
    return _draw(pairs, seed, limit)


def sibling_ranking(pairs: Sequence[Pair]) -> Ranking:
    """Return the siblings of the pairs as documents, and for each query its own as the relevant ones."""
    queries = {normalise(one): (one, video) for one, _, video in pairs}
    documents = {normalise(other): (other, video) for _, other, video in pairs}
    relevant = {
        key: {other for other, (_, owner) in documents.items() if owner == video and other != key} or {key}
        for key, (_, video) in queries.items()
    }
    return Ranking(_texts(queries), _texts(documents), relevant)


def summary_ranking(pairs: Sequence[Pair], summaries: Iterable[str]) -> Ranking:
    """Return all summaries as documents, and for each query of the pairs those of its videos as relevant.

    Equal summaries are one document: no retriever can distinguish them.
    """
    relevant: dict[str, set[str]] = {}
    for query, summary, _ in pairs:
        relevant.setdefault(normalise(query), set()).add(normalise(summary))
    queries = {normalise(query): query for query, _, _ in pairs}
    return Ranking(queries, {normalise(text): text for text in summaries if text.strip()}, relevant)


def _distinct(texts: Iterable[str]) -> list[str]:
    return list({normalise(text): text for text in texts if text.strip()}.values())


def _draw(pairs: list[Pair], seed: int, limit: int | None) -> list[Pair]:
    random.Random(seed).shuffle(pairs)
    return pairs[:limit]


def _texts(numbered: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    return {key: text for key, (text, _) in numbered.items()}
