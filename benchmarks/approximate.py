"""Measure approximate search over vectors beside exact search, for docs/scale.md.

Usage: python benchmarks/approximate.py [--methods exact,ivf,hnsw] [VECTORS ...]

Clustered unit vectors of 384 numbers, searched as by `dpr-search.method`. CPU seconds of all threads; recall
is the share of the exact best 30 that an index returns. Rows of other sizes stay in the table.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievers.nearest import Exact, Graph, Lists, Nearest, Rows, Vectors
from retrievers.options import DPRSearchOptions

TABLE = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "approximate.csv"
COLUMNS = ("index", "vectors", "build_cpu_s", "ms_per_query", "recall@30", "load")
WIDTH, QUERIES, DEPTH, SPREAD = 384, 100, 30, 1.0
PROBES, EF = (1, 8, 32), (64, 128, 256)
METHODS = ("exact", "ivf", "hnsw")


def main(sizes: list[int], methods: list[str]) -> None:
    """Measure the methods at every size, and write the table."""
    for size in sizes:
        corpus, queries = clustered(size)
        best = Exact(corpus).search(queries, DEPTH)
        for method in methods:
            for name, built, index in MEASURED[method](corpus):
                add_row(measure(name, built, index, queries, best) | {"vectors": size})


def exact(corpus: Vectors) -> Iterator[tuple[str, float, Nearest]]:
    """Yield the name of exact search, its seconds of building and the index."""
    yield "exact", 0.0, Exact(corpus)


def lists(corpus: Vectors) -> Iterator[tuple[str, float, Nearest]]:
    """Yield IVF with a power of two of lists near the root of the vectors, and several numbers of probes."""
    count = int(2 ** round(np.log2(np.sqrt(len(corpus)))))
    started = time.process_time()
    index = Lists(corpus, DPRSearchOptions(method="ivf", nlist=count))
    built = time.process_time() - started
    for probes in PROBES:
        index._index.nprobe = probes
        yield f"IVF, {probes} of {count} lists", built, index


def graphs(corpus: Vectors) -> Iterator[tuple[str, float, Nearest]]:
    """Yield HNSW with the default number of links, and several numbers of candidates."""
    started = time.process_time()
    index = Graph(corpus, DPRSearchOptions(method="hnsw"))
    built = time.process_time() - started
    for candidates in EF:
        index._index.hnsw.efSearch = candidates
        yield f"HNSW, 32 links, ef {candidates}", built, index


MEASURED = {"exact": exact, "ivf": lists, "hnsw": graphs}


def clustered(size: int) -> tuple[Vectors, Vectors]:
    """Draw unit vectors around one centre for each thousand, and queries around the same centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, size // 1000), WIDTH), dtype=np.float32)

    def draw(count: int) -> npt.NDArray[np.float32]:
        vectors = centres[rng.integers(len(centres), size=count)]
        for start in range(0, count, 100_000):  # a second array of the whole corpus is not needed
            part = vectors[start : start + 100_000]
            part += SPREAD * rng.standard_normal(part.shape, dtype=np.float32)
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return vectors

    return draw(size), draw(QUERIES)


def measure(name: str, built: float, index: Nearest, queries: Vectors, best: Rows) -> dict[str, Any]:
    """Search an index, and return a row of the table but for the number of vectors."""
    started = time.process_time()
    hits = index.search(queries, DEPTH)  # [q, 30]
    spent = time.process_time() - started
    shared = [len(np.intersect1d(*pair)) for pair in zip(hits, best, strict=True)]
    return {
        "index": name, "build_cpu_s": round(built, 2), "ms_per_query": round(1000 * spent / QUERIES, 3),
        "recall@30": round(float(np.mean(shared)) / DEPTH, 4), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def add_row(row: dict[str, Any]) -> None:
    """Print a row, and put it into the table in place of that of the same index and size."""
    print(row, flush=True)
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = [old for old in csv.DictReader(stream) if _key(old) != _key(row)]
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(sorted([*rows, row], key=lambda one: int(one["vectors"])))


def _key(row: dict[str, Any]) -> tuple[str, int]:
    return row["index"], int(row["vectors"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--methods", default=",".join(METHODS), type=lambda text: text.split(","))
    arguments = parser.parse_args()
    main(arguments.sizes, arguments.methods)
