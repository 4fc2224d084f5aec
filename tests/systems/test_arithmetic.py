"""The bytes of a trained system do not depend on the threads and the instructions of the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import bench
from bench.context import Context
from bench.store.artefacts import Store
from bench.systems.arithmetic import INSTRUCTIONS, WAITING, limit_threads
from bench.systems.component import Component
from bench.systems.fitting import fit_system
from bench.types import Video
from tests.tiny import Tiny


def test_a_block_computes_with_its_own_number_of_threads() -> None:
    before = torch.get_num_threads()
    with limit_threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_a_system_is_fitted_with_the_threads_of_its_key(tmp_path: Path) -> None:
    """However many the process has: workers side by side have one, a system trained alone all of them."""
    system = ThreadCounter()
    component: Component[Any] = Component("counter", system, Context(threads=3), {}, "counter")
    with limit_threads(1):
        fit_system(Store(tmp_path), component, {}, ([], []), tmp_path)
    assert system.threads == 3


def test_another_number_of_threads_is_another_system(tiny: Tiny, tmp_path: Path) -> None:
    for threads in (1, 2):
        bench.run(
            data=tiny.folder, generators="seq2seq", retrievers="bm25", out=tmp_path / f"out-{threads}",
            store=tmp_path / "store", threads=threads, set={"train.epochs": 1}, device="cpu", quiet=True,
        )  # fmt: skip
    assert len(list((tmp_path / "store" / "models").rglob("*.safetensors"))) == 2


@pytest.mark.parametrize("users", [{}, {"ATEN_CPU_CAPABILITY": "default"}])
def test_a_run_computes_with_instructions_that_every_processor_has(
    users: dict[str, str], tiny: Tiny, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code = (
        "import bench, os\n"
        f"bench.run(data={str(tiny.folder)!r}, out={str(out)!r}, generators='lead', retrievers='bm25', "
        "quiet=True)\n"
        "import torch\n"
        "print(torch.backends.cpu.get_cpu_capability())"
    )
    environment = {k: v for k, v in os.environ.items() if k not in INSTRUCTIONS} | users
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    capability = done.stdout.split()[-1]
    assert capability == ("DEFAULT" if users else "AVX2")
    assert json.loads((out / "manifest.json").read_text())["machine"]["instructions"] == capability.lower()


@pytest.mark.parametrize("users", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_threads_sleep_while_they_wait_for_one_another(users: dict[str, str], tiny: Tiny) -> None:
    code = (
        "import bench\n"
        f"bench.run(data={str(tiny.folder)!r}, generators='lead', retrievers='bm25', quiet=True)\n"
        "import torch"
    )
    environment = {k: v for k, v in os.environ.items() if k not in WAITING} | users
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny.folder.parent, capture_output=True, text=True, check=True,
        env={**environment, "OMP_DISPLAY_ENV": "true"},
    )  # fmt: skip
    assert f"OMP_WAIT_POLICY = '{users.get('OMP_WAIT_POLICY', 'PASSIVE')}'" in done.stderr


class ThreadCounter:
    """A trainable system that notes with how many threads it is fitted."""

    label = "Counter"
    threads = 0

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        self.threads = torch.get_num_threads()

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...
