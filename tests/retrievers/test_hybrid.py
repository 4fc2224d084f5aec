"""Reciprocal rank fusion of real members: the formula, ties, keys, training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.context import Context
from bench.errors import UsageError
from bench.foreign.fusion import parse_fusion
from bench.options import build_sections
from bench.store.artefacts import Store
from bench.systems.component import make_retriever
from bench.systems.ensemble import fit_members
from bench.systems.registry import option_sections
from bench.types import Run, Video
from retrievers.hybrid import TrainableHybrid, hybrid

CORPUS = {
    "v1": "red fox jumps", "v2": "blue whale swims", "v3": "red whale in oil", "v4": "",
    "v5": "red fox jumps", "v6": "cook noodle beef", "v7": "beef noodle pan", "v8": "fox in a pan",
}  # fmt: skip
QUERIES = {"q1": "red fox", "q2": "noodle", "q3": "swimming whale", "q4": "", "q5": "red fox"}

Make = Callable[..., Context]


@pytest.fixture
def fresh(tmp_path: Path) -> Make:
    def make(**options: Any) -> Context:
        values = {key.replace("__", "."): value for key, value in options.items()}
        sections = build_sections(option_sections(), values)
        return Context(sections=sections, store=Store(tmp_path / "store"))

    return make


def ranking(run: Run, query: str) -> list[tuple[str, float]]:
    row = run.query_ids.index(query)
    pairs = zip(run.hits[row].tolist(), run.scores[row].tolist(), strict=True)
    return [(run.video_ids[i], score) for i, score in pairs if i >= 0]


def searched(retriever: Any, k: int = 8) -> Run:
    retriever.index(CORPUS)
    run = retriever.search(QUERIES, k)
    assert isinstance(run, Run)
    return run


def fused_by_hand(runs: list[Run], query: str, k: int) -> dict[str, float]:
    """Return the sums of 1 / (k + rank), a rank being one more than the documents that score higher."""
    sums: dict[str, float] = {}
    for run in runs:
        hits = ranking(run, query)
        for video, score in hits:
            rank = 1 + sum(1 for _, other in hits if other > score)
            sums[video] = sums.get(video, 0.0) + 1 / (k + rank)
    return sums


@pytest.mark.parametrize("k", [1, 60])
def test_scores_are_sums_of_reciprocal_ranks(fresh: Make, k: int) -> None:
    run = searched(hybrid(fresh(hybrid__k=k)))
    members = [searched(make_retriever(name, fresh()).system) for name in ("bm25", "dpr-pt")]
    for query in QUERIES:
        expected = fused_by_hand(members, query, k)
        assert dict(ranking(run, query)) == pytest.approx(expected, abs=1e-7)
    assert ranking(run, "q1")


def test_equal_summaries_stay_tied_and_go_by_id(fresh: Make) -> None:
    hits = ranking(searched(hybrid(fresh())), "q1")
    assert [video for video, _ in hits[:2]] == ["v1", "v5"]
    assert hits[0][1] == hits[1][1]


def test_an_empty_query_and_an_empty_summary_find_nothing(fresh: Make) -> None:
    run = searched(hybrid(fresh()))
    assert ranking(run, "q4") == []
    assert all("v4" not in dict(ranking(run, query)) for query in QUERIES)


def test_an_empty_corpus_and_no_queries_are_runs(fresh: Make) -> None:
    fused = hybrid(fresh())
    fused.index({})
    assert (fused.search(QUERIES, 3).hits == -1).all()
    fused.index(CORPUS)
    assert fused.search({}, 3).hits.shape == (0, 3)


def test_a_chunk_of_queries_changes_nothing(fresh: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = searched(hybrid(fresh()))
    monkeypatch.setattr("retrievers.hybrid._CELLS", 1)
    by_one = searched(hybrid(fresh()))
    assert np.array_equal(whole.hits, by_one.hits)
    assert np.array_equal(whole.scores, by_one.scores)


def test_the_order_of_members_is_of_no_account(fresh: Make) -> None:
    one, other = (
        searched(hybrid(fresh(hybrid__retrievers=names))) for names in ("bm25,dpr-pt", "dpr-pt,bm25")
    )
    assert np.array_equal(one.hits, other.hits)
    assert np.array_equal(one.scores, other.scores)


def test_depth_limits_what_a_member_brings(fresh: Make) -> None:
    hits = ranking(searched(hybrid(fresh(hybrid__depth=1))), "q3")
    assert 1 <= len(hits) <= 2


# Keys and what is told


def key(context: Context) -> Any:
    return hybrid(context).identity()


def test_the_key_holds_what_decides_each_member(fresh: Make) -> None:
    usual = key(fresh())
    assert set(usual) == {"bm25", "dpr-pt"}
    assert usual == key(fresh())
    assert usual["bm25"] != key(fresh(bm25__k1=1.2))["bm25"]
    assert usual["dpr-pt"] != key(fresh(dpr__query_prefix="query: "))["dpr-pt"]
    assert usual["bm25"] == dict(make_retriever("bm25", fresh()).key)


def test_the_fusion_itself_is_in_what_was_read(fresh: Make) -> None:
    context = fresh(hybrid__k=7)
    hybrid(context)
    assert context.freeze()["options.hybrid"] == {
        "retrievers": "bm25,dpr-pt", "method": "rrf", "weights": "", "k": 7, "depth": 1000,
    }  # fmt: skip


def test_signature_coverage_and_sizes_are_those_of_the_members(fresh: Make) -> None:
    fused = hybrid(fresh())
    searched(fused)
    told = fused.signature()
    assert told["fusion"] == "RRF k=60"
    assert "k1=0.9" in told["bm25"]
    assert fused.coverage()["empty documents (bm25)"] == 1
    assert fused.coverage()["empty documents (dpr-pt)"] == 1
    assert fused.index_bytes() > 0
    assert fused.parameters() == make_retriever("dpr-pt", fresh()).parameters()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("bm25", "two or more"),
        ("bm25,hybrid", "two or more other"),
        ("bm25,dpr-tp", "Did you mean dpr-pt"),
        (" , ", "no retriever is named"),
    ],
)
def test_members_that_cannot_be_fused_are_told(fresh: Make, names: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        hybrid(fresh(hybrid__retrievers=names))


@pytest.mark.parametrize("option", ["hybrid__k", "hybrid__depth"])
def test_options_below_one_are_refused(fresh: Make, option: str) -> None:
    with pytest.raises(UsageError, match=option.replace("__", ".")):
        fresh(**{option: 0})


# Trained members


def test_an_untrained_fusion_is_not_trainable_and_a_trained_one_is(fresh: Make) -> None:
    assert not isinstance(hybrid(fresh()), TrainableHybrid)
    assert isinstance(hybrid(fresh(hybrid__retrievers="bm25,dpr-ft")), TrainableHybrid)


def test_a_trained_member_is_the_model_of_its_own_row(
    fresh: Make, tmp_path: Path, bert_folder: Callable[[str], Path]
) -> None:
    options = {"dpr__weights": str(bert_folder("tiny")), "hybrid__retrievers": "bm25,dpr-ft"}
    none = np.zeros((0, 4), dtype=np.float32)
    train, val = (
        [
            Video(f"{split}{word}", "", none, (f"red fox {word}", f"fox {word}"))
            for word in ("in", "oil", "pan")
        ]
        for split in ("train", "val")
    )
    fused = hybrid(fresh(**options))
    assert isinstance(fused, TrainableHybrid)
    fused.fit(train, val)
    models = list((tmp_path / "store" / "models").iterdir())
    assert len(models) == 1
    alone = make_retriever("dpr-ft", fresh(**options))
    (weights, *_) = sorted(models[0].rglob("*.safetensors"))
    before = weights.stat().st_mtime_ns
    fit_members(fresh(**options), [alone], train, val)  # what the row's own run does
    assert list((tmp_path / "store" / "models").iterdir()) == models
    assert weights.stat().st_mtime_ns == before
    saved = tmp_path / "saved"
    saved.mkdir()
    fused.save(saved)
    again = hybrid(fresh(**options))
    assert isinstance(again, TrainableHybrid)
    again.load(saved)
    one, other = searched(fused), searched(again)
    assert np.array_equal(one.hits, other.hits)
    assert np.array_equal(one.scores, other.scores)


@pytest.mark.parametrize("weights", ["0,0", "1_0,1", "1,inf", "nan,1", "-1,1", "1,", "1000001,1"])
def test_weights_that_fuse_refuses_are_refused(fresh: Make, weights: str) -> None:
    with pytest.raises(UsageError, match=r"2 numbers from 0 to 1,000,000, not all 0, are needed"):
        hybrid(fresh(hybrid__weights=weights))
    with pytest.raises(UsageError, match="weights from 0 to 1,000,000"):
        parse_fusion(f"sum:{weights}")


def test_a_weight_for_each_member_is_needed(fresh: Make) -> None:
    with pytest.raises(UsageError, match=r"one for each of hybrid\.retrievers"):
        hybrid(fresh(hybrid__weights="1"))
