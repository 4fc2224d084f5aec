"""Runs that torchrun starts: as one process, and continued after one of two was killed. ``tox -e chaos``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import child_environment
from tests.tiny import Tiny

pytestmark = pytest.mark.skipif("BENCH_KILLS" not in os.environ, reason="minutes of torchrun: tox -e chaos")
OPTIONS = ("train.epochs=3", "train.batch_size=3", "train.checkpoint_steps=1", "bm25.engine=bm25s")


@pytest.fixture
def launch(tiny: Tiny, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts a run into a folder, alone or in processes of torchrun."""

    def start(out: str, processes: int | None, *more: str) -> subprocess.Popen[str]:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        names = ["--data", str(tiny.folder), "--generators", "seq2seq", "--retrievers", "bm25"]
        places = ["--out", str(tmp_path / out), "--store", str(tmp_path / f"{out}-store")]
        options = [word for option in (*OPTIONS, *more) for word in ("--set", option)]
        words = [*(torchrun if processes else []), "-m", "bench", "run", *names, *places, *options]
        return subprocess.Popen(
            [sys.executable, *words],
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a run that succeeds, and return what it printed."""
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return out


def trained(store: Path) -> dict[str, bytes]:
    """Read all files of the one model in a store."""
    (folder,) = (store / "models").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "artefact.json"}


def test_two_processes_train_as_one_does_and_one_to_the_same_bytes(
    launch: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    texts = {
        name: finish(launch(name, count, "seq2seq.dropout=0"))
        for name, count in {"alone": None, "one": 1, "two": 2}.items()
    }
    alone, one, two = (trained(tmp_path / f"{name}-store") for name in texts)
    assert one == alone
    logs = [[json.loads(line) for line in files["training.jsonl"].splitlines()] for files in (alone, two)]
    for entry, other in zip(*logs, strict=True):
        assert other == pytest.approx(entry, abs=1e-5)
    assert texts["two"].count("Generation on tiny") == 1, "one process prints the tables"
    assert "| processes: 2 |" in texts["two"]
    assert "| processes: " not in texts["one"]


def test_a_run_of_which_a_process_is_killed_continues_to_the_same_bytes(
    launch: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    finish(launch("whole", 2))
    killed = launch("killed", 2)
    while not list(tmp_path.glob("killed-store/unfinished/*/checkpoint-*")):
        assert killed.poll() is None, killed.stderr
        time.sleep(0.02)
    (helper,) = (p for p in psutil.Process(killed.pid).children() if p.environ()["RANK"] == "1")
    helper.kill()
    _, errors = killed.communicate(timeout=600)
    assert killed.returncode != 0
    assert "one of the 2 processes" in errors or "Run the same command to resume" in errors
    assert not list(tmp_path.glob("killed-store/models/*/artefact.json"))
    finish(launch("killed", 2))
    assert trained(tmp_path / "killed-store") == trained(tmp_path / "whole-store")
