"""bench store: what is there, what is damaged, what is removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench.store.artefacts import Artefact, Store
from tests.conftest import Cli


@pytest.fixture
def store() -> Store:
    """Return the store that commands use by default."""
    return Store(Path(os.environ["BENCH_STORE"]))


def add(store: Store, kind: str, number: int) -> Artefact:
    def build(folder: Path) -> None:
        (folder / "file").write_bytes(b"x" * 1_000_000)

    return store.fetch(kind, {"number": number}, build)


def test_list_counts_artefacts_by_kind(store: Store, cli: Cli) -> None:
    for kind, number in (("models", 1), ("models", 2), ("runs", 1)):
        add(store, kind, number)
    lines = [line.split() for line in cli("store", "list").out.splitlines()]
    assert lines == [["models", "2", "2.0", "MB"], ["runs", "1", "1.0", "MB"], ["total", "3", "3.0", "MB"]]


def test_a_folder_of_something_else_is_refused(tmp_path: Path, cli: Cli) -> None:
    foreign = tmp_path / "docs" / ("0" * 32)
    foreign.mkdir(parents=True)
    for action in ("list", "verify", "prune"):
        outcome = cli("store", action, "--store", str(tmp_path))
        assert outcome.status == 2
        assert "is no store of bench" in outcome.error()
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_verify_names_what_is_damaged_and_exits_with_5(store: Store, cli: Cli) -> None:
    good, bad = add(store, "models", 1), add(store, "models", 2)
    outcome = cli("store", "verify")
    assert (outcome.status, outcome.out) == (0, f"2 artefacts in {store.root} are undamaged.\n")
    (bad.path / "file").write_bytes(b"y")
    outcome = cli("store", "verify")
    assert outcome.status == 5
    assert outcome.out == f"models/{bad.path.name}: file has changed\n"
    assert "1 of 2 artefacts" in outcome.error()
    assert good.path.is_dir()
    assert bad.path.is_dir()


def test_prune_removes_what_was_not_used_for_days(store: Store, cli: Cli) -> None:
    old, used, new = (add(store, "models", number) for number in range(3))
    ten_days_ago = time.time() - 10 * 24 * 60 * 60
    for artefact in (old, used):
        os.utime(artefact.path, (ten_days_ago, ten_days_ago))
    assert store.find("models", {"number": 1}) is not None  # reading counts as use
    planned = cli("store", "prune", "--older-than", "5", "--dry-run")
    assert planned.out == f"models/{old.path.name}  1.0 MB\nwould remove: 1, 1.0 MB\n"
    assert old.path.is_dir()
    assert cli("store", "prune").out == "removed: 0, 0.0 MB\n"
    assert "removed: 1" in cli("store", "prune", "--older-than", "5").out
    assert [artefact.path.exists() for artefact in (old, used, new)] == [False, True, True]


def test_prune_removes_what_killed_runs_left_and_nothing_of_others(store: Store, cli: Cli) -> None:
    left = store.root / "models" / f".{'0' * 32}.abc"
    other = store.root / "embeddings" / "cache.sqlite"
    for path in (left / "artefact" / "file", other):
        path.parent.mkdir(parents=True)
        path.write_text("")
    assert cli("store", "prune", "--older-than", "0").status == 0
    assert not left.exists()
    assert other.exists()


def test_prune_leaves_what_another_process_is_making(store: Store, cli: Cli) -> None:
    left = store.root / "models" / f".{'0' * 32}.abc"
    left.mkdir(parents=True)
    with store.lock("models", "0" * 32):
        assert cli("store", "prune").out == "removed: 0, 0.0 MB\n"
    assert left.exists()


@pytest.mark.parametrize("days", ["-1", "nan", "1_0", "\u0661"])
def test_days_are_a_number_from_0(cli: Cli, days: str) -> None:
    assert cli("store", "prune", f"--older-than={days}").status == 2


def test_path_prints_the_folder(store: Store, cli: Cli, tmp_path: Path) -> None:
    assert cli("store", "path").out == f"{store.root}\n"
    assert cli("store", "path", "--store", tmp_path).out == f"{tmp_path}\n"
