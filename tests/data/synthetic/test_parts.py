"""Videos drawn by several processes: the same bytes as by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import loky
import pytest

from bench.data.synthetic import parts
from tests.data.synthetic.made import make

VIDEOS = 2_100
"""Three parts for two processes, of which the last is shorter."""


def test_a_twin_made_by_processes_is_that_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin: dict[str, Any] = {"like": "qmv-kwai", "language": "zh", "videos": VIDEOS}
    alone = make(tmp_path / "alone", **twin).bytes()
    pools: list[int] = []
    start = loky.get_reusable_executor
    monkeypatch.setattr(
        loky, "get_reusable_executor", lambda max_workers: pools.append(max_workers) or start(max_workers)
    )
    monkeypatch.setattr(parts, "_WORTH_WORKERS", VIDEOS)
    monkeypatch.setattr(parts.os, "cpu_count", lambda: 2)
    shared = make(tmp_path / "shared", **twin).bytes()
    assert pools == [2]
    assert list(shared) == list(alone)
    assert [name for name, content in alone.items() if shared[name] != content] == []
