"""Same numbers on every processor: which instructions and how many threads compute a system.

A sum of floats depends on the order of its terms, so on the width of the vector instructions and on the
number of threads among which a matrix product is split. A training carries a difference in the last bit on
until whole points of a score differ. Other settings that torch reads when it starts, and what it cannot start
without, are here too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench.errors import MissingError

INSTRUCTIONS = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""What PyTorch, MKL and oneDNN read when they are first used: the instructions that all current x86-64
processors have, also where the processor has wider ones."""
WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait for one another sleep. By default they try again and again, on a core that other work may
need: two threads on two cores, one of them busy, took five times as long for a matrix product."""
ATTENTION = {"TORCH_CUDNN_SDPA_DEPRIORITIZED": "1"}
"""On a Hopper GPU, PyTorch prefers the attention of cuDNN, which is prepared anew for each shape of a batch,
in a tenth of a second or more; most batches here have lengths of their own."""
SETTINGS = INSTRUCTIONS | WAITING | ATTENTION


def configure_torch() -> None:
    """Let torch compute with AVX2 alone, its threads sleep while they wait, and a GPU not wait for cuDNN.

    In child processes, too. A variable that the user has set stays. It has no effect on a torch that is
    imported already. Raises MissingError without a current folder.
    """
    require_current_folder()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def require_current_folder() -> None:
    """Raise MissingError where the current folder was deleted: MKL and Java end the process then."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise MissingError(
            "the current folder was deleted, and PyTorch and Java cannot start in it. Change to another one."
        ) from None


@contextlib.contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Compute with a number of CPU threads, whatever else runs on the machine."""
    try:
        import torch
    except ModuleNotFoundError:  # what is fitted on the light core computes with one thread anyway
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def instructions() -> str:
    """Name the instructions that torch is limited to, such as ``avx2``; empty where it may choose."""
    return os.environ.get("ATEN_CPU_CAPABILITY", "")
