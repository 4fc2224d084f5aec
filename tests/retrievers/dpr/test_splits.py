"""What dpr-ft learns from, and what a dense retriever indexes, in a whole run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.data.reader import read_dataset
from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.writer import synthesize
from bench.store.json_files import read_json_lines
from retrievers.dpr import training as dpr_training
from retrievers.dpr.pairs import Pairs, Ranking
from retrievers.dpr.retriever import PretrainedDPR


@pytest.fixture
def options(tmp_path: Path, bert_folder: Callable[..., Path]) -> dict[str, Any]:
    synthesize(tmp_path / "data", SynthOptions(videos=24, seed=3))
    return {
        "data": tmp_path / "data", "generators": "lead", "out": tmp_path / "out", "quiet": True,
        "store": tmp_path / "store",
        "set": {"dpr.weights": str(bert_folder("bert")), "dpr.max_tokens": 30},
    }  # fmt: skip


def test_fine_tuning_sees_no_query_that_only_test_videos_have(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    train = dpr_training.train

    def spying(recipe: Any, pairs: Pairs, negatives: Sequence[Sequence[str]], ranking: Ranking) -> Any:
        trained = {text for one, other in pairs.pairs for text in (one, other)}
        trained |= {text for texts in negatives for text in texts}
        seen.append(trained | set(ranking.queries.values()) | set(ranking.documents.values()))
        return train(recipe, pairs, negatives, ranking)

    monkeypatch.setattr(dpr_training, "train", spying)
    bench.run(**options, retrievers="dpr-ft")
    data = read_dataset(options["data"])
    texts = {
        split: {text for video in data.videos(split, references=True) for text in video.references}
        for split in ("train", "val", "test")
    }
    (found,) = seen
    assert found <= texts["train"] | texts["val"]
    assert texts["test"] - texts["train"] - texts["val"], "else the test could not fail"


def test_what_is_appended_is_what_a_dense_retriever_indexes(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed: list[dict[str, str]] = []
    index = PretrainedDPR.index
    monkeypatch.setattr(
        PretrainedDPR, "index", lambda self, texts: (indexed.append(dict(texts)), index(self, texts))[1]
    )
    options["set"] |= {"index.mode": "append"}
    result = bench.run(**options, retrievers="dpr-pt")
    videos = read_dataset(options["data"]).videos("test", references=False)
    written: Any = read_json_lines(result.out / "summaries" / "lead.jsonl")
    summaries = {item["video_id"]: item["summary"] for item in written}
    for video in videos:
        assert indexed[0][video.video_id] == f"{video.transcript}\n{summaries[video.video_id]}".strip()
