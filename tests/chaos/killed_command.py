"""Run a command of bench again and again, killed at one change of a file after another; a script of its own.

    python -m tests.chaos.killed_command ROOT POINTS COMMAND...

``ROOT`` is a folder for all that the command writes: ``{root}`` in the command's words is a new folder in it
for each point. ``POINTS`` of all the moments, evenly spread, are tried. Children are forked from a process
that has imported everything, so that a point costs the work of the command alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

import retrievers.bm25.retriever
import retrievers.dpr.retriever  # noqa: F401
from bench.cli.main import main

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
TIMED = (
    "costs.",
    "cost.",
    "cost-",
    "manifest.json",
    "report.html",
    "tables/cost",
    "training/",
    "environment",
)
"""Files that hold times, or digests of files that do."""


def run_child(words: Sequence[str], root: Path, kill_at: int | None) -> tuple[int, int]:
    """Run a command in a child; return its status (9: killed) and the number of changes it made."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 70
        with contextlib.suppress(BaseException):
            status = _work(words, root, kill_at, write)
        os._exit(status)
    os.close(write)
    with os.fdopen(read) as stream:
        events = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, int(events or 0)


def _work(words: Sequence[str], root: Path, kill_at: int | None, pipe: int) -> int:
    root.mkdir(parents=True, exist_ok=True)
    os.environ["BENCH_STORE"] = str(root / "store")
    events = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal events
        mode = arguments[1] if event == "open" else None
        changes = event in CHANGES or (isinstance(mode, str) and bool(set(mode) & set("wxa+")))
        if changes and str(root) in str(arguments[0]):
            events += 1
            if events == kill_at:
                os._exit(9)

    sys.addaudithook(watch)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main([word.replace("{root}", str(root)) for word in words])
    except BaseException:
        traceback.print_exc(file=said)
        status = 71
    os.write(pipe, str(events).encode())
    if status:
        os.write(2, said.getvalue().encode())
    return status


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that must not depend on time, and the names of the others."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: b"" if _is_timed(name) else path.read_bytes() for name, path in sorted(files.items())}


def _is_timed(name: str) -> bool:
    return any(part in name for part in TIMED)


def try_points(root: Path, count: int, words: Sequence[str], say: Callable[[str], object]) -> int:
    """Kill and repeat at ``count`` moments; return the number of moments after which something was wrong."""
    status, changes = run_child(words, root / "whole", None)
    assert status == 0, f"the command ends with {status}"
    expected = contents(root / "whole" / "out")
    points = sorted({1 + round(i * (changes - 1) / max(count - 1, 1)) for i in range(min(count, changes))})
    wrong = 0
    for point in points:
        folder = root / f"killed-{point}"
        killed = run_child(words, folder, point)[0]
        again = run_child(words, folder, None)[0]
        verified = run_child(["store", "verify"], folder, None)[0]
        problems = [
            *([f"was not killed but ended with {killed}"] if killed != 9 else []),
            *([f"repeated, it ends with {again}"] if again else []),
            *([f"the store is damaged ({verified})"] if verified else []),
            *_differences(expected, contents(folder / "out"), folder),
        ]
        wrong += bool(problems)
        for problem in problems:
            say(f"killed at change {point} of {changes}: {problem}")
        shutil.rmtree(folder)
    say(f"{len(points)} of {changes} moments tried, {wrong} wrong")
    return wrong


def _differences(expected: dict[str, bytes], actual: dict[str, bytes], folder: Path) -> list[str]:
    names = sorted(expected.keys() ^ actual.keys())
    other = [name for name in expected.keys() & actual.keys() if expected[name] != actual[name]]
    unfinished = [p for p in (folder / "store").glob("unfinished/*") if p.is_dir() and any(p.iterdir())]
    return [
        *([f"files missing or left over: {', '.join(names)}"] if names else []),
        *([f"other bytes: {', '.join(sorted(other))}"] if other else []),
        *([f"left in the store: {unfinished}"] if unfinished else []),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(1 if try_points(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:], print) else 0)
