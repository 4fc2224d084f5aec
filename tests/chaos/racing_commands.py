"""Commands of bench that run at once, or lose a folder in mid-run; a script of its own.

    python -m tests.chaos.racing_commands ROOT TIMES RACE [RACE ...]

``ROOT`` is a folder for all that is written; each ``RACE`` of `RACES` is repeated ``TIMES`` times, with
other delays or at other moments. Of several that write one output folder, one writes and the others wait;
a command whose store, dataset or output is deleted in mid-run ends well or with a message, and its
repetition gives the bytes of an undisturbed run. The last line printed is ``N races, M wrong``.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from bench.errors import DataError, MissingError
from tests.chaos.children import Ended, run, start, warm_up
from tests.chaos.killed_command import contents
from tests.tiny import write_tiny

RUN = "run --data {root}/tiny --device cpu --quiet --set bm25.engine=bm25s"
LEAD = f"{RUN} --generators lead --retrievers bm25"
OTHERS = f"{RUN} --generators oracle,transcript --retrievers bm25"
GRID = f"{RUN} --generators lead,oracle --retrievers bm25"
DENSE = f"{RUN} --generators lead,oracle --retrievers bm25,dpr-pt"
MISLEADING = ("changed after the run", "Unexpected error", "modified after the run")


def race_same_out(root: Path, turn: int) -> Iterator[str]:
    """Three processes, one output folder, other rows in each."""
    commands = [f"{LEAD} --out {{root}}/out", f"{OTHERS} --out {{root}}/out", f"{LEAD} --out {{root}}/out"]
    yield from _run_at_once(root, commands, turn)
    possible = [_expected(root, command) for command in commands]
    if contents(root / "out") not in possible:
        yield "the output folder is none of the runs"


def race_same_rows(root: Path, turn: int) -> Iterator[str]:
    """Three processes, one output folder, the same rows."""
    commands = [f"{GRID} --out {{root}}/out"] * 3
    yield from _run_at_once(root, commands, turn)
    if contents(root / "out") != _expected(root, commands[0]):
        yield "the output folder has other bytes"


def race_same_store(root: Path, turn: int) -> Iterator[str]:
    """Three processes, an output folder each, one empty store."""
    commands = [f"{DENSE} --out {{root}}/out-{i}" for i in range(3)]
    yield from _run_at_once(root, commands, turn)
    if len({tuple(contents(root / f"out-{i}").items()) for i in range(3)}) > 1:
        yield "the output folders differ"


def race_reader(root: Path, turn: int) -> Iterator[str]:
    """The page of a run is made again while another run writes into its folder."""
    assert run(f"{LEAD} --out {{root}}/out", root)[0] == 0
    writer = start([f"{OTHERS} --out {{root}}/out"], root)
    time.sleep(0.1 * turn)
    reader = start(["report {root}/out"], root).wait()
    yield from _problems([writer.wait()], {0})
    yield from _problems([reader], {0, DataError.exit_status})
    if contents(root / "out") != _expected(root, f"{OTHERS} --out {{root}}/out"):
        yield "the output folder has other bytes"


def race_deleted_store(root: Path, turn: int) -> Iterator[str]:
    """The store is deleted in mid-run."""
    yield from _delete(root, root / "store", turn)


def race_deleted_out(root: Path, turn: int) -> Iterator[str]:
    """The output folder is deleted in mid-run."""
    yield from _delete(root, root / "out", turn)


def race_deleted_data(root: Path, turn: int) -> Iterator[str]:
    """The dataset is deleted in mid-run."""
    yield from _delete(root, root / "tiny", turn)


RACES = {
    race.__name__.removeprefix("race_"): race
    for race in (
        race_same_out, race_same_rows, race_same_store, race_reader, race_deleted_store, race_deleted_out,
        race_deleted_data,
    )
}  # fmt: skip


def _run_at_once(root: Path, commands: list[str], turn: int) -> Iterator[str]:
    children = []
    for command in commands:
        children.append(start([command], root))
        time.sleep(0.05 * turn)
    yield from _problems([child.wait() for child in children], {0})


def _delete(root: Path, folder: Path, turn: int) -> Iterator[str]:
    """Delete a folder in the middle of a run, at a later change of a file each turn; then repeat the run."""
    command = f"{GRID} --out {{root}}/out"
    expected = _expected(root, command)
    disturbed = start(
        [command], root, 7 + 31 * turn, lambda: shutil.rmtree(folder, ignore_errors=True)
    ).wait()
    yield from _problems([disturbed], {0, DataError.exit_status, MissingError.exit_status})
    if not (root / "tiny").exists():
        write_tiny(root / "tiny")
    yield from _problems([start([command], root).wait()], {0})
    if contents(root / "out") != expected:
        yield "repeated, it gives other bytes"


def _problems(ended: list[Ended], allowed: set[int]) -> Iterator[str]:
    for child in ended:
        if child.status not in allowed:
            yield f"status {child.status}: {child.printed[-1000:]}"
        for words in MISLEADING:
            if words in child.printed and child.status in (0, 1):
                yield f"it prints {words!r}: {child.printed[-1000:]}"


def _expected(root: Path, command: str) -> dict[str, bytes]:
    """Return the bytes of the command's output folder in an empty place, undisturbed."""
    place = root / "undisturbed"
    write_tiny(place / "tiny")
    ended = start([command], place).wait()
    assert ended.status == 0, ended.printed
    files = contents(place / "out")
    shutil.rmtree(place)
    return files


def try_race(race: Callable[[Path, int], Iterator[str]], root: Path, turn: int) -> int:
    """Run one race in a new folder and print what is wrong; return whether something is."""
    write_tiny(root / "tiny")
    problems = list(race(root, turn))
    if verified := start(["store verify"], root).wait().status:
        problems.append(f"the store is damaged ({verified})")
    problems += [f"left over: {path}" for path in [*root.glob("store/*/.*"), *root.glob(".*")]]
    for problem in problems:
        print(f"{race.__name__}, turn {turn}: {problem}", flush=True)
    shutil.rmtree(root)
    return bool(problems)


def main(root: Path, times: int, names: list[str]) -> int:
    """Try the named races, and return the number of those that went wrong."""
    torch.set_num_threads(1)
    write_tiny(root / "warm" / "tiny")
    warm_up(root / "warm", [f"{LEAD} --out {{root}}/out"])
    wrong = 0
    for name in names:
        of_this = sum(try_race(RACES[name], root / f"{name}-{turn}", turn) for turn in range(times))
        print(f"{name}: {times} races, {of_this} wrong", flush=True)
        wrong += of_this
    print(f"{times * len(names)} races, {wrong} wrong", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]) else 0)
