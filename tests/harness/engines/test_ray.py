"""The Ray engine writes what the local engine writes: on two nodes, and with one killed in the middle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, child_environment
from tests.harness.engines.commands import grid, unmeasured
from tests.tiny import Tiny

pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.ray
SYSTEMS = ("lead,textrank,bart-text", "dpr-pt,bm25")


def on_two_nodes(store: Path, appears: str, arguments: list[object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.harness.engines.two_nodes", store, appears, *map(str, arguments)],
        cwd=ROOT, env=child_environment(), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tiny data and ``out``, what the local engine writes for it."""
    from tests.tiny import write_tiny

    folder = tmp_path_factory.mktemp("local")
    tiny = write_tiny(folder / "tiny")
    command = grid(tiny, folder / "out", folder / "store", *SYSTEMS)
    done = subprocess.run(
        [sys.executable, "-m", "bench", *map(str, command)],
        env=child_environment(), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("options", "appears"),
    [
        (["run.shards=2"], "models/.*"),  # a model is being trained
        ([], "retrieval/*"),
    ],
    ids=["killed in a training, in parts", "killed after the first run"],
)
def test_two_nodes_write_what_one_process_writes(
    local: Path, tmp_path: Path, options: list[str], appears: str
) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    command = [*grid(Tiny(local / "tiny"), out, store, *SYSTEMS, *options), "--engine", "ray"]
    done = on_two_nodes(store, appears, command)
    assert done.returncode == 0, done.stderr
    assert unmeasured(out) == unmeasured(local / "out")
