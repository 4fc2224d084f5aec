"""Which queries are evaluated against which pool of videos: the protocols of contract section 2."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.choices import ONE_QUERY_PER_VIDEO
from bench.data.dataset import Dataset
from bench.errors import DataError
from bench.types import Grades, QueryId, VideoId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """The evaluated queries, their relevant videos, and the pool that is searched."""

    pool: Sequence[VideoId]
    queries: Mapping[QueryId, str]
    relevant: Mapping[QueryId, Sequence[VideoId]]
    drawn: Mapping[QueryId, QueryId]
    """The dataset's id of each evaluated query: ``q7`` of ``q7~2``."""
    grades: Grades
    """The relevance of each query's relevant videos, for graded measures."""

    @property
    def mean_relevant(self) -> float:
        """Average the number of relevant videos over the evaluated queries."""
        return sum(len(videos) for videos in self.relevant.values()) / len(self.relevant)


def make_evaluation_set(
    dataset: Dataset, *, split: str, protocol: str, query_seed: int, pool: str = "split"
) -> EvaluationSet:
    """Select the queries that score a split, by protocol; relevance outside the pool is not counted.

    The pool is the split's videos or, for ``all``, those of every split. ``all-queries`` takes each query
    with a relevant video in the split once. ``one-query-per-video``
    draws one relevant query for each video of it that has any; a query drawn for several videos keeps
    its weight, under the ids ``q``, ``q~2``, ``q~3`` … so that any TREC tool counts it as often
    (paper-audit part C). Raises DataError for an empty pool or one without queries.
    """
    in_split = [record.video_id for record in dataset.split(split)]
    if not in_split:
        raise DataError(
            f"dataset {dataset.name} has no videos in the split '{split}'; choose another with --split."
        )
    searched = [record.video_id for record in dataset.records] if pool == "all" else in_split
    relevant = _within(dataset.relevant, in_split)
    if not relevant:
        raise DataError(
            f"dataset {dataset.name}: no query has a relevant video in the split '{split}'. "
            "Judge some in qrels.tsv, or choose another with --split."
        )
    drawn = list(relevant)
    if protocol == ONE_QUERY_PER_VIDEO:
        drawn = _draw_one_per_video(in_split, relevant, query_seed)
    items = _give_distinct_ids(drawn, taken=set(dataset.queries))
    relevant = _within(dataset.relevant, searched)
    return EvaluationSet(
        searched,
        {item: dataset.queries[query] for item, query in items.items()},
        {item: relevant[query] for item, query in items.items()},
        items,
        {item: _grades(relevant[query], dataset.gains.get(query, {})) for item, query in items.items()},
    )


def _grades(relevant: Sequence[VideoId], gains: Mapping[VideoId, int]) -> dict[VideoId, int]:
    return {video: gains.get(video, 1) for video in relevant}


def _within(
    relevant: Mapping[QueryId, Sequence[VideoId]], videos: Sequence[VideoId]
) -> dict[QueryId, list[VideoId]]:
    """Restrict the judgements to the given videos, and drop queries without a relevant one among them."""
    inside = set(videos)
    filtered = {query: [video for video in ids if video in inside] for query, ids in relevant.items()}
    return {query: ids for query, ids in filtered.items() if ids}


def draw(options: Sequence[str], *salt: object) -> str:
    """Draw one of the options by a salt alone, independent of their order and of other draws."""
    keyed = {hashlib.sha256(f"{salt}|{option}".encode()).digest(): option for option in options}
    return keyed[min(keyed)]


def _draw_one_per_video(
    pool: Sequence[VideoId], relevant: Mapping[QueryId, Sequence[VideoId]], seed: int
) -> list[QueryId]:
    of_video: dict[VideoId, list[QueryId]] = {}
    for query, videos in relevant.items():
        for video in videos:
            of_video.setdefault(video, []).append(query)
    return [draw(of_video[video], "query", seed, video) for video in pool if video in of_video]


def _give_distinct_ids(drawn: Sequence[QueryId], taken: set[QueryId]) -> dict[QueryId, QueryId]:
    """Map item ids to query ids, in order, with a new item id for each repetition of a query."""
    items: dict[QueryId, QueryId] = {}
    times: dict[QueryId, int] = {}
    for query in drawn:
        times[query] = number = times.get(query, 0) + 1
        item = query if number == 1 else f"{query}~{number}"
        while number > 1 and (item in taken or item in items):
            item += "~"
        items[item] = query
    return items


def even_sample(items: Sequence[T], limit: int) -> list[T]:
    """Thin out a list to at most ``limit`` evenly spaced items, from the first to the last."""
    if len(items) <= limit:
        return list(items)
    return [items[i * (len(items) - 1) // max(limit - 1, 1)] for i in range(limit)]
