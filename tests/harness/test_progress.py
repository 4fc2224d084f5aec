"""The progress of a grid: an overview on a terminal, lines elsewhere, and nothing when it should be quiet."""

import io
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bench.harness import progress
from bench.harness.posts import post_of, read_posts
from bench.harness.progress import Progress
from bench.training_steps import TrainingStep, post_step


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
        shown.step("tests")
        shown.step("page")


def drawn(shown: Progress) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(shown)
    return out.getvalue()


def test_a_file_or_a_pipe_gets_a_line_for_each_cell(capsys: pytest.CaptureFixture[str]) -> None:
    make(grid())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "bench: 1/7 lead summaries: reused",
        "bench: 2/7 lead bm25: done in 1 s, about 1 s left",
        "bench: theirs: it broke",
        "bench: 4/7 theirs summaries: failed",
        "bench: 5/7 tests: done in 1 s",
        "bench: 6/7 page: done in 1 s",
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
    assert lines[3] == "1 of 7 steps, estimating the time left"


def test_the_time_left_comes_from_cells_that_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 10.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shown = grid()
    assert shown.seconds_left() is None
    for column in ("summaries", "bm25"):
        shown.start("lead", column)
        shown.done("lead", column, reused=False)
    assert shown.seconds_left() == 10 + 30
    assert "2 of 7 steps, about 40 s left" in drawn(shown)


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
    assert "1/7" not in text
    assert "6 of 7 steps" in text  # the last overview stays
    assert ("\x1b[36m" in text) is not colourless  # the colour of what was reused


def test_a_training_in_this_process_is_shown_with_its_steps_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with grid() as shown:
        shown.start("lead", "summaries")
        for step in (1, 2, 3):
            post_step(step, 200)
        assert "lead    training 3/200, 33 min left  waiting" in drawn(shown)
        assert "about 33 min left" in drawn(shown)
        shown.done("lead", "summaries", reused=False)
        shown.start("lead", "bm25")
        post_step(1, 20)
        assert "bm25: training 1/20" in drawn(shown)


def test_every_system_that_a_worker_is_on_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with grid() as shown, ExitStack() as work:
        assert shown.posts is not None
        work.enter_context(post_of(shown.posts, "theirs"))
        assert "theirs  starting   waiting" in drawn(shown)
        with post_of(shown.posts, "dpr-ft"):
            (shown.posts / "dpr-ft.json").write_text("[43, 200, 0.5]")
            assert "dpr-ft: training 43/200" in drawn(shown)
        assert "dpr-ft" not in drawn(shown)


def test_posts_are_written_by_each_training_step(tmp_path: Path) -> None:
    with post_of(tmp_path, "qms"):
        assert read_posts(tmp_path) == {"qms": TrainingStep(0, 0)}
        time.sleep(0.6)
        post_step(5, 10, 1.5)
        post_step(6, 10, 1.6)  # too soon after the last
        assert read_posts(tmp_path) == {"qms": TrainingStep(5, 10, 1.5)}
    assert read_posts(tmp_path) == {}
