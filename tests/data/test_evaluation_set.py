"""Which queries are evaluated: two protocols, one pool, and no say for the order of a file."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from bench.choices import ALL_QUERIES, ONE_QUERY_PER_VIDEO
from bench.data.evaluation_set import EvaluationSet, even_sample, make_evaluation_set
from bench.data.reader import read_dataset
from bench.errors import DataError
from tests.tiny import TEST_POOL, VIDEOS, Tiny, lines, write_tiny


def evaluated(
    tiny: Tiny, protocol: str = ONE_QUERY_PER_VIDEO, seed: int = 0, split: str = "test"
) -> EvaluationSet:
    return make_evaluation_set(read_dataset(tiny.folder), split=split, protocol=protocol, query_seed=seed)


def test_all_queries_takes_each_with_a_relevant_video_in_the_pool_once(tiny: Tiny) -> None:
    evaluation = evaluated(tiny, ALL_QUERIES)
    assert list(evaluation.pool) == TEST_POOL
    assert list(evaluation.queries) == ["q1", "q2", "q3", "q4", "q5"]
    assert evaluation.mean_relevant == pytest.approx(7 / 5)


def test_relevance_outside_the_pool_is_not_counted(tiny: Tiny) -> None:
    evaluation = evaluated(tiny, ALL_QUERIES)
    assert evaluation.relevant["q1"] == ["v10", "v2"]  # and not v1, which is for training
    assert evaluation.relevant["q2"] == ["v100", "v3"]


def test_one_query_per_video_draws_one_of_its_own_for_each_video_that_has_any(tiny: Tiny) -> None:
    dataset = read_dataset(tiny.folder)
    for seed in range(20):
        evaluation = evaluated(tiny, seed=seed)
        assert len(evaluation.queries) == 5  # v11 has none
        for (query, text), video in zip(
            evaluation.queries.items(), [v for v in TEST_POOL if v != "v11"], strict=True
        ):
            assert video in dataset.relevant[query.partition("~")[0]]
            assert text == dataset.queries[query.partition("~")[0]]


def test_a_query_drawn_twice_keeps_its_weight_under_an_id_of_its_own(tiny: Tiny) -> None:
    repeats = Counter(query for seed in range(20) for query in evaluated(tiny, seed=seed).queries)
    assert repeats["q1"] == 20  # v10 has no other
    assert 0 < repeats["q1~2"] < 20  # v2 has q3 as well
    twice = next(e for seed in range(20) if "q1~2" in (e := evaluated(tiny, seed=seed)).queries)
    assert twice.relevant["q1~2"] == twice.relevant["q1"]
    assert twice.queries["q1~2"] == twice.queries["q1"]


def test_an_id_made_for_a_repeat_never_takes_that_of_a_real_query(tiny: Tiny) -> None:
    seed = next(seed for seed in range(20) if "q1~2" in evaluated(tiny, seed=seed).queries)
    tiny.edit("queries.jsonl", 12, id="q1~2")
    tiny.path("qrels.tsv").write_text(tiny.path("qrels.tsv").read_text() + "q1~2\tv11\t1\n")
    evaluation = evaluated(tiny, seed=seed)
    assert evaluation.relevant["q1~2"] == ["v11"]
    assert evaluation.relevant["q1~2~"] == evaluation.relevant["q1"]


def test_another_seed_draws_other_queries_and_the_same_seed_the_same(tiny: Tiny) -> None:
    draws = {tuple(evaluated(tiny, seed=seed).queries) for seed in range(20)}
    assert len(draws) > 1
    assert evaluated(tiny, seed=3).queries == evaluated(tiny, seed=3).queries


@pytest.mark.parametrize("protocol", [ONE_QUERY_PER_VIDEO, ALL_QUERIES])
def test_the_order_of_the_files_decides_nothing(tiny: Tiny, protocol: str) -> None:
    before = evaluated(tiny, protocol, seed=1)
    for name in ("videos.jsonl", "queries.jsonl", "qrels.tsv"):
        shuffled = tiny.path(name).read_text().splitlines()
        random.Random(4).shuffle(shuffled)
        tiny.path(name).write_text("\n".join(shuffled) + "\n")
    after = evaluated(tiny, protocol, seed=1)
    assert Counter(q.partition("~")[0] for q in after.queries) == Counter(
        q.partition("~")[0] for q in before.queries
    )
    for query, videos in before.relevant.items():
        assert set(after.relevant[query.partition("~")[0]]) == set(videos)


def test_the_draw_of_a_video_does_not_hang_on_the_other_videos(tiny: Tiny) -> None:
    alone = tiny.path("videos.jsonl").read_text().splitlines()
    for seed in range(5):
        whole = evaluated(tiny, seed=seed)
        drawn = next(q for q, videos in whole.relevant.items() if "v3" in videos)
        other = write_tiny(tiny.folder.parent / f"other-{seed}")
        kept = [line for line in alone if json.loads(line)["id"] not in ("v10", "v9")]
        other.path("videos.jsonl").write_text("\n".join(kept) + "\n")
        rows = [
            row
            for row in other.path("qrels.tsv").read_text().splitlines()
            if row.split("\t")[1] not in ("v10", "v9")
        ]
        other.path("qrels.tsv").write_text("\n".join(rows) + "\n")
        assert any(
            "v3" in videos and q == drawn for q, videos in evaluated(other, seed=seed).relevant.items()
        )


def test_the_validation_split_is_a_pool_of_its_own(tiny: Tiny) -> None:
    evaluation = evaluated(tiny, ALL_QUERIES, split="val")
    assert list(evaluation.pool) == ["v5", "v6"]
    assert list(evaluation.queries) == ["q6", "q8"]


def test_a_pool_that_nobody_asked_for_is_refused(tiny: Tiny) -> None:
    tiny.path("qrels.tsv").write_text("q9\tv12\t1\n")
    with pytest.raises(DataError, match=r"no query has a relevant video.*'test'\. Judge some in qrels.tsv"):
        evaluated(tiny)


def test_an_empty_pool_is_refused(tiny: Tiny) -> None:
    lines(
        tiny.path("videos.jsonl"),
        [{"id": v, "transcript": t, "split": "test" if s == "val" else s} for v, t, s in VIDEOS],
    )
    with pytest.raises(DataError, match="no videos in the split 'val'"):
        evaluated(tiny, split="val")


@pytest.mark.parametrize(
    ("limit", "sample"), [(0, []), (1, [0]), (2, [0, 4]), (3, [0, 2, 4]), (5, [0, 1, 2, 3, 4])]
)
def test_a_sample_is_evenly_spaced(limit: int, sample: list[int]) -> None:
    assert even_sample(range(5), limit) == sample
