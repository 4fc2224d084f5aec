"""What is in the store is taken only for what it was made of: each change gives what an empty store gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench
from tests.tiny import Tiny, write_tiny

Change = Callable[[Tiny], dict[str, Any]]


def add_judgement(tiny: Tiny) -> dict[str, Any]:
    tiny.path("qrels.tsv").write_text(tiny.path("qrels.tsv").read_text() + "q3\tv9\t1\n")
    return {}


def change_query(tiny: Tiny) -> dict[str, Any]:
    tiny.edit("queries.jsonl", 5, text="mountain lake")
    return {}


def change_transcript(tiny: Tiny) -> dict[str, Any]:
    tiny.edit("videos.jsonl", 7, transcript="a red painter's red car")
    return {}


def move_video(tiny: Tiny) -> dict[str, Any]:
    tiny.edit("videos.jsonl", 2, split="test")
    return {}


def set_options(**options: Any) -> Change:
    return lambda _: options


CHANGES: dict[str, Change] = {
    "a judgement": add_judgement,
    "a query": change_query,
    "a transcript": change_transcript,
    "a split": move_video,
    "the protocol": set_options(protocol="one-query-per-video"),
    "the draw of queries": set_options(protocol="one-query-per-video", query_seed=3),
    "the evaluated split": set_options(split="val"),
    "what is indexed": set_options(set={"index.mode": "append"}),
    "the analyzer": set_options(set={"bm25.analyzer": "standard"}),
    "the engine's b": set_options(set={"bm25.b": 1.0}),
    "which queries are one": set_options(set={"data.unite_queries": False}),
    "the length of Lead": set_options(set={"lead.units": 2}),
}


def run_and_read(tiny: Tiny, out: Path, store: Path, **options: Any) -> str:
    usual = {"generators": "lead,transcript,oracle", "retrievers": "bm25", "protocol": "all-queries"}
    bench.run(**{**usual, **options}, data=tiny.folder, out=out, store=store, quiet=True)
    files = [out / "scores.csv", *sorted((out / "runs").iterdir())]
    return "".join(path.read_text() for path in files)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a store that holds a run on the dataset as it is, and what the run made."""
    folder = tmp_path_factory.mktemp("before")
    return folder / "store", run_and_read(write_tiny(folder / "tiny"), folder / "out", folder / "store")


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_is_seen_through_a_store_that_is_full(
    before: tuple[Path, str], tmp_path: Path, change: Change
) -> None:
    store, old = before
    tiny = write_tiny(tmp_path / "tiny")
    options = change(tiny)
    after = run_and_read(tiny, tmp_path / "full", store, **options)
    assert after == run_and_read(tiny, tmp_path / "fresh", tmp_path / "store", **options)
    assert after != old


def test_another_spelling_makes_another_need_though_the_same_is_found(tmp_path: Path) -> None:
    """Stemmed alike, two texts find the same; whether they are one need decides the intervals."""
    tiny = write_tiny(tmp_path / "tiny")
    apart = {"set": {"data.unite_queries": False}, "generators": "transcript"}
    old = run_and_read(tiny, tmp_path / "old", tmp_path / "store", **apart)
    tiny.edit("queries.jsonl", 3, text="apples pie")
    after = run_and_read(tiny, tmp_path / "full", tmp_path / "store", **apart)
    assert after == run_and_read(tiny, tmp_path / "fresh", tmp_path / "empty", **apart)
    assert after != old
