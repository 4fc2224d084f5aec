"""index.pool: which videos are searched for the queries of a split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.output.manifest import read_manifest, signature_line
from bench.result import Result
from tests.conftest import Cli
from tests.tiny import TEST_POOL, VIDEOS, Tiny, lines


def run(tiny: Tiny, out: Path, pool: str, **more: Any) -> Result:
    return bench.run(
        **{
            "data": tiny.folder, "generators": "lead,transcript", "retrievers": "bm25", "out": out,
            "set": {"index.pool": pool}, "quiet": True, **more,
        }
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["all-queries", "one-query-per-video"])
def test_the_same_queries_meet_the_videos_of_every_split(tiny: Tiny, tmp_path: Path, protocol: str) -> None:
    one, other = (run(tiny, tmp_path / pool, pool, protocol=protocol) for pool in ("split", "all"))
    assert (one.out / "queries.tsv").read_text() == (other.out / "queries.tsv").read_text()
    written = (other.out / "summaries" / "lead.jsonl").read_text().splitlines()
    assert [json.loads(line)["video_id"] for line in written] == [video for video, _, _ in VIDEOS]
    few, many = ((result.out / "qrels.trec").read_text().splitlines() for result in (one, other))
    assert set(few) < set(many), "relevance in other splits counts once their videos are searched"
    assert {line.split()[2] for line in few} <= set(TEST_POOL)
    run_file = other.out / "runs" / "transcript.bm25.trec"
    retrieved = {line.split()[2] for line in run_file.read_text().splitlines()}
    assert retrieved - set(TEST_POOL), "videos of other splits are found, too"


def test_what_was_learnt_from_is_searched_and_not_scored(tiny: Tiny, tmp_path: Path) -> None:
    """Captions of training videos would flatter a trained generator: the text metrics stay the split's."""
    one, other = (run(tiny, tmp_path / pool, pool) for pool in ("split", "all"))
    texts = [r.scores[r.scores["retriever"].isna()].reset_index(drop=True) for r in (one, other)]
    assert texts[0].equals(texts[1])


def test_the_signature_tells_and_runs_over_other_pools_are_not_compared(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    for pool in ("split", "all"):
        run(tiny, tmp_path / pool, pool)
    signatures = [signature_line(read_manifest(tmp_path / pool).signature) for pool in ("split", "all")]
    assert f"| pool: {len(TEST_POOL)} |" in signatures[0]
    assert f"| pool: {len(VIDEOS)} (all splits) |" in signatures[1]
    assert "index.pool" in cli("compare", tmp_path / "split", tmp_path / "all").error()


def test_summaries_written_elsewhere_are_of_the_whole_pool(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    lines(path, [{"video_id": video, "summary": text} for video, text, _ in VIDEOS])
    result = run(tiny, tmp_path / "out", "all", generators=f"file:{path}")
    assert "videos without a summary" not in result.manifest.coverage_line


def test_an_unknown_pool_is_told(tiny: Tiny, cli: Cli) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--set", "index.pool=none-such")
    assert outcome.status == 2
    assert "expected one of split, all" in outcome.error()
