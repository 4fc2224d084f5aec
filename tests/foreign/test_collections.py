"""Judgements by the id of a collection of ir_datasets: a local one, an unknown one, and no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ir_datasets
import pytest

from tests.conftest import Cli


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "mine.trec").write_text("q1 Q0 d1 1 2 x\nq1 Q0 d2 2 1 x\nq2 Q0 d9 1 1 x\n")
    return tmp_path / "mine.trec"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[str]:
    """Register a collection of files on this disk."""
    (tmp_path / "queries.tsv").write_text("q1\tapple pie\nq2\tred car\nq3\tnot judged\n")
    (tmp_path / "qrels").write_text("q1 0 d2 2\nq1 0 d1 0\nq2 0 d9 1\n")
    name = "local-test/judged"
    collection = ir_datasets.create_dataset(
        queries_tsv=str(tmp_path / "queries.tsv"), qrels_trec=str(tmp_path / "qrels")
    )
    ir_datasets.registry.register(name, collection)
    yield name
    del ir_datasets.registry._registered[name]


def test_a_collection_gives_judgements_and_queries(local: str, run: Path, tmp_path: Path, cli: Cli) -> None:
    words = ["--qrels", f"ir_datasets:{local}", "--metrics", "R@1,nDCG@10", "--out", tmp_path / "out"]
    done = cli("evaluate", "--run", run, *words)
    assert done.status == 0, done.err
    assert f"ir_datasets:{local}: ir_datasets, 2 topics" in done.err
    assert "| Run | mine | 50.00 |" in done.out
    assert "1 topic of the queries not judged and left out" in done.out
    assert (tmp_path / "out" / "queries.tsv").read_text() == "q1\tapple pie\nq2\tred car\n"


def test_an_unknown_collection_and_a_missing_network_are_named(
    run: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = cli("evaluate", "--run", run, "--qrels", "ir_datasets:no/such")
    assert unknown.status == 2
    assert "not a collection that ir_datasets knows" in unknown.err

    class Offline:
        """A collection whose download fails, as ir_datasets reports it."""

        has_qrels = has_queries = staticmethod(lambda: True)

        def qrels_iter(self) -> Iterator[object]:
            raise ConnectionError("Failed to resolve 'example.org'")

    monkeypatch.setattr(ir_datasets, "load", lambda name: Offline())
    offline = cli("evaluate", "--run", run, "--qrels", "ir_datasets:antique/test")
    assert offline.status == 4
    assert "where there is a network" in offline.err
