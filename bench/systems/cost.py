"""The seconds and the memory of a piece of work, and the load beside it, for the cost table."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SHORTEST = 0.2
"""Seconds of all processors below which the system's clock is too coarse for a share."""


@dataclass
class Cost:
    """What a piece of work took: wall-clock seconds and the peak resident memory of the process in MB."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    added_mb: float | None = None
    """The peak less what was resident before; None where the system does not tell the peak of the block."""


@contextlib.contextmanager
def measure_cost() -> Iterator[Cost]:
    """Yield a `Cost` that is filled in when the block ends.

    On Linux the peak is that of the block (the kernel's mark is reset first); elsewhere it is that
    of the process so far, and 0 where the system does not report it.
    """
    gc.collect(1)  # a full collection takes longer than a small cell; `fit_system` makes one
    _return_free_memory()
    before = _status_mb("VmRSS") if _reset_peak() else None
    cost = Cost()
    started = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = round(time.perf_counter() - started, 4)
        peak = _peak_mb()
        cost.peak_mb = round(peak, 1)
        cost.added_mb = None if before is None else round(max(peak - before, 0.0), 1)


@dataclass
class OtherWork:
    """The share of the processors' time that other processes took; None where it was too short to measure."""

    share: float | None = None


@contextlib.contextmanager
def measure_other_work() -> Iterator[OtherWork]:
    """Yield an `OtherWork` that is filled in when the block ends: near 0, its times are undisturbed."""
    import psutil

    other = OtherWork()
    before, own = psutil.cpu_times(), time.process_time()
    yield other
    after = psutil.cpu_times()
    total = sum(after) - sum(before)
    idle = sum(getattr(after, name, 0.0) - getattr(before, name, 0.0) for name in ("idle", "iowait"))
    if total >= _SHORTEST:
        busy = total - idle - (time.process_time() - own)
        other.share = round(min(max(busy / total, 0.0), 1.0), 2)


def _return_free_memory() -> None:
    """Give what was freed back to the system, or the block would use it again and seem to need nothing."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # a function of glibc alone
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> bool:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def _status_mb(name: str) -> float | None:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
    return None


def _peak_mb() -> float:
    if (peak := _status_mb("VmHWM")) is not None:
        return peak
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
