"""Run a command of bench again and again, killed at one change of a file after another; a script of its own.

    python -m tests.chaos.killed_command [--cold] ROOT POINTS COMMAND [COMMAND ...]

``ROOT`` is a folder for all that the commands write: ``{root}`` in a command's words is a new folder in it
for each point. The last command is killed; what the ones before it wrote is copied for each point.
``POINTS`` of all the moments, evenly spread, are tried. Children are forked from a process that has
run all commands once, so that a point costs no imports; they end by SIGKILL. With ``--cold`` that process
has imported the retrievers alone: Vega's runtime does not survive a fork. The last line printed is
``N of M moments tried: A with other bytes, B not recovered, C with leftovers``.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from tests.chaos.children import start, warm_up

TIMED = (
    "costs.",
    ".record.json",
    "cost.",
    "cost-",
    "manifest.json",
    "report.html",
    "tables/cost",
    "training/",
    "environment",
)
"""Files that hold times, or digests of files that do."""
OTHER_BYTES, NOT_RECOVERED, LEFTOVERS = "with other bytes", "not recovered", "with leftovers"


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that must not depend on time, and the names of the others."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: b"" if _is_timed(name) else path.read_bytes() for name, path in sorted(files.items())}


def _is_timed(name: str) -> bool:
    return any(part in name for part in TIMED)


def try_points(root: Path, count: int, commands: Sequence[str]) -> int:
    """Kill and repeat at ``count`` moments; return the number of moments after which something was wrong."""
    prepared, command = root / "prepared", commands[-1]
    before = start(commands[:-1], prepared).wait()
    assert before.status == 0, before.printed
    shutil.copytree(prepared, root / "whole")
    whole = start([command], root / "whole").wait()
    assert whole.status == 0, whole.printed
    changes = whole.changes
    expected = contents(root / "whole" / "out")
    tried = min(count, changes)
    points = [1 + round(i * (changes - 1) / max(tried - 1, 1)) for i in range(tried)]
    wrong: Counter[str] = Counter()
    for point in points:
        folder = root / f"killed-{point}"
        shutil.copytree(prepared, folder)
        problems = list(_try_point(folder, command, point, expected))
        wrong.update({kind for kind, _ in problems})
        for _, problem in problems:
            print(f"killed at change {point} of {changes}: {problem}", flush=True)
        shutil.rmtree(folder)
    counts = ", ".join(f"{wrong[kind]} {kind}" for kind in (OTHER_BYTES, NOT_RECOVERED, LEFTOVERS))
    print(f"{len(points)} of {changes} moments tried: {counts}", flush=True)
    return wrong.total()


def _try_point(
    folder: Path, command: str, point: int, expected: dict[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Kill a command at one change, repeat it, and yield what is wrong then: its kind, and the details."""
    killed = start([command], folder, point, lambda: os.kill(os.getpid(), signal.SIGKILL)).wait()
    if killed.status != -signal.SIGKILL:
        yield NOT_RECOVERED, f"was not killed but ended with {killed.status}"
    again = start([command, "store verify"], folder).wait()
    if again.status:
        yield NOT_RECOVERED, f"repeated, or verified, it ends with {again.status}: {again.printed}"
    actual = contents(folder / "out")
    if missing := expected.keys() - actual.keys():
        yield NOT_RECOVERED, f"files are missing: {', '.join(sorted(missing))}"
    other = [name for name in expected.keys() & actual.keys() if expected[name] != actual[name]]
    if other:
        yield OTHER_BYTES, f"other bytes: {', '.join(sorted(other))}"
    if left := [*sorted(actual.keys() - expected.keys()), *_unfinished(folder)]:
        yield LEFTOVERS, f"left over: {', '.join(map(str, left))}"


def _unfinished(folder: Path) -> list[Path]:
    """List what is left beside ``out`` and in the store: temporary names, and work that nobody continues."""
    scratch = [path for path in (folder / "store" / "unfinished").glob("*") if any(path.iterdir())]
    return [*scratch, *folder.glob(".*"), *folder.glob("store/*/.*")]


if __name__ == "__main__":
    torch.set_num_threads(1)
    cold = sys.argv[1] == "--cold"
    place, moments, *all_commands = sys.argv[1 + cold :]
    if not cold:
        warm_up(Path(place) / "warm", all_commands)
    sys.exit(1 if try_points(Path(place), int(moments), all_commands) else 0)
