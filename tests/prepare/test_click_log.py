"""Click logs: the filters of the paper, and what each leaves."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.prepare.click_log import read_click_log
from bench.prepare.options import PrepareOptions

VIDEOS = {f"v{i}": f"v{i}" for i in range(500)}
HEADER = "query,video,clicks,watch_time,duration\n"


def write(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def lines_of(video: str, queries: int, rest: str = "51,10,30") -> list[str]:
    return [f"query {i},{video},{rest}" for i in range(queries)]


def test_each_filter_stops_at_its_bound(tmp_path: Path) -> None:
    lines = [
        *lines_of("v0", 5),  # 51 users, a third, 5 queries: kept
        *lines_of("v1", 4),  # 4 queries
        *lines_of("v2", 5, "50,10,30"),  # not more than 50 users
        *lines_of("v3", 5, "51,9.9,30"),  # less than a third
    ]
    judgements = read_click_log(write(tmp_path / "log.csv", lines), VIDEOS, PrepareOptions())
    assert {video for _, video in judgements.grades} == {"v0"}
    assert judgements.counts == {
        "lines": 19,
        "pairs": 19,
        "pairs clicked by more than 50 users": 14,
        "… and watched for 0.333 of the video in the mean": 9,
        "… of videos with 5 queries or more": 5,
        "queries": 5,
        "videos": 1,
    }


def test_a_line_may_be_one_click_of_one_user(tmp_path: Path) -> None:
    lines = [f"fox,v1,u{i % 3},{seconds},30" for i, seconds in enumerate([30, 0, 0, 30])]
    path = write(tmp_path / "log.csv", lines, "query,video,user,watch_time,duration\n")
    for users, kept in ((2, True), (3, False)):
        options = PrepareOptions(log_users=users, log_watch=0.5, log_queries=1)
        assert bool(read_click_log(path, VIDEOS, options).grades) == kept, "three users clicked four times"


def test_spellings_are_one_query_and_means_are_over_clicks(tmp_path: Path) -> None:
    lines = ["Red Fox,v1,30,30,30", "red  fox,v1,30,0,30"]
    options = PrepareOptions(log_watch=0.5, log_queries=1)
    judgements = read_click_log(write(tmp_path / "log.csv", lines), VIDEOS, options)
    assert judgements.texts == {"q1": "Red Fox"}
    assert judgements.grades == {("q1", "v1"): 1}


def test_a_log_of_100000_lines_is_filtered_and_every_line_counted(tmp_path: Path) -> None:
    random_ = random.Random(0)
    events = [
        (
            f"query {random_.randrange(8)} of {video}",
            f"v{video}",
            random_.randrange(20),
            random_.randrange(31),
        )
        for video in (random_.randrange(520) for _ in range(100_000))
    ]
    lines = [f"{query},{video},{clicks},{seconds},30" for query, video, clicks, seconds in events]
    path = write(tmp_path / "log.csv", lines)
    judgements = read_click_log(path, VIDEOS, PrepareOptions(log_users=230, log_watch=0.5))
    clicks: dict[tuple[str, str], int] = {}
    watched: dict[tuple[str, str], int] = {}
    for query, video, count, seconds in events:
        clicks[query, video] = clicks.get((query, video), 0) + count
        watched[query, video] = watched.get((query, video), 0) + count * seconds
    pairs = [
        pair
        for pair, count in clicks.items()
        if pair[1] in VIDEOS and count > 230 and watched[pair] >= 15 * count
    ]
    queries = Counter(video for _, video in pairs)
    expected = {pair for pair in pairs if queries[pair[1]] >= 5}
    assert {(judgements.texts[query], video) for query, video in judgements.grades} == expected
    assert expected
    assert judgements.counts["lines"] == 100_000
    unknown = sum(video not in VIDEOS for _, video, _, _ in events)
    assert judgements.counts["lines that name no video"] == unknown


@pytest.mark.parametrize(
    ("header", "line", "problem"),
    [
        (HEADER, "fox,v1,many,10,30", ":2: clicks 'many' is not a number of 0 or more"),
        (HEADER, "fox,v1,1,-1,30", ":2: watch_time '-1' is not a number"),
        (HEADER, "fox,v1,1,nan,30", ":2: watch_time 'nan' is not a number"),
        (HEADER, "fox,v1,1,10,0", ":2: the duration is 0"),
        (HEADER, ",v1,1,10,30", ":2: the query is empty"),
        ("query,video,watch_time,duration\n", "fox,nobody,1,30", "a column 'user' or 'clicks' is needed"),
        ("query,video\n", "fox,v1", ":1: the header has no column watch_time, duration"),
    ],
)
def test_a_problem_is_named_with_its_line(header: str, line: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        read_click_log(write(tmp_path / "log.csv", [line], header), VIDEOS, PrepareOptions())
