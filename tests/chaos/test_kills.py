"""A command that is killed at any change of a file, and repeated, ends as if it had never been killed.

``BENCH_KILLS`` is the number of moments tried for each command; ``tox -e chaos`` tries all,
and several seeds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import child_environment
from tests.tiny import Tiny

MOMENTS = int(os.environ.get("BENCH_KILLS", "3"))
SMALL = [
    "--set", "bm25.engine=bm25s", "--set", "train.epochs=2", "--set", "train.checkpoint_steps=2",
    "--set", "seq2seq.width=16", "--set", "text.vocabulary=100", "--set", "decode.beams=1",
]  # fmt: skip
COMMANDS = {
    "grid": ["--generators", "lead,oracle", "--retrievers", "bm25,dpr-pt"],
    "training": ["--generators", "seq2seq", "--retrievers", "bm25"],
    "seeds": ["--generators", "lead,oracle", "--retrievers", "bm25", "--seed", "0,1"],
}


@pytest.mark.parametrize("name", COMMANDS if "BENCH_KILLS" in os.environ else ("grid", "training"))
def test_a_killed_run_ends_with_the_same_bytes(name: str, tiny: Tiny, tmp_path: Path) -> None:
    run = ["run", "--data", tiny.folder, "--out", "{root}/out", "--device", "cpu", *COMMANDS[name], *SMALL]
    _check(tmp_path, run)


def test_a_killed_synthesis_ends_with_the_same_bytes(tmp_path: Path) -> None:
    _check(tmp_path, ["data", "synth", "--out", "{root}/out", "--videos", "60", "--seed", "1"])


def _check(root: Path, command: list[object]) -> None:
    words = ["-m", "tests.chaos.killed_command", root, MOMENTS, *command]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
