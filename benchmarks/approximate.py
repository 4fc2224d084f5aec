"""Measure approximate search over vectors beside exact search, for docs/scale.md.

Usage: python benchmarks/approximate.py [VECTORS]

Clustered unit vectors of 384 numbers. CPU seconds of all threads; recall is the share of the exact best 30
that an index returns. `bench` itself searches exactly: this measures what an approximation would save, and
lose.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

TABLE = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "approximate.csv"
COLUMNS = ("index", "vectors", "build_cpu_s", "ms_per_query", "recall@30", "load")
WIDTH, QUERIES, DEPTH, SPREAD = 384, 100, 30, 1.0
LISTS_TRAINED_ON = 40
"""Vectors for each list of the IVF index that its centres are trained on; FAISS wants 39 at least."""
PROBES, HNSW_LIMIT = (1, 8, 32), 20_000
"""HNSW is built up to this size, which takes some CPU seconds."""

Vectors = npt.NDArray[np.float32]


def main(size: int) -> None:
    """Measure exact search, IVF with several numbers of probes, and HNSW; write and print the table."""
    corpus, queries = clustered(size)
    exact, rows = faiss.IndexFlatIP(WIDTH), []
    best, row = measure("exact", exact, corpus, queries, lambda: exact.add(corpus), None)
    rows.append(row)
    lists = int(2 ** round(np.log2(np.sqrt(size))))
    ivf = faiss.IndexIVFFlat(faiss.IndexFlatIP(WIDTH), WIDTH, lists, faiss.METRIC_INNER_PRODUCT)

    def build() -> None:
        ivf.train(corpus[: lists * LISTS_TRAINED_ON])
        ivf.add(corpus)

    for probes in PROBES:
        ivf.nprobe = probes
        name = f"IVF, {probes} of {lists} lists"
        rows.append(measure(name, ivf, corpus, queries, build if not ivf.ntotal else None, best)[1])
    if size <= HNSW_LIMIT:
        hnsw = faiss.IndexHNSWFlat(WIDTH, 32, faiss.METRIC_INNER_PRODUCT)
        rows.append(measure("HNSW, 32 links", hnsw, corpus, queries, lambda: hnsw.add(corpus), best)[1])
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def clustered(size: int) -> tuple[Vectors, Vectors]:
    """Draw unit vectors around one centre for each thousand, and queries around the same centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, size // 1000), WIDTH), dtype=np.float32)

    def draw(count: int) -> Vectors:
        vectors = centres[rng.integers(len(centres), size=count)]
        vectors += SPREAD * rng.standard_normal((count, WIDTH), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    return draw(size), draw(QUERIES)


def measure(
    name: str, index: Any, corpus: Vectors, queries: Vectors, build: Callable[[], None] | None, best: Any
) -> tuple[Any, dict[str, Any]]:
    """Build and search an index; return its hits ``[q, 30]`` and a row of the table, and print the row."""
    started = time.process_time()
    if build is not None:
        build()
    built = time.process_time()
    hits = index.search(queries, DEPTH)[1]
    spent = time.process_time() - built
    shared = [
        len(np.intersect1d(*pair)) for pair in zip(hits, best if best is not None else hits, strict=True)
    ]
    row = {
        "index": name, "vectors": len(corpus), "build_cpu_s": round(built - started, 2),
        "ms_per_query": round(1000 * spent / len(queries), 3),
        "recall@30": round(float(np.mean(shared)) / DEPTH, 4), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(row, flush=True)
    return hits, row


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
