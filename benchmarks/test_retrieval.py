"""Speed of BM25 beside bm25s on the same synthetic words, in one run; figures only, no limits."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from bench.context import Context
from retrievers.bm25.retriever import BM25
from retrievers.options import BM25Options

bm25s = pytest.importorskip("bm25s", reason="bm25s, the peer, is not installed")

DOCUMENTS, QUERIES, DEPTH = 2000, 300, 100


def zipf(rows: int, words: int, seed: int) -> list[str]:
    """Return texts of words whose frequency falls as one over the rank; none is a stop word."""
    weights = 1 / np.arange(1, 20_001)
    drawn = np.random.default_rng(seed).choice(20_000, (rows, words), p=weights / weights.sum())
    return [" ".join(f"w{word}" for word in row) for row in drawn]


def peer_seconds(documents: list[str], queries: list[str]) -> float:
    """Return the seconds that bm25s takes for the search, its numba kernel warm where there is one."""
    peer = bm25s.BM25(method="lucene", k1=0.9, b=0.4, backend="numba" if bm25s.NUMBA_AVAILABLE else "numpy")
    peer.index([text.split() for text in documents], show_progress=False)
    needs = [text.split() for text in queries]
    peer.retrieve(needs[:10], k=DEPTH, show_progress=False)
    start = time.perf_counter()
    peer.retrieve(needs, k=DEPTH, show_progress=False)
    return time.perf_counter() - start


@pytest.mark.filterwarnings("ignore")  # the peer's warnings are not ours to judge
@pytest.mark.parametrize("words", [8, 300])
@pytest.mark.parametrize("engine", ["lucene", "bm25s"])
def test_bm25_search(benchmark: Any, engine: str, words: int) -> None:
    documents, queries = zipf(DOCUMENTS, words, 0), zipf(QUERIES, 4, 1)
    retriever = BM25(Context(sections={"bm25": BM25Options(engine=engine)}))
    start = time.perf_counter()
    retriever.index({f"v{i:05d}": text for i, text in enumerate(documents)})
    benchmark.extra_info["index_s"] = round(time.perf_counter() - start, 3)
    needs = {f"q{i}": text for i, text in enumerate(queries)}
    run = benchmark.pedantic(retriever.search, (needs, DEPTH), rounds=3, warmup_rounds=1)
    ours, theirs = benchmark.stats.stats.min, peer_seconds(documents, queries)
    benchmark.extra_info["queries_per_s"] = round(QUERIES / ours)
    benchmark.extra_info["times_the_peers_seconds"] = round(ours / theirs, 2)
    assert (run.hits >= 0).any()
