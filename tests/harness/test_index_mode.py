"""index.mode: what stands for a video in the index, its summary or its transcript with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench
from bench.output.manifest import signature_line
from bench.result import Result
from tests.conftest import Cli
from tests.tiny import TEST_POOL, VIDEOS, Tiny, lines

SPOKEN = {video: transcript for video, transcript, _ in VIDEOS}


def run(tiny: Tiny, out: Path, generators: str, mode: str | None = None) -> Result:
    return bench.run(
        data=tiny.folder, generators=generators, retrievers="bm25", protocol="all-queries", out=out,
        set={} if mode is None else {"index.mode": mode}, quiet=True,
    )  # fmt: skip


def hits(result: Result, cell: str) -> list[list[str]]:
    """Return the run without its tag, which names the cell."""
    return [line.split()[:5] for line in (result.out / "runs" / f"{cell}.trec").read_text().splitlines()]


def test_append_searches_the_transcript_with_the_summary(tiny: Tiny, tmp_path: Path) -> None:
    written = tmp_path / "theirs.jsonl"
    joined = tmp_path / "joined.jsonl"
    lines(written, [{"video_id": v, "summary": f"painter number {i}"} for i, v in enumerate(TEST_POOL)])
    texts = {v: f"{SPOKEN[v]} painter number {i}" for i, v in enumerate(TEST_POOL)}
    lines(joined, [{"video_id": v, "summary": text} for v, text in texts.items()])
    appended = run(tiny, tmp_path / "append", f"file:{written}", "append")
    by_hand = run(tiny, tmp_path / "replace", f"file:{joined}")
    assert hits(appended, "theirs.bm25") == hits(by_hand, "joined.bm25")
    plain = run(tiny, tmp_path / "plain", f"file:{written}")
    assert hits(plain, "theirs.bm25") != hits(appended, "theirs.bm25")


def test_append_leaves_the_summaries_and_their_metrics_as_they_are(tiny: Tiny, tmp_path: Path) -> None:
    one, other = (run(tiny, tmp_path / mode, "lead", mode) for mode in ("replace", "append"))
    name = "summaries/lead.jsonl"
    assert (one.out / name).read_text() == (other.out / name).read_text()
    texts = [r.scores[r.scores["retriever"].isna()]["value"].tolist() for r in (one, other)]
    assert texts[0] == texts[1]


def test_a_transcript_is_not_said_twice(tiny: Tiny, tmp_path: Path) -> None:
    one, other = (run(tiny, tmp_path / mode, "transcript", mode) for mode in ("replace", "append"))
    assert hits(one, "transcript.bm25") == hits(other, "transcript.bm25")


def test_the_mode_is_in_the_signature_and_the_manifest(tiny: Tiny, tmp_path: Path) -> None:
    signatures = {}
    for mode in ("replace", "append"):
        manifest = json.loads((run(tiny, tmp_path / mode, "lead", mode).out / "manifest.json").read_text())
        signatures[mode] = signature_line(manifest["signature"])
        assert manifest["settings"]["options"]["index.mode"] == mode
    assert "index: summary |" in signatures["replace"]
    assert "index: transcript+summary |" in signatures["append"]


def test_the_default_is_replace(tiny: Tiny, tmp_path: Path) -> None:
    usual, outcome = run(tiny, tmp_path / "usual", "lead"), run(tiny, tmp_path / "said", "lead", "replace")
    assert usual.manifest.signature == outcome.manifest.signature


@pytest.mark.parametrize("mode", ["apend", "both"])
def test_another_mode_is_2(tiny: Tiny, cli: Cli, mode: str) -> None:
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--set", f"index.mode={mode}")
    assert outcome.status == 2
    assert "replace, append" in outcome.error()
