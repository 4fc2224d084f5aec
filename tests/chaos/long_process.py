"""Runs again and again in one process: what grows; a script of its own.

    python -m tests.chaos.long_process RUNS [bm25s|lucene]

Each run has a store and an output folder of its own, so that all of it is computed. Prints a line for each:
resident memory in MB, Java's heap in MB after a collection, open handles, threads (those of Java, too), and
temporary folders. The heap after a collection must not grow (5.3 to 5.9 MB in 40 runs). Resident memory grows
by about 110 MB, once: Java fills the youngest part of its heap before it first collects (900 indexes: 135 MB,
after 50 of them 247, at the end 278).
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shutil
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil

from bench.cli.main import main
from retrievers.bm25.java_machine import java
from tests.tiny import write_tiny


@dataclass(frozen=True)
class Usage:
    """What the process holds."""

    megabytes: float
    java_megabytes: float
    handles: int
    threads: int
    folders: int


def measure() -> Usage:
    """Measure this process, after a collection of what is no longer used."""
    gc.collect()
    process = psutil.Process()
    folders = sum(path.is_dir() for path in Path(tempfile.gettempdir()).iterdir())
    java, resident = java_heap() / 1e6, process.memory_info().rss / 1e6
    return Usage(resident, java, process.num_fds(), process.num_threads(), folders)


def java_heap() -> int:
    """Return the bytes that Java holds after a collection: 0 before it is started."""
    import jnius_config

    if not jnius_config.vm_running:
        return 0
    runtime = java()("java.lang.Runtime").getRuntime()
    runtime.gc()
    return int(runtime.totalMemory() - runtime.freeMemory())


def run_repeatedly(folder: Path, runs: int, engine: str) -> list[Usage]:
    """Run lead and oracle with BM25 on the tiny dataset; return the usage after each run."""
    data = write_tiny(folder / "tiny").folder
    usages = []
    for i in range(runs):
        place = folder / f"run-{i}"
        words = [
            "run", "--data", data, "--generators", "lead,oracle", "--retrievers", "bm25", "--device", "cpu",
            "--set", f"bm25.engine={engine}", "--out", place / "out", "--store", place / "store", "--quiet",
        ]  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            status = main([str(word) for word in words])
        assert status == 0
        shutil.rmtree(place)
        usages.append(measure())
    return usages


if __name__ == "__main__":
    os.environ.setdefault("BENCH_STORE", tempfile.mkdtemp())
    with tempfile.TemporaryDirectory() as name:
        curve = run_repeatedly(Path(name), int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "bm25s")
    print("run  RSS MB  Java MB  handles  threads  temporary folders")
    for number, usage in enumerate(curve, 1):
        print("{:3}  {:6.0f}  {:7.2f}  {:7}  {:7}  {:17}".format(number, *astuple(usage)))
