"""Which queries are evaluated, against which pool: the protocols of contract section 2."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.choices import ONE_QUERY_PER_VIDEO
from bench.data.dataset import Dataset
from bench.errors import DataError
from bench.types import QueryId, VideoId


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Hold the evaluated queries, their relevant videos, and the pool that is searched."""

    pool: Sequence[VideoId]
    queries: Mapping[QueryId, str]
    relevant: Mapping[QueryId, Sequence[VideoId]]
    drawn: Mapping[QueryId, QueryId]
    """The dataset's id of each evaluated query: ``q7`` of ``q7~2``."""

    @property
    def mean_relevant(self) -> float:
        """Return the mean number of relevant videos per evaluated query."""
        return sum(len(videos) for videos in self.relevant.values()) / len(self.relevant)


def evaluation(
    dataset: Dataset, *, split: str, protocol: str, query_seed: int, pool: str = "split"
) -> Evaluation:
    """Return the evaluation of a split: relevance outside the pool is not counted.

    The pool is the split's videos or, for ``all``, those of every split. ``all-queries`` takes each query
    with a relevant video in the split once. ``one-query-per-video``
    draws one relevant query for each video of it that has any; a query drawn for several videos keeps
    its weight, under the ids ``q``, ``q~2``, ``q~3`` … so that any TREC tool counts it as often
    (paper-audit part C). Raises DataError for an empty pool or one without queries.
    """
    own = [record.video_id for record in dataset.split(split)]
    if not own:
        raise DataError(
            f"dataset {dataset.name} has no videos in the split '{split}'; choose another with --split."
        )
    searched = [record.video_id for record in dataset.records] if pool == "all" else own
    relevant = _within(dataset.relevant, own)
    if not relevant:
        raise DataError(f"dataset {dataset.name}: no query has a relevant video in the split '{split}'.")
    drawn = _one_per_video(own, relevant, query_seed) if protocol == ONE_QUERY_PER_VIDEO else list(relevant)
    items = _distinct(drawn, taken=set(dataset.queries))
    relevant = _within(dataset.relevant, searched)
    return Evaluation(
        searched,
        {item: dataset.queries[query] for item, query in items.items()},
        {item: relevant[query] for item, query in items.items()},
        items,
    )


def _within(
    relevant: Mapping[QueryId, Sequence[VideoId]], videos: Sequence[VideoId]
) -> dict[QueryId, list[VideoId]]:
    """Return the relevant videos that are among the given ones, of the queries that have any."""
    inside = set(videos)
    kept = {query: [video for video in found if video in inside] for query, found in relevant.items()}
    return {query: found for query, found in kept.items() if found}


def draw(options: Sequence[str], *salt: object) -> str:
    """Return one of the options, decided by the salt alone: not by their order, nor by other draws."""
    keyed = {hashlib.sha256(f"{salt}|{option}".encode()).digest(): option for option in options}
    return keyed[min(keyed)]


def _one_per_video(
    pool: Sequence[VideoId], relevant: Mapping[QueryId, Sequence[VideoId]], seed: int
) -> list[QueryId]:
    of_video: dict[VideoId, list[QueryId]] = {}
    for query, videos in relevant.items():
        for video in videos:
            of_video.setdefault(video, []).append(query)
    return [draw(of_video[video], "query", seed, video) for video in pool if video in of_video]


def _distinct(drawn: Sequence[QueryId], taken: set[QueryId]) -> dict[QueryId, QueryId]:
    """Return ``{item id: query id}`` in order, giving a repeated query an id of its own."""
    items: dict[QueryId, QueryId] = {}
    times: dict[QueryId, int] = {}
    for query in drawn:
        times[query] = number = times.get(query, 0) + 1
        item = query if number == 1 else f"{query}~{number}"
        while number > 1 and (item in taken or item in items):
            item += "~"
        items[item] = query
    return items
