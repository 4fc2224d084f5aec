"""A cell made in parts (``run.shards``) is, to the byte, the cell made at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from bench.harness.stages.ranking import DEPTH, merge
from bench.harness.stages.search import divide_corpus
from bench.types import NO_HIT, Run
from tests.conftest import Cli
from tests.harness.engines.commands import grid, unmeasured
from tests.tiny import Tiny


def test_parts_of_a_cell_give_the_bytes_of_the_whole(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    store, systems = tmp_path / "store", ("bart-text,textrank", "dpr-pt,bm25")
    whole = cli(*grid(tiny, tmp_path / "whole", store, *systems))
    assert whole.status == 0, whole.err
    for kind in ("summaries", "retrieval", "embeddings"):
        shutil.rmtree(store / kind)
    parts = cli(*grid(tiny, tmp_path / "parts", store, *systems, "run.shards=2"))
    assert parts.status == 0, parts.err
    assert len(list((store / "summaries").iterdir())) == 2 + 2 * 2
    assert len(list((store / "run-parts").iterdir())) == 2 * 2
    assert unmeasured(tmp_path / "parts") == unmeasured(tmp_path / "whole")


def test_ties_across_parts_are_ordered_as_in_the_whole() -> None:
    pool = tuple(f"v{number}" for number in range(300))
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, size=(5, len(pool))).astype(np.float32)  # many ties: 4 values
    whole = Run.from_arrays("abcde", pool, np.tile(np.arange(len(pool)), (5, 1)), scores, DEPTH)
    parts = []
    for number in range(7):
        part = pool[number::7]
        hits = np.tile(np.arange(len(part)), (5, 1))
        parts.append(Run.from_arrays("abcde", part, hits, scores[:, number::7], DEPTH))
    merged = merge(parts, pool)
    assert np.array_equal(merged.hits, whole.hits)
    assert np.array_equal(merged.scores, whole.scores)


def test_a_part_without_documents_adds_nothing() -> None:
    full = Run.from_hits({"q": [("a", 1.0), ("b", 1.0)]}, ("a", "b"), DEPTH)
    merged = merge([full, Run.from_hits({"q": []}, (), DEPTH)], ("b", "a"))
    assert [merged.video_ids[hit] for hit in merged.hits[0] if hit != NO_HIT] == ["a", "b"]


def test_equal_texts_stay_in_one_part() -> None:
    documents = {"a": "x", "b": "y", "c": "x", "d": "z", "e": ""}
    assert divide_corpus(documents, 2) == [{"a": "x", "c": "x", "d": "z"}, {"b": "y", "e": ""}]
