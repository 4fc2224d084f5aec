"""The seconds and the peak memory of a piece of work, for the cost table."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cost:
    """What a piece of work took: wall-clock seconds and the peak resident memory of the process in MB."""

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextlib.contextmanager
def measure_cost() -> Iterator[Cost]:
    """Yield a `Cost` that is filled in when the block ends.

    On Linux the peak is that of the block (the kernel's mark is reset first); elsewhere it is that
    of the process so far, and 0 where the system does not report it.
    """
    gc.collect(1)  # a full collection takes longer than a small cell; `fit_system` makes one
    _reset_peak()
    cost = Cost()
    started = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = round(time.perf_counter() - started, 4)
        cost.peak_mb = round(_peak_mb(), 1)


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
