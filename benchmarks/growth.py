"""Measure how stages grow with the number of videos: results/benchmarks/growth.csv, drawn for docs/scale.md.

Usage: python benchmarks/growth.py [1000 10000 100000 ...]

CPU seconds (all threads) and the memory that a stage adds (its peak less what was resident before), with the
exponent between the smallest and the largest size: 1 is linear. Each stage is a process of its own.
"""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE, PICTURE = ROOT / "results" / "benchmarks" / "growth.csv", ROOT / "docs" / "pictures" / "growth.svg"
ENGINES = ("lucene", "bm25s")
QUERIES, DEPTH, WIDTH = 1000, 30, 384
COLUMNS = ("stage", "videos", "cpu_s", "added_mb")

Measure = Callable[[str, Callable[[], Any]], Any]


def main(sizes: list[int]) -> None:
    """Measure every stage at every size, each in a process of its own; write the table and draw it."""
    rows = [row for stage in STAGES for size in sizes for row in _in_child(stage, size)]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    draw(rows)
    for stage in dict.fromkeys(row["stage"] for row in rows):
        times = {row["videos"]: row["cpu_s"] for row in rows if row["stage"] == stage}
        print(f"{stage:<28} {times}  exponent {exponent(times):.2f}")


def exponent(values: dict[int, float]) -> float:
    """Compute the power of the size by which a quantity grew between the smallest and the largest."""
    low, high = min(values), max(values)
    return math.log(max(values[high], 1e-4) / max(values[low], 1e-4)) / math.log(high / low)


def _in_child(stage: str, size: int) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, __file__, "--stage", stage, str(size)], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _measure(size: int) -> Measure:
    from bench.systems.cost import measure_cost

    def measure(name: str, work: Callable[[], Any]) -> Any:
        before, started = _resident_mb(), time.process_time()
        with measure_cost() as cost:
            result = work()
        spent = round(time.process_time() - started, 4)
        added = round(max(0.0, cost.peak_mb - before), 1)
        print(json.dumps({"stage": name, "videos": size, "cpu_s": spent, "added_mb": added}), flush=True)
        return result

    return measure


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)


def bm25(engine: str, size: int, measure: Measure) -> None:
    """Index texts of eight words, and search 1,000 queries of four."""
    from bench.context import Context
    from benchmarks.test_retrieval import zipf
    from retrievers.bm25.retriever import BM25
    from retrievers.options import BM25Options

    retriever = BM25(Context(sections={"bm25": BM25Options(engine=engine)}))
    retriever.index({f"v{i}": text for i, text in enumerate(zipf(100, 8, 3))})  # Java is started
    documents = {f"v{i:08d}": text for i, text in enumerate(zipf(size, 8, 0))}
    queries = {f"q{i}": text for i, text in enumerate(zipf(QUERIES, 4, 1))}
    measure(f"{engine}: index", lambda: retriever.index(documents))
    retriever.search(queries, DEPTH)
    measure(f"{engine}: 1,000 queries", lambda: retriever.search(queries, DEPTH))


def vectors(size: int, measure: Measure) -> None:
    """Index vectors, and search 1,000 of them exactly."""
    from benchmarks.test_retrieval import unit
    from retrievers.dpr.vectors import VectorIndex

    rng = np.random.default_rng(0)
    corpus, queries = unit(rng.normal(size=(size, WIDTH))), unit(rng.normal(size=(QUERIES, WIDTH)))
    index = measure("vectors: index", lambda: VectorIndex(corpus, [[i] for i in range(size)], "cpu"))
    measure("vectors: 1,000 queries", lambda: index.search(queries, DEPTH))


def metrics(size: int, measure: Measure) -> None:
    """Score one query for each video: metrics, bounds under ties, intervals."""
    from bench.metrics.ranking import Relevance, score
    from bench.metrics.rows import metric_rows
    from bench.metrics.ties import tie_bounds
    from bench.types import Run

    rng = np.random.default_rng(0)
    names, videos = tuple(f"q{i}" for i in range(size)), tuple(f"v{i:08d}" for i in range(size))
    hits = (rng.integers(size, size=(size, 1)) + np.arange(DEPTH)) % size
    run = Run.from_arrays(names, videos, hits, np.round(rng.gamma(2.0, 3.0, size=hits.shape), 1), DEPTH)
    relevant = Relevance.from_mapping(
        {q: [videos[row[3]]] for q, row in zip(names, hits, strict=True)}, names, videos
    )
    scores = measure("metrics: score", lambda: score(run, relevant))
    bounds = measure("metrics: bounds under ties", lambda: tie_bounds(run, relevant))
    measure("metrics: intervals", lambda: metric_rows(scores, bounds, np.arange(size)))


STAGES: dict[str, Callable[[int, Measure], None]] = {
    **{name: lambda size, measure, name=name: bm25(name, size, measure) for name in ENGINES},
    "vectors": vectors,
    "metrics": metrics,
}


def draw(rows: list[dict[str, Any]]) -> None:
    """Draw CPU seconds and added memory by size, both axes logarithmic."""
    import vl_convert

    shown = [{**row, "cpu_s": max(row["cpu_s"], 1e-3), "added_mb": max(row["added_mb"], 1)} for row in rows]

    def panel(column: str, title: str) -> dict[str, Any]:
        scale = {"type": "log"}
        return {
            "mark": {"type": "line", "point": True}, "width": 320, "height": 260,
            "encoding": {
                "x": {"field": "videos", "type": "quantitative", "scale": scale, "title": "videos"},
                "y": {"field": column, "type": "quantitative", "scale": scale, "title": title},
                "color": {"field": "stage", "type": "nominal", "title": None, "sort": None},
            },
        }  # fmt: skip

    spec = {
        "data": {"values": shown},
        "hconcat": [panel("cpu_s", "CPU seconds"), panel("added_mb", "memory added (MB)")],
        "config": {"font": "sans-serif", "background": "white"},
    }
    PICTURE.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        STAGES[sys.argv[2]](int(sys.argv[3]), _measure(int(sys.argv[3])))
    else:
        main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000])
