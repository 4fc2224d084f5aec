"""Nearest vectors: of all, or approximately by FAISS with a graph (HNSW) or lists (IVF).

An approximate index compares a query with few vectors and may miss some of the nearest. It is built by one
thread from fixed random numbers, so that equal vectors give an equal index: of several threads, the order in
which they add vectors decides the links of a graph. It is searched on the CPU, whatever the device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError
from retrievers.exact_search import nearest_of_all
from retrievers.options import DPRSearchOptions

EF_CONSTRUCTION = 100
"""Vectors compared when one is added to a graph; FAISS's 40 misses three times as many later."""
LISTS_BY_SIZE = 4
"""Lists of an IVF index per square root of the vectors (FAISS's guidelines: 4 to 16)."""
TRAINED_ON = 39
"""Vectors for each list that its centre is computed from; FAISS warns of fewer."""
SHARE_SEARCHED = 16
"""One in so many lists is searched unless ``nprobe`` says otherwise."""
GPU_DEPTH = 2048
"""The deepest search that FAISS does on a GPU."""
GPU_PRODUCTS = 1 << 28
"""Products that are held on a GPU at once: 1 GB."""

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Nearest(Protocol):
    """An index of vectors that are numbered in their order."""

    description: str
    """How it searches, with its parameters; ``exact`` where it misses nothing."""
    size: int
    """Bytes beside the vectors themselves."""

    def search(self, queries: Vectors, depth: int) -> Rows:
        """Search the ``depth`` nearest of each query: numbers ``[q, depth]``, -1 where fewer were reached."""
        ...


class Exact:
    """Compares each query with all vectors; on a GPU by faiss-gpu where it is installed, else by torch."""

    description, size = "exact", 0

    def __init__(self, vectors: Vectors, device: str = "cpu") -> None:
        self._vectors = vectors
        self._faiss = _faiss_on_gpu(vectors, device)
        self._torch = _torch_on_gpu(vectors, device) if self._faiss is None else None

    def search(self, queries: Vectors, depth: int) -> Rows:
        """Search the ``depth`` nearest of each query."""
        if self._faiss is not None and depth <= GPU_DEPTH:
            return _rows(self._faiss.search(queries, depth)[1])
        if self._torch is not None:
            return _search_by_torch(queries, self._torch, depth)
        return nearest_of_all(queries, self._vectors, depth)


class Graph:
    """HNSW: follows links between near vectors. Source: Malkov and Yashunin 2018, arXiv 1603.09320."""

    def __init__(self, vectors: Vectors, options: DPRSearchOptions) -> None:
        faiss = load_faiss()
        self.description = describe(options)
        self._index = faiss.IndexHNSWFlat(vectors.shape[1], options.m, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = EF_CONSTRUCTION
        self._index.hnsw.efSearch = options.ef_search
        with _one_thread(faiss):
            self._index.add(vectors)
        self.size = vectors.nbytes + 8 * options.m * len(vectors)

    def search(self, queries: Vectors, depth: int) -> Rows:
        """Search the ``depth`` nearest of each query that links lead to; FAISS follows at least ``depth``."""
        return _rows(self._index.search(queries, depth)[1])


class Lists:
    """IVF: compares a query with the vectors of the nearest k-means centres. Source: Jegou et al. 2011."""

    def __init__(self, vectors: Vectors, options: DPRSearchOptions) -> None:
        faiss = load_faiss()
        count = min(options.nlist or round(LISTS_BY_SIZE * math.sqrt(len(vectors))), len(vectors))
        if options.nlist is None:
            count = max(1, min(count, len(vectors) // TRAINED_ON))
        probes = min(options.nprobe or math.ceil(count / SHARE_SEARCHED), count)
        self.description = f"ivf(nlist={count},nprobe={probes})"
        centres = faiss.IndexFlatIP(vectors.shape[1])
        self._index = faiss.IndexIVFFlat(centres, vectors.shape[1], count, faiss.METRIC_INNER_PRODUCT)
        self._index.cp.min_points_per_centroid = 1  # no warning on stderr of small corpora
        self._index.nprobe = probes
        with _one_thread(faiss):
            self._index.train(_even_part(vectors, count * TRAINED_ON))
            self._index.add(vectors)
        self.size = vectors.nbytes + centres.ntotal * vectors.shape[1] * 4 + 8 * len(vectors)

    def search(self, queries: Vectors, depth: int) -> Rows:
        """Search the ``depth`` nearest of each query within the lists that are searched."""
        return _rows(self._index.search(queries, depth)[1])


def build(vectors: Vectors, device: str, options: DPRSearchOptions) -> Nearest:
    """Build the index that the options name, of vectors ``[u, d]``, u > 0."""
    if options.method == "exact":
        return Exact(vectors, device)
    return (Graph if options.method == "hnsw" else Lists)(vectors, options)


def describe(options: DPRSearchOptions) -> str:
    """Describe how vectors are searched, for the signature line; what goes by their number as its rule."""
    if options.method == "exact":
        return "exact"
    if options.method == "hnsw":
        return f"hnsw(m={options.m},ef_search={options.ef_search})"
    nlist = options.nlist or f"{LISTS_BY_SIZE}*sqrt(n)"
    return f"ivf(nlist={nlist},nprobe={options.nprobe or f'nlist/{SHARE_SEARCHED}'})"


def load_faiss() -> Any:
    """Import FAISS. Raises MissingError when it is not installed."""
    try:
        import faiss
    except ImportError:
        raise MissingError(
            "FAISS, which searches approximately, is not installed. Install it with: pip install faiss-cpu "
            "(or faiss-gpu on a machine with a GPU; never both)."
        ) from None
    return faiss


def _torch_on_gpu(vectors: Vectors, device: str) -> Any:
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.from_numpy(vectors).to(device)  # [u, d]


def _search_by_torch(queries: Vectors, vectors: Any, depth: int) -> Rows:
    import torch

    at_once = max(1, GPU_PRODUCTS // len(vectors))
    parts = (queries[start : start + at_once] for start in range(0, len(queries), at_once))
    products = (torch.from_numpy(part).to(vectors.device) @ vectors.T for part in parts)  # [at_once, u]
    return _rows(torch.cat([some.topk(depth).indices for some in products]).cpu())


def _faiss_on_gpu(vectors: Vectors, device: str) -> Any:
    if not device.startswith("cuda"):
        return None
    try:
        import faiss
    except ImportError:
        return None
    if not hasattr(faiss, "StandardGpuResources"):  # faiss-cpu
        return None
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    number = int(device.partition(":")[2] or 0)
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), number, index)


def _even_part(vectors: Vectors, count: int) -> Vectors:
    """Take ``count`` vectors at even distances, or all."""
    if len(vectors) <= count:
        return vectors
    return vectors[np.arange(count) * len(vectors) // count]


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _rows(found: Any) -> Rows:
    rows: Rows = np.asarray(found, dtype=np.int64)
    return rows
