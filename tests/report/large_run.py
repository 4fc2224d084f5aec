"""A run of many queries and videos, written without computing it: for the size and speed of its page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.store.digests import file_digest
from tests.manifests import edit_manifest

GENERATORS = ("lead", "transcript")
HITS = 5


def enlarge(out: Path, queries: int, videos: int) -> None:
    """Replace the items of a run of lead and transcript with BM25 by many; scores stay as they were."""
    texts = {
        "queries.tsv": (f"q{q:06}\twords number{q} of a query {q % 997}\n" for q in range(queries)),
        "qrels.trec": (f"q{q:06} 0 v{q % videos:05} 1\n" for q in range(queries)),
        "references.jsonl": (
            json.dumps({"video_id": f"v{v:05}", "references": [f"a reference of video {v}"]}) + "\n"
            for v in range(videos)
        ),
    }
    for place, generator in enumerate(GENERATORS):
        texts[f"summaries/{generator}.jsonl"] = (
            json.dumps({"video_id": f"v{v:05}", "summary": f"{generator} wrote number{v} {'word ' * 30}"})
            + "\n"
            for v in range(videos)
        )
        texts[f"per_video/{generator}.csv"] = iter(_per_video(out / "per_video" / f"{generator}.csv", videos))
        texts[f"runs/{generator}.bm25.trec"] = _hits(queries, videos, place)
    for name, lines in texts.items():
        with (out / name).open("w", encoding="utf-8") as stream:
            stream.writelines(lines)

    def update(written: dict[str, Any]) -> None:
        written["files"].update({name: file_digest(out / name) for name in texts})
        written["evaluation"].update(queries=queries, pool=videos)
        written["coverage"]["dataset"]["videos"] = videos

    edit_manifest(out, update)


def _summaries(generator: str, videos: int) -> Iterator[str]:
    for v in range(videos):
        yield json.dumps({"video_id": f"v{v:05}", "summary": f"{generator} {v} {'word ' * 30}"}) + "\n"


def _per_video(path: Path, videos: int) -> list[str]:
    head, row = path.read_text(encoding="utf-8").splitlines()[:2]
    rest = row.partition(",")[2]
    return [head + "\n", *(f"v{v:05},{rest}\n" for v in range(videos))]


def _hits(queries: int, videos: int, place: int) -> Iterator[str]:
    for q in range(queries):
        first = q * (7 + place)
        ranked = [(first + 31 * i) % videos for i in range(HITS - 1)]
        ranked.insert(q % HITS, q % videos)
        for rank, video in enumerate(dict.fromkeys(ranked), start=1):
            yield f"q{q:06} Q0 v{video:05} {rank} {HITS - rank}.5 run\n"
