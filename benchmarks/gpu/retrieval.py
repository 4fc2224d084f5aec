"""Text encoding beside sentence-transformers on the same device, and exact search beside that on its CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from bench.data.reader import read_dataset
from benchmarks.gpu.measured import Measured, measure, row
from retrievers.dpr.encoding.encoders import Vectors, load_encoder
from retrievers.dpr.weights import locate
from retrievers.nearest import Exact
from retrievers.options import DPROptions

TEXTS, VECTORS, WIDTH, QUERIES, DEPTH = 20_000, 1_000_000, 384, 1000, 100
ENCODING = ("torch", "transformers", "sentence-transformers")


def compare_retrieval(folder: Path, device: str, encoder: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the lines of encoding queries and transcripts, in fp32 and bf16, and of exact search."""
    weights = locate(str(encoder) if encoder else None, "en", option="--encoder")
    peer = SentenceTransformer(str(weights.folder), device=device)
    for kind, texts in read_texts(folder).items():
        other = timed(lambda texts=texts: peer.encode(texts), len(texts), device)  # type: ignore[misc]
        for bf16 in (False, True):
            size = DPROptions().batch_size
            ours = load_encoder(weights, device=device, max_tokens=None, batch_size=size, bf16=bf16)
            made = timed(lambda ours=ours, texts=texts: ours.encode(texts), len(texts), device)  # type: ignore[misc]
            settings = f"MiniLM's shape, batch {size}, {'bf16' if bf16 else 'fp32'}"
            line = row(
                f"encode {kind}", settings, made, other, "sentence-transformers, as it comes",
                unit="texts", packages=ENCODING,
            )  # fmt: skip
            yield line | {"same": f"cosine {least_cosine(made.result, other.result):.4f} or more"}
    yield compare_search(device)


def read_texts(folder: Path) -> dict[str, list[str]]:
    """Read as many different queries and transcripts of a dataset as are encoded."""
    data = read_dataset(folder)
    videos = data.videos("train", references=True)
    queries = dict.fromkeys(query for video in videos for query in video.references)
    transcripts = dict.fromkeys(video.transcript for video in videos)
    return {"queries": list(queries)[:TEXTS], "transcripts": list(transcripts)[:TEXTS]}


def timed(work: Callable[[], Any], count: int, device: str) -> Measured:
    """Time the second of two calls: the seconds for one of ``count``."""
    work()
    whole = measure(work, gpu=device.startswith("cuda"))
    return Measured(whole.seconds / count, whole.samples, whole.result)


def least_cosine(ours: Vectors, others: Vectors) -> float:
    """Find the lowest similarity of two vectors of one text."""
    return float(np.sum(ours * others, axis=1).min())


def compare_search(device: str) -> dict[str, Any]:
    """Measure exact search over random unit vectors on a device, beside the search on its CPU."""
    rng = np.random.default_rng(0)
    vectors, queries = (
        made / np.linalg.norm(made, axis=1, keepdims=True)
        for made in (rng.standard_normal((count, WIDTH), dtype=np.float32) for count in (VECTORS, QUERIES))
    )
    index, on_cpu = Exact(vectors, device), Exact(vectors)
    ours, peer = (
        timed(lambda one=one: one.search(queries, DEPTH), QUERIES, where)  # type: ignore[misc]
        for one, where in ((index, device), (on_cpu, "cpu"))
    )
    same = sum(set(a) == set(b) for a, b in zip(sets(ours.result), sets(peer.result), strict=True))
    line = row(
        "search exactly", f"{VECTORS:,} x {WIDTH}, depth {DEPTH}, fp32", ours, peer, "numpy on the CPU",
        unit="queries", packages=("torch", "numpy"),
    )  # fmt: skip
    return line | {"same": f"{same} of {QUERIES}"}


def sets(rows: Any) -> Sequence[list[int]]:
    """Convert found numbers to lists."""
    found: Sequence[list[int]] = rows.tolist()
    return found
