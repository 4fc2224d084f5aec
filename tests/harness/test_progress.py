"""The progress of a grid: an overview on a terminal, lines elsewhere, and nothing when it should be quiet."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bench.harness import progress
from bench.harness.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def grid(*, quiet: bool = False, verbose: bool = False) -> Progress:
    plan: Any = SimpleNamespace(
        generators=["lead", "file:some/theirs.jsonl"],
        retrievers=["bm25"],
        config=SimpleNamespace(quiet=quiet, verbose=verbose),
    )
    return Progress(plan)


def make(shown: Progress) -> None:
    with shown:
        shown.start("lead", "summaries")
        shown.done("lead", "summaries", reused=True)
        shown.start("lead", "bm25")
        shown.done("lead", "bm25", reused=False)
        shown.start("theirs", "summaries")
        shown.say("bench: theirs: it broke")
        shown.done("theirs", "summaries", reused=None)


def drawn(shown: Progress) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(shown)
    return out.getvalue()


def test_a_file_or_a_pipe_gets_a_line_for_each_cell(capsys: pytest.CaptureFixture[str]) -> None:
    make(grid())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "bench: 1/4 lead summaries: reused",
        "bench: 2/4 lead bm25: done",
        "bench: theirs: it broke",
        "bench: 4/4 theirs summaries: failed",
    ]


def test_quiet_leaves_only_failures(capsys: pytest.CaptureFixture[str]) -> None:
    make(grid(quiet=True))
    assert capsys.readouterr().err == "bench: theirs: it broke\n"


def test_the_overview_tells_the_state_of_every_cell() -> None:
    shown = grid()
    shown.start("lead", "summaries")
    shown.done("lead", "summaries", reused=True)
    shown.start("lead", "bm25")
    lines = drawn(shown).splitlines()
    assert lines[0].split() == ["summaries", "bm25"]
    assert lines[1].split() == ["lead", "reused", "running"]
    assert lines[2].split() == ["theirs", "waiting", "waiting"]
    assert lines[3] == "1 of 4 cells"


def test_the_time_left_comes_from_cells_that_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 10.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shown = grid()
    assert shown.seconds_left() is None
    for column in ("summaries", "bm25"):
        shown.start("lead", column)
        shown.done("lead", column, reused=False)
    assert shown.seconds_left() == 10 + 30
    assert "2 of 4 cells, about 40 s left" in drawn(shown)


@pytest.mark.parametrize("colourless", [True, False])
def test_a_terminal_gets_the_overview_and_no_colour_is_respected(
    monkeypatch: pytest.MonkeyPatch, colourless: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colourless:
        monkeypatch.setenv("NO_COLOR", "1")
    make(grid())
    text = terminal.getvalue()
    assert "theirs" in text
    assert "bench: theirs: it broke" in text
    assert "1/4" not in text
    assert ("\x1b[36m" in text) is not colourless  # the colour of what was reused
