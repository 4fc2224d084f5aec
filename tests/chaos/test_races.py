"""Several commands at once, and folders that vanish in mid-run; ``tox -e chaos`` tries each five times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.racing_commands import RACES
from tests.conftest import child_environment

TIMES = 5 if "BENCH_KILLS" in os.environ else 1
QUICK = ("same_out", "deleted_store")


@pytest.mark.parametrize("races", [[name] for name in RACES] if TIMES > 1 else [QUICK])
def test_of_commands_at_once_each_ends_well(races: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.racing_commands", str(tmp_path), str(TIMES), *races],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
