"""What ``--data`` can name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.registered import dataset_folder
from bench.errors import UsageError
from tests.tiny import Tiny


def test_a_folder_is_itself(tiny: Tiny, tmp_path: Path) -> None:
    assert dataset_folder(str(tiny.folder), tmp_path) == tiny.folder


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean demo"):
        dataset_folder("demoo", tmp_path)


def test_neither_name_nor_folder_tells_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="demo, demo-zh"):
        dataset_folder("/no/such/place", tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="nor a folder"):
        dataset_folder(str(tmp_path / "file"), tmp_path)


def test_a_registered_name_wins_over_a_folder_and_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    made = dataset_folder("demo", tmp_path / "cache")
    assert made.is_relative_to(tmp_path / "cache")
    stamp = (made / "dataset.json").stat().st_mtime_ns
    assert dataset_folder("demo", tmp_path / "cache") == made
    assert (made / "dataset.json").stat().st_mtime_ns == stamp
    assert dataset_folder("./demo", tmp_path / "cache") == Path("demo")
