"""The fixture that measures us beside a peer, and the table of ratios that the session prints and writes."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.store.environment import code_state, machine

RESULTS = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "ratios.csv"
COLUMNS = (
    "what", "ours_cpu_s", "peer", "peer_cpu_s", "ratio", "goal", "ours_wall_s", "peer_wall_s",
    "load", "cores", "commit", "versions",
)  # fmt: skip
"""``ratio`` is the peer's CPU seconds over ours: above 1 we are faster; ``load`` is that of the machine."""
_rows = pytest.StashKey[list[dict[str, Any]]]()

Compare = Callable[..., None]


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Do some work and return its CPU and its wall-clock seconds."""
    cpu, wall = time.process_time(), time.perf_counter()  # CPU: of all threads, user and system
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


@pytest.fixture
def compare(pytestconfig: pytest.Config, benchmark: BenchmarkFixture) -> Compare:
    """Measure two pieces of work in turn, one pair to warm up, and record the least of each.

    Once in a test: pytest-benchmark runs the pairs, and has the row as ``extra_info`` (``--benchmark-json``).
    """

    def measure(
        what: str, ours: Callable[[], Any], peer: Callable[[], Any], *, name: str, goal: float,
        rounds: int = 3, packages: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
        benchmark.pedantic(
            lambda: pairs.append((timed(ours), timed(peer))), rounds=rounds, warmup_rounds=1, iterations=1
        )
        our, their = (
            [min(side) for side in zip(*times, strict=True)] for times in zip(*pairs[-rounds:], strict=True)
        )
        row = {
            "what": what, "ours_cpu_s": round(our[0], 4), "peer": name, "peer_cpu_s": round(their[0], 4),
            "ratio": round(their[0] / max(our[0], 1e-6), 2), "goal": goal, "ours_wall_s": round(our[1], 4),
            "peer_wall_s": round(their[1], 4), "load": round(os.getloadavg()[0], 1),
            "cores": machine()["cores"], "commit": str(code_state()["commit"])[:7],
            "versions": " ".join(f"{package}={version(package)}" for package in ("numpy", *packages)),
        }  # fmt: skip
        benchmark.extra_info.update(row)
        pytestconfig.stash.setdefault(_rows, []).append(row)
        _write(row)  # at once: a session may be stopped

    return measure


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the ratios, and write those that were measured into the table of results."""
    rows = config.stash.get(_rows, [])
    if not rows:
        return
    width = max(len(row["what"]) for row in rows)
    terminalreporter.section("CPU seconds: ours, the peer's, peer / ours (above 1: we are faster), goal")
    for row in rows:
        terminalreporter.write_line(
            f"{row['what']:<{width}}  {row['ours_cpu_s']:>9.3f}  {row['peer_cpu_s']:>9.3f} {row['peer']:<42}"
            f" {row['ratio']:>6.2f}  {row['goal']:g}"
        )
    terminalreporter.write_line(f"written: {RESULTS}")


def _write(row: dict[str, Any]) -> None:
    before = [other for other in _read() if other["what"] != row["what"]] if RESULTS.is_file() else []
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows([*before, row])


def _read() -> Iterator[dict[str, str]]:
    with RESULTS.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
