"""Work that is timed on a device, and the table of it."""

from __future__ import annotations

import csv
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

COLUMNS = (
    "what", "settings", "unit", "per_s", "peer", "peer_per_s", "ratio", "gpu_use_percent",
    "peer_gpu_use_percent", "same", "device", "versions",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One piece of work, timed."""

    seconds: float
    samples: Sequence[tuple[float, int]]
    """When the use of the GPU was read, and the percent; empty without a GPU or without NVML."""
    result: Any

    def gpu_use(self) -> int | str:
        """Average the use of the GPU, in percent; empty where none was read."""
        return round(statistics.fmean(use for _, use in self.samples)) if self.samples else ""


def measure(work: Callable[[], Any], *, gpu: bool) -> Measured:
    """Time some work, and sample the use of the GPU meanwhile."""
    samples: list[tuple[float, int]] = []
    over = threading.Event()

    def sample() -> None:
        while gpu and not over.wait(0.1):
            try:
                samples.append((time.perf_counter(), torch.cuda.utilization()))
            except ModuleNotFoundError:  # nvidia-ml-py, which torch asks
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    start = time.perf_counter()
    result = work()
    if gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    over.set()
    thread.join()
    return Measured(seconds, samples, result)


def row(
    what: str,
    settings: str,
    ours: Measured,
    peer: Measured | None = None,
    name: str = "",
    *,
    unit: str = "videos",
    packages: Sequence[str] = ("torch", "transformers"),
) -> dict[str, Any]:
    """Make a line of the table, of the seconds that a video (``unit``) takes, and print it."""
    made: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
        "what": what,
        "settings": settings,
        "unit": unit,
        "per_s": round(1 / ours.seconds, 1),
        "gpu_use_percent": ours.gpu_use(),
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"{os.cpu_count()} CPUs",
        "versions": " ".join(f"{package}={version(package)}" for package in packages),
    }
    if peer is not None:
        made |= {
            "peer": name,
            "peer_per_s": round(1 / peer.seconds, 1),
            "ratio": round(peer.seconds / ours.seconds, 2),
            "peer_gpu_use_percent": peer.gpu_use(),
        }
    print(*(made[name] for name in COLUMNS), sep=" | ", flush=True)
    return made


def write_table(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the lines measured so far; those of other work that the file has stay behind them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {(row["what"], row["settings"]) for row in rows}
    kept = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            kept = [row for row in csv.DictReader(stream) if (row["what"], row["settings"]) not in measured]
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows([*rows, *kept])
