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
    """Hold what is ranked for what, texts by their normal form; ``relevant`` are keys of documents."""

    queries: Mapping[str, str]
    documents: Mapping[str, str]
    relevant: Mapping[str, set[str]]


def sibling_pairs(videos: Sequence[Video], seed: int, most: int | None) -> list[Pair]:
    """Return ordered pairs of different queries of one video, with the video's number.

    At most ``most`` pairs, drawn with the seed; a video with fewer than two queries gives none.
    """
    pairs = [
        (one, other, number)
        for number, video in enumerate(videos)
        for one, other in itertools.permutations(_different(video.references), 2)
    ]
    return _drawn(pairs, seed, most)


def summary_pairs(
    videos: Sequence[Video], summaries: Mapping[VideoId, str], seed: int, most: int | None
) -> list[Pair]:
    """Return pairs of a query and the summary of its video, with the video's number.

    At most ``most`` pairs, drawn with the seed; a video without queries or with an empty summary gives none.
    """
    pairs = [
        (query, summary, number)
        for number, video in enumerate(videos)
        if (summary := summaries.get(video.video_id, "")).strip()
        for query in _different(video.references)
    ]
    return _drawn(pairs, seed, most)


def sibling_ranking(pairs: Sequence[Pair]) -> Ranking:
    """Return the siblings of the pairs as documents, and for each query its own as the relevant ones."""
    asked = {normalise(one): (one, video) for one, _, video in pairs}
    written = {normalise(other): (other, video) for _, other, video in pairs}
    relevant = {
        key: {other for other, (_, theirs) in written.items() if theirs == video and other != key} or {key}
        for key, (_, video) in asked.items()
    }
    return Ranking(_texts(asked), _texts(written), relevant)


def summary_ranking(pairs: Sequence[Pair], summaries: Iterable[str]) -> Ranking:
    """Return all summaries as documents, and for each query of the pairs those of its videos as relevant.

    Equal summaries are one document: nothing can tell them apart.
    """
    relevant: dict[str, set[str]] = {}
    for query, summary, _ in pairs:
        relevant.setdefault(normalise(query), set()).add(normalise(summary))
    asked = {normalise(query): query for query, _, _ in pairs}
    return Ranking(asked, {normalise(text): text for text in summaries if text.strip()}, relevant)


def _different(texts: Iterable[str]) -> list[str]:
    return list({normalise(text): text for text in texts if text.strip()}.values())


def _drawn(pairs: list[Pair], seed: int, most: int | None) -> list[Pair]:
    random.Random(seed).shuffle(pairs)
    return pairs[:most]


def _texts(numbered: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    return {key: text for key, (text, _) in numbered.items()}
