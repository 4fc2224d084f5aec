"""--audit-cache: what a cache decides is checked against the work itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bench.store.digests import row_digest
from tests.conftest import Cli
from tests.tiny import Tiny


@pytest.fixture
def arguments(tiny: Tiny, tmp_path: Path, bert_folder: Callable[..., Path]) -> Sequence[object]:
    return [
        "run", "--data", tiny.folder, "--generators", "lead,transcript", "--retrievers", "bm25,dpr-pt",
        "--set", f"dpr.weights={bert_folder('bert')}", "--out", tmp_path / "out",
        "--store", tmp_path / "store",
    ]  # fmt: skip


def poison(store: Path) -> None:
    """Turn every cached vector round, with the digest of what is written: no damage shows."""
    for path in (store / "embeddings").glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as connection, connection:
            rows = connection.execute("SELECT key, vector FROM vectors").fetchall()
            for key, data in rows:
                turned = (-np.frombuffer(data, dtype="<f4")).tobytes()
                connection.execute(
                    "UPDATE vectors SET vector = ?, digest = ? WHERE key = ?",
                    (turned, row_digest(key, turned), key),
                )


def test_a_sound_cache_passes_and_moves_nothing(
    arguments: Sequence[object], tmp_path: Path, cli: Cli
) -> None:
    assert cli(*arguments).status == 0
    before = (tmp_path / "out" / "scores.csv").read_bytes()
    outcome = cli(*arguments, "--audit-cache")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "out" / "scores.csv").read_bytes() == before


def test_a_poisoned_vector_is_found_though_every_cell_is_reused(
    arguments: Sequence[object], tmp_path: Path, cli: Cli
) -> None:
    assert cli(*arguments).status == 0
    poison(tmp_path / "store")
    assert cli(*arguments).status == 0  # nothing is read from the cache
    outcome = cli(*arguments, "--audit-cache")
    assert outcome.status == 3
    assert "lead.dpr-pt" in outcome.err
    assert "cached vector of" in outcome.err
    assert "lead bm25: reused" in outcome.err
    assert "lead dpr-pt: failed" in outcome.err


def test_a_kept_run_that_is_not_what_the_search_gives_is_found(
    arguments: Sequence[object], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a code digest that forgot something would have it: the search changed, the key did not."""
    assert cli(*arguments).status == 0
    from retrievers.dpr.vectors import VectorIndex

    search = VectorIndex.search
    monkeypatch.setattr(
        VectorIndex, "search", lambda self, vectors, k: search(self, np.roll(vectors, 1, axis=0), k)
    )
    outcome = cli(*arguments, "--audit-cache")
    assert outcome.status == 3
    assert "searching again gives another run" in outcome.err
