"""Approximate indexes: equal vectors give equal indexes, what is missed is missing, parameters by size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.context import Context
from bench.options import build_sections
from bench.store.artefacts import Store
from bench.systems.component import make_retriever
from bench.systems.fitting import model_key
from bench.systems.registry import option_sections
from retrievers import nearest
from retrievers.dpr.vectors import VectorIndex
from retrievers.nearest import Exact, Graph, Lists, Vectors, describe, load_faiss
from retrievers.options import DPRSearchOptions


def clustered(count: int, *, seed: int = 0, width: int = 16) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(20, width))
    vectors = centres[rng.integers(20, size=count)] + 0.7 * rng.normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def options(**values: Any) -> DPRSearchOptions:
    return DPRSearchOptions(**values)


def recall(settings: DPRSearchOptions, k: int = 20) -> float:
    vectors, queries = clustered(1500), clustered(30, seed=1)
    index = VectorIndex(vectors, [[i] for i in range(len(vectors))], "cpu", settings)
    pairs = zip(index.search(queries, k), index.search_exactly(queries, k), strict=True)
    shares = [len(np.intersect1d(_best(*hits, k), _best(*exact, k))) / k for hits, exact in pairs]
    return float(np.mean(shares))


def _best(numbers: Any, scores: Any, k: int) -> Any:
    return numbers[np.lexsort((numbers, -scores))[:k]]


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_torch_finds_what_the_search_on_a_cpu_finds(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = clustered(400), clustered(20, seed=1)
    monkeypatch.setattr(nearest, "GPU_PRODUCTS", at_once * len(vectors))
    found = nearest._search_by_torch(queries, torch.from_numpy(vectors), 30)
    assert np.array_equal(np.sort(found), np.sort(Exact(vectors).search(queries, 30)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_finds_what_the_search_on_a_cpu_finds() -> None:
    vectors, queries = clustered(20_000), clustered(500, seed=1)
    documents = [[i] for i in range(len(vectors))]
    on_gpu, on_cpu = (VectorIndex(vectors, documents, device) for device in ("cuda", "cpu"))
    for found, expected in zip(on_gpu.search(queries, 30), on_cpu.search(queries, 30), strict=True):
        assert np.array_equal(_best(*found, 30), _best(*expected, 30))


def test_all_lists_find_what_an_exact_search_finds() -> None:
    assert recall(options(method="ivf", nlist=30, nprobe=30)) == 1.0


def test_fewer_lists_miss_some() -> None:
    few, more = (recall(options(method="ivf", nlist=30, nprobe=probes)) for probes in (1, 4))
    assert few < more < 1.0


def test_a_graph_with_few_links_misses_some_that_one_with_more_finds() -> None:
    assert recall(options(method="hnsw", m=2, ef_search=1)) < recall(options(method="hnsw")) <= 1.0


@pytest.mark.parametrize("kind", [Graph, Lists])
def test_the_number_of_threads_changes_no_byte_of_an_index(kind: Any) -> None:
    faiss, vectors = load_faiss(), clustered(2000)
    before, bytes_of = faiss.omp_get_max_threads(), []
    method = "hnsw" if kind is Graph else "ivf"
    try:
        for threads in (1, 2, 4):
            faiss.omp_set_num_threads(threads)
            index = kind(vectors, options(method=method))
            bytes_of.append(faiss.serialize_index(index._index).tobytes())
            assert faiss.omp_get_max_threads() == threads
    finally:
        faiss.omp_set_num_threads(before)
    assert len(set(bytes_of)) == 1


def test_scores_of_what_is_found_are_those_of_an_exact_search() -> None:
    vectors, queries = clustered(500), clustered(5, seed=1)
    index = VectorIndex(vectors, [[i] for i in range(500)], "cpu", options(method="ivf", nprobe=1))
    for hits, exact in zip(index.search(queries, 10), index.search_exactly(queries, 500), strict=True):
        scores = dict(zip(*(part.tolist() for part in exact), strict=True))
        assert all(scores[number] == score for number, score in zip(*hits, strict=True))


def test_a_list_with_fewer_vectors_than_asked_for_gives_fewer() -> None:
    vectors = clustered(60)
    index = VectorIndex(vectors, [[i] for i in range(60)], "cpu", options(method="ivf", nlist=20, nprobe=1))
    (numbers, scores), *_ = index.search(clustered(1, seed=1), 50)
    assert 0 < len(numbers) == len(scores) < 50


@pytest.mark.parametrize(
    ("count", "settings", "description"),
    [
        (1600, {}, "ivf(nlist=41,nprobe=3)"),
        (10, {}, "ivf(nlist=1,nprobe=1)"),
        (10, {"nlist": 30, "nprobe": 40}, "ivf(nlist=10,nprobe=10)"),
    ],
)
def test_lists_go_by_the_number_of_vectors(count: int, settings: dict[str, int], description: str) -> None:
    vectors = clustered(count)
    made = VectorIndex(vectors, [[i] for i in range(count)], "cpu", options(method="ivf", **settings))
    assert made.description == description


def test_the_signature_has_the_rule_where_a_number_goes_by_the_size() -> None:
    assert describe(options()) == "exact"
    assert describe(options(method="hnsw", ef_search=64)) == "hnsw(m=32,ef_search=64)"
    assert describe(options(method="ivf", nprobe=8)) == "ivf(nlist=4*sqrt(n),nprobe=8)"


def test_an_approximate_index_counts_its_links() -> None:
    vectors = clustered(100)
    sizes = [
        VectorIndex(vectors, [[i] for i in range(100)], "cpu", options(method=method)).size()
        for method in ("exact", "hnsw")
    ]
    assert sizes[1] - sizes[0] == vectors.nbytes + 8 * 32 * 100


def test_another_search_is_another_run_with_the_same_trained_towers(tmp_path: Path) -> None:
    exact, graph = (
        make_retriever(
            "dpr-ft",
            Context(
                sections=build_sections(option_sections(), {"dpr-search.method": method}),
                store=Store(tmp_path),
            ),
        )
        for method in ("exact", "hnsw")
    )
    assert exact.key != graph.key
    assert model_key(exact, "train", "val") == model_key(graph, "train", "val")
