"""A run over a small dataset whose texts try to break out of every format."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

import bench
from bench.store.artefacts import Store

HOSTILE = "</script><script>window.broken=1</script><img src=x onerror=window.broken=2>"
LABEL = "<b onclick=window.broken=3>&{}$ label"
"""A file's name becomes the label of its row."""
THINGS = (
    "red scarf",
    "apple pie",
    "garden pond",
    "old violin",
    "city bike",
    "paper plane",
    "snow boots",
    "tea pot",
)
VIDEOS = 24
QUERIES = 2 * VIDEOS


class World(NamedTuple):
    data: Path
    store: Store
    out: Path
    other: Path


def write_lines(path: Path, items: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def write_dataset(folder: Path) -> None:
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"name": HOSTILE, "language": "en", "version": "1"}))
    videos, queries, qrels = [], [], []
    for i in range(VIDEOS):
        thing = THINGS[i % len(THINGS)]
        words = f"look at the {thing} number{i} and how we use it today"
        videos.append({"id": f"v{i:02}", "transcript": words if i else HOSTILE, "split": "test"})
        for n in range(2):
            text = HOSTILE if (i, n) == (0, 0) else f"{thing} number{i} {'how to' if n else ''}"
            queries.append({"id": f"q{2 * i + n:02}", "text": text})
            qrels.append(f"q{2 * i + n:02}\tv{i:02}\t1\n")
    videos += [
        {"id": f"t{i}", "transcript": "some words", "split": s} for i, s in enumerate(("train", "val"))
    ]
    write_lines(folder / "videos.jsonl", videos)
    write_lines(folder / "queries.jsonl", queries)
    (folder / "qrels.tsv").write_text("".join(qrels))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return two runs that nobody may change: three rows, and two of the same with another k1."""
    folder = tmp_path_factory.mktemp("page")
    write_dataset(folder / "data")
    theirs = folder / f"{LABEL}.jsonl"
    texts = [HOSTILE, "\x1b[31mred\x1b[0m", *(f"number{i} and a thing" for i in range(2, VIDEOS))]
    write_lines(theirs, [{"video_id": f"v{i:02}", "summary": text} for i, text in enumerate(texts)])
    store = folder / "store"
    for out, generators, k1 in (
        ("out", ["lead", "transcript", f"file:{theirs}"], 0.9),
        ("other", ["lead", "transcript"], 2.0),
    ):
        bench.run(
            data=folder / "data", generators=generators, retrievers=["bm25"], protocol="all-queries",
            out=folder / out, store=store, quiet=True, set={"bm25.engine": "bm25s", "bm25.k1": k1},
        )  # fmt: skip
    return World(folder / "data", Store(store), folder / "out", folder / "other")


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Path:
    """Return a copy of the run that a test may change."""
    return Path(shutil.copytree(world.out, tmp_path / "out"))
