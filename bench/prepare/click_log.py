"""Relevance from a click log, filtered as the QMS paper made its data set (section IV-A1).

"We retained only those pairs where the query was searched and the micro-video was clicked by more than 50
users. Then, we excluded pairs with an average user viewing time less than one-third of the total duration
… requiring a minimum of five matching queries."
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import DataError, shorten
from bench.prepare.judgements import Judgements
from bench.prepare.options import PrepareOptions
from bench.store.csv_files import read_rows
from bench.text import normalise

__cache_neutral__ = True

_SHOWN = 1000
"""Lines that name no video, whose place is recorded; all are counted."""


@dataclass(slots=True)
class _Pair:
    """What users did with a video that a query retrieved."""

    query: str
    clicks: float = 0.0
    users: set[str] = field(default_factory=set)
    watched: float = 0.0
    """Sum over clicks of the share of the video that was watched."""

    @property
    def user_count(self) -> float:
        return len(self.users) or self.clicks


def read_click_log(path: Path, videos: Mapping[str, str], options: PrepareOptions) -> Judgements:
    """Read a click log, line by line, and keep the pairs that pass the filters.

    CSV or TSV with the columns ``query``, ``video``, ``watch_time`` and ``duration`` (seconds), and
    ``user`` (a line is one click of that user) or ``clicks`` (a line is so many users, ``watch_time`` their
    mean). Queries that are equal after normalisation are one. The numbers of each step are in ``counts``.
    Raises DataError with file:line for a line that cannot be read.
    """
    judgements = Judgements()
    counts: Counter[str] = Counter()
    pairs: dict[tuple[str, str], _Pair] = {}
    for place, row in read_rows(path, needed=("query", "video", "watch_time", "duration")):
        if "user" not in row and "clicks" not in row:
            raise DataError(f"{place}: a column 'user' or 'clicks' is needed, to count users.")
        counts["lines"] += 1
        video_id = videos.get(row["video"])
        if video_id is None:
            counts["lines that name no video"] += 1
            if len(judgements.unknown) < _SHOWN:
                judgements.unknown.append(f"{place}: {shorten(row['video'])} names no video, or several.")
            continue
        _add(pairs, (normalise(row["query"]), video_id), row, place)
    kept = _filter(pairs, options, counts)
    texts = dict.fromkeys(text for text, _ in kept)
    ids = {text: f"q{number}" for number, text in enumerate(texts, start=1)}
    for (text, video_id), pair in kept.items():
        judgements.texts.setdefault(ids[text], pair.query)
        judgements.grades[ids[text], video_id] = 1
    counts["queries"], counts["videos"] = len(texts), len({video_id for _, video_id in kept})
    judgements.counts = dict(counts)
    return judgements


def _add(
    pairs: dict[tuple[str, str], _Pair], key: tuple[str, str], row: Mapping[str, str], place: str
) -> None:
    if not key[0]:
        raise DataError(f"{place}: the query is empty.")
    clicks = _number(row, "clicks", place) if "clicks" in row else 1.0
    watched, duration = _number(row, "watch_time", place), _number(row, "duration", place)
    if duration == 0:
        raise DataError(f"{place}: the duration is 0.")
    pair = pairs.setdefault(key, _Pair(row["query"].strip()))
    pair.clicks += clicks
    pair.watched += clicks * watched / duration
    if "user" in row:
        pair.users.add(row["user"])


def _number(row: Mapping[str, str], column: str, place: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise DataError(f"{place}: {column} {shorten(row[column])} is not a number of 0 or more.")
    return value


def _filter(
    pairs: Mapping[tuple[str, str], _Pair], options: PrepareOptions, counts: Counter[str]
) -> dict[tuple[str, str], _Pair]:
    """Keep the pairs that pass the three filters of the paper, and count what each leaves."""
    counts["pairs"] = len(pairs)
    clicked = {key: pair for key, pair in pairs.items() if pair.user_count > options.log_users}
    counts[f"pairs clicked by more than {options.log_users} users"] = len(clicked)
    watched = {
        key: pair
        for key, pair in clicked.items()
        if pair.watched >= (options.log_watch - 1e-9) * pair.clicks  # a third is not exact in binary
    }
    counts[f"… and watched for {options.log_watch:.3g} of the video in the mean"] = len(watched)
    queries = _queries_of_videos(watched)
    kept = {key: pair for key, pair in watched.items() if queries[key[1]] >= options.log_queries}
    counts[f"… of videos with {options.log_queries} queries or more"] = len(kept)
    return kept


def _queries_of_videos(pairs: Iterable[tuple[str, str]]) -> Counter[str]:
    return Counter(video_id for _, video_id in pairs)
