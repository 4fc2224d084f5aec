"""Commands of bench in forked children that have everything imported, watched at each change of a file."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import retrievers.bm25.retriever
import retrievers.dpr.retriever  # noqa: F401
from bench.cli.main import main

CHANGES = {
    "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
}  # fmt: skip
Act = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How a child ended: its status (-9: killed), and, of one that was not killed, its changes and output."""

    status: int
    changes: int = 0
    printed: str = ""


@dataclass(frozen=True)
class Child:
    """A child that runs commands."""

    process: int
    results: int

    def wait(self) -> Ended:
        """Wait until it has ended."""
        with os.fdopen(self.results) as stream:
            text = stream.read()
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return Ended(status, **json.loads(text or "{}"))


def start(commands: Sequence[str], root: Path, at: int | None = None, act: Act | None = None) -> Child:
    """Start commands in a child; at change number ``at`` of a file below ``root`` it acts."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        status = 70
        with contextlib.suppress(BaseException):
            os.close(read)
            status = _work(commands, root, write, at, act)
        os._exit(status)
    os.close(write)
    return Child(process, read)


def _work(commands: Sequence[str], root: Path, pipe: int, at: int | None, act: Act | None) -> int:
    root.mkdir(parents=True, exist_ok=True)
    os.environ["BENCH_STORE"] = str(root / "store")
    changes, parent = 0, os.getpid()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal changes
        if _is_change(event, arguments) and _changed_path(event, arguments).startswith(str(root)):
            changes += 1
            if act and changes == at and os.getpid() == parent:
                act()

    sys.addaudithook(watch)
    status, printed = 0, ""
    for command in commands:
        if status == 0:
            status, text = run(command, root)
            printed += text
    with os.fdopen(pipe, "w") as stream:
        json.dump({"changes": changes, "printed": printed}, stream)
    return status


def run(command: str, root: Path) -> tuple[int, str]:
    """Run a command in this process; return its status (71: a traceback) and what it printed."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = main([word.replace("{root}", str(root)) for word in shlex.split(command)])
    except BaseException:
        traceback.print_exc(file=printed)
        status = 71
    return status, printed.getvalue()


def warm_up(root: Path, commands: Sequence[str]) -> None:
    """Run the commands in this process: children find the modules imported and nothing to collect."""
    os.environ["BENCH_STORE"] = str(root / "store")
    for command in commands:
        status, printed = run(command, root)
        assert status == 0, printed
    shutil.rmtree(root)
    gc.collect()
    gc.freeze()


def _is_change(event: str, arguments: tuple[object, ...]) -> bool:
    if event != "open":
        return event in CHANGES
    _, mode, flags = arguments
    if isinstance(mode, str):
        return bool(set(mode) & set("wxa+"))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _changed_path(event: str, arguments: tuple[object, ...]) -> str:
    """Find the path of an event; `shutil.rmtree` removes names relative to an open folder."""
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
    folder = arguments[1] if event in ("os.remove", "os.rmdir") else -1
    if isinstance(folder, int) and folder >= 0:
        return str(Path(f"/proc/self/fd/{folder}").readlink() / path)
    return path
