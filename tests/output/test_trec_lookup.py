"""Single queries of a run file are found by bisection, whatever else is in it."""

import random
from pathlib import Path

import pytest

from bench.output.trec_lookup import Hit, TrecFile

QUERIES = [f"q{i * 7 % 50}" for i in range(50)]  # in no alphabetical order


@pytest.fixture
def run(tmp_path: Path) -> Path:
    draw = random.Random(0)
    lines = []
    for query in QUERIES:
        found = 0 if query in ("q0", "q14", QUERIES[-1]) else draw.randint(1, 9)
        lines += [f"{query} Q0 v{n} {n} {10 - n}.5 tag\n" for n in range(1, found + 1)]
    path = tmp_path / "a.trec"
    path.write_text("".join(lines))
    return path


def whole(path: Path) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = {query: [] for query in QUERIES}
    for line in path.read_text().splitlines():
        query, _, video, rank, score, _ = line.split()
        found[query].append(Hit(video, int(rank), float(score)))
    return found


def test_every_query_is_found_as_a_whole_reading_finds_it(run: Path) -> None:
    expected = whole(run)
    with TrecFile(run, QUERIES) as file:
        assert {query: file.hits(query) for query in QUERIES} == expected
    assert expected["q0"] == []
    assert len(expected["q7"]) > 0


def test_a_rank_is_told_of_each_video_and_none_of_one_that_was_not_returned(run: Path) -> None:
    expected = whole(run)
    with TrecFile(run, QUERIES) as file:
        for query, hits in expected.items():
            videos = [f"v{n}" for n in (12, 3, 1)]
            places = {hit.video_id: hit.rank for hit in hits}
            assert file.ranks(query, videos) == [places.get(video) for video in videos]


def test_an_id_that_begins_another_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text("q1 Q0 v10 1 2.0 t\nq10 Q0 v1 1 2.0 t\n")
    with TrecFile(path, ["q1", "q10"]) as file:
        assert file.ranks("q1", ["v1", "v10"]) == [None, 1]
        assert [hit.video_id for hit in file.hits("q10")] == ["v1"]


def test_a_video_called_as_the_second_column_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text("q1 Q0 Q0 1 3 t\nq1 Q0 1 2 2 t\n")
    with TrecFile(path, ["q1"]) as file:
        assert file.ranks("q1", ["1", "Q0"]) == [2, 1]


def test_an_empty_run_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text("")
    with TrecFile(path, ["q1"]) as file:
        assert file.hits("q1") == []
        assert file.ranks("q1", ["v1"]) == [None]
