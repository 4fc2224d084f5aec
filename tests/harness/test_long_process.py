"""Runs in one process leave no handles, threads or temporary folders behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from retrievers.bm25.java_machine import is_installed
from tests.chaos.long_process import run_repeatedly


@pytest.mark.parametrize("engine", ["bm25s", "lucene"])
def test_a_further_run_leaves_nothing_behind(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "lucene" and not is_installed():
        pytest.skip("the extra lucene is not installed")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    first, *later = run_repeatedly(tmp_path, 3, engine)
    assert [usage.folders for usage in later] == [first.folders] * 2
    assert later[1].handles <= later[0].handles
    assert later[1].threads <= later[0].threads
