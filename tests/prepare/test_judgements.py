"""Relevance from a file of queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import DataError
from bench.prepare.judgements import read_queries

VIDEOS = {"a.mp4": "a", "a": "a", "b.mp4": "b", "b": "b"}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    table = write(tmp_path / "q.csv", 'query,video,relevance\nred fox,a.mp4,\n"fox, red",b,2\nRED  fox,b,\n')
    lines = write(
        tmp_path / "q.jsonl",
        '{"query": "red fox", "video": ["a.mp4", "b"]}\n'
        '{"query": "fox, red", "video": "b", "relevance": 2}\n',
    )
    expected = {("q1", "a"): 1, ("q2", "b"): 2, ("q1", "b"): 1}
    assert read_queries(table, VIDEOS).grades == expected
    assert read_queries(lines, VIDEOS).grades == expected
    assert read_queries(table, VIDEOS).texts == {"q1": "red fox", "q2": "fox, red"}


def test_given_ids_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "q.tsv", "query_id\tquery\tvideo\nx7\tred fox\ta\nx7\tred fox\tb\n")
    assert read_queries(path, VIDEOS).grades == {("x7", "a"): 1, ("x7", "b"): 1}


def test_lines_without_an_id_have_that_of_their_text_or_a_new_one(tmp_path: Path) -> None:
    lines = "q2,red fox,a\n,wolf,a\n,Red Fox,b\nwolf,cat,b\n"
    path = write(tmp_path / "q.csv", f"query_id,query,video\n{lines}")
    expected = {("q2", "a"): 1, ("q1", "a"): 1, ("q2", "b"): 1, ("wolf", "b"): 1}
    assert read_queries(path, VIDEOS).grades == expected


def test_lines_of_unknown_videos_are_collected(tmp_path: Path) -> None:
    judgements = read_queries(write(tmp_path / "q.csv", "query,video\nfox,a\nfox,c\n"), VIDEOS)
    assert judgements.unknown == [f"{tmp_path / 'q.csv'}:3: 'c' names no video, or several."]
    assert judgements.counts == {"lines": 2, "pairs": 1, "names that name no video": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("question,video\nfox,a\n", ":1: the header has no column query"),
        ("query,video\nfox\n", ":2: 1 values; the header has 2"),
        ("query,video\n ,a\n", ":2: the query is empty"),
        ("query,video,relevance\nfox,a,high\n", ":2: relevance 'high' is not a whole number"),
        ("query,video,relevance\nfox,a,1\nfox,a,2\n", ":3: the pair has another relevance"),
        ("query_id,query,video\n1,fox,a\n1,wolf,a\n", ":3: the query id '1' has another text"),
        ("query_id,query,video\n1 2,fox,a\n", ":2: the query id '1 2' is empty or holds white space"),
        ('{"query": 1, "video": "a"}\n', ":1: the field 'query' must be a string"),
        ('{"query": "fox", "video": {}}\n', ":1: the field 'video' must be a string or a list"),
    ],
)
def test_a_problem_is_named_with_its_line(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        read_queries(write(tmp_path / "q", text), VIDEOS)
