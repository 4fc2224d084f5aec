"""The same command again, after a kill, or with another option: what is reused, and the same bytes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Cli, child_environment
from tests.harness.commands import command, tree
from tests.tiny import Tiny


def test_the_same_command_twice_gives_the_same_bytes_and_reuses_every_cell(
    tiny: Tiny, tmp_path: Path, cli: Cli
) -> None:
    once = cli(*command(tiny, tmp_path / "out"))
    before = tree(tmp_path / "out")
    again = cli(*command(tiny, tmp_path / "out"), "--verbose")
    assert (once.status, again.status) == (0, 0)
    assert tree(tmp_path / "out") == before
    assert again.out == once.out
    states = [
        line.rsplit(" ", 1)[1]
        for line in again.err.splitlines()
        if line.startswith("bench: ") and ": everything" not in line
    ]
    assert states[:6] == ["reused"] * 6
    assert "done" not in states


def test_a_plan_says_what_is_reused_and_makes_nothing(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    outcome = cli(*command(tiny, tmp_path / "out", "lead,oracle"), "--dry-run")
    assert outcome.status == 0
    assert plan_of(outcome.out) == {"lead": ["1 s", "1 s"], "oracle": ["1 s", "1 s"]}
    assert "2 CPU cores" in outcome.out  # never run with this store: as recorded with the preset
    assert "without an estimate" not in outcome.out
    assert not (tmp_path / "out").exists()
    assert cli(*command(tiny, tmp_path / "out", "lead")).status == 0
    outcome = cli(*command(tiny, tmp_path / "out", "lead,oracle"), "--dry-run")
    assert plan_of(outcome.out) == {"lead": ["reused", "reused"], "oracle": ["1 s", "1 s"]}
    assert "to do: 2 cells" in outcome.out


def test_a_plan_trains_a_retriever_once_for_all_generators(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    arguments = [*command(tiny, tmp_path / "out", "lead,oracle,transcript"), "--retrievers", "dpr-ft"]
    outcome = cli(*arguments, "--dry-run")
    cells = [stages[-1].partition(", ")[0] for stages in plan_of(outcome.out).values()]
    assert cells == ["train", "trained", "trained"]


def plan_of(text: str) -> dict[str, list[str]]:
    """Return the table of a plan: what it says of each generator's stages."""
    rows = [re.split(r" {2,}", line.strip()) for line in text.split("\n\n")[1].splitlines()]
    assert rows[0][0] == "summaries"
    return {name: cells for name, *cells in rows[1:]}


def kill_when(arguments: list[str], appears: Callable[[], bool], store: Path) -> int:
    """Run a command in a process of its own and kill it as soon as something appears."""
    running = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments], env=child_environment(BENCH_STORE=str(store)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while running.poll() is None and not appears() and time.monotonic() < deadline:
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    return running.wait()


def comparable(out: Path) -> dict[str, bytes]:
    """Return what must not depend on time: everything but costs, their tables and the manifest."""
    kept = (
        "summaries/",
        "runs/",
        "per_",
        "scores.csv",
        "qrels.trec",
        "queries.tsv",
        "tables/generation",
        "tables/retrieval",
    )
    return {name: data for name, data in tree(out).items() if name.startswith(kept)}


def test_killed_in_the_middle_and_repeated_gives_the_same_bytes(
    finished: Path, tmp_path: Path, cli: Cli
) -> None:
    tiny, out, store = Tiny(finished / "tiny"), tmp_path / "out", tmp_path / "store"
    generators = f"lead,transcript,oracle,file:{finished / 'theirs.jsonl'}"
    arguments = command(tiny, out, generators)
    moments = [
        lambda: bool(list(store.glob("retrieval/.*"))),  # in the middle of making a run
        lambda: (out / "runs" / "transcript.bm25.trec").exists(),
    ]
    for moment in moments:
        assert kill_when(arguments, moment, store) == -signal.SIGKILL
    if (out / "manifest.json").exists() and "scores.csv" in tree(out):
        assert cli("table", out).status in (0, 3)  # half-finished, or killed between two files
    assert cli(*arguments, "--store", store).status == 0
    assert comparable(out) == comparable(finished / "out")
    assert set(tree(out)) == set(tree(finished / "out"))


def test_a_killed_run_is_tidied_up_by_the_next(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    cli(*command(tiny, out, "transcript"), "--store", store)
    finished = (out / "manifest.json").read_bytes()
    changed = lambda: (out / "manifest.json").read_bytes() != finished  # noqa: E731
    assert kill_when(command(tiny, out, "lead,oracle"), changed, store) == -signal.SIGKILL
    assert cli(*command(tiny, out, "lead"), "--store", store).status == 0
    assert not [name for name in tree(out) if "transcript" in name or "oracle" in name]


def test_seeds_of_a_killed_run_are_continued(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    arguments = command(tiny, out, "lead", "--seed", "0,1")
    assert kill_when(arguments, lambda: (out / "seed-0" / "report.html").exists(), store) == -signal.SIGKILL
    assert cli(*arguments, "--store", store).status == 0
    assert (out / "scores.csv").is_file()


def test_an_option_changes_the_run_and_not_the_summaries(tiny: Tiny, tmp_path: Path, cli: Cli) -> None:
    one, other, store = tmp_path / "one", tmp_path / "other", tmp_path / "store"
    cli(*command(tiny, one, "transcript"), "--store", store)
    cli(*command(tiny, other, "transcript", "--set", "bm25.b=1.0"), "--store", store)
    runs = [(out / "runs" / "transcript.bm25.trec").read_bytes() for out in (one, other)]
    assert runs[0] != runs[1]
    assert len(list((store / "summaries").iterdir())) == 1
    assert len(list((store / "retrieval").iterdir())) == 2
