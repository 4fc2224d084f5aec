"""Progress of a grid on stderr: a live overview on a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bench.harness.posts import read_posts
from bench.summary.sentences import format_duration
from bench.systems.registry import cell_name
from bench.text import printable
from bench.training_steps import TrainingStep, receive_steps

if TYPE_CHECKING:
    from bench.harness.plan import Plan

SUMMARIES = "summaries"
TESTS, TABLES, PAGE_STEP = "tests", "tables", "page"
STEPS = (TESTS, TABLES, PAGE_STEP)
"""The work after the last cell."""
WAITING, RUNNING, MADE, REUSED, FAILED = "waiting", "running", "done", "reused", "failed"
STYLES = {WAITING: "dim", RUNNING: "bold", MADE: "green", REUSED: "cyan", FAILED: "bold red"}


class Progress:
    """Follow the cells of a grid: a row for each generator, a column for its summaries and each retriever.

    The overview is drawn only on a terminal (its colours follow ``NO_COLOR``), with the training steps of
    this process and of workers, which write them into ``posts``; it stays when the run has ended. A file or a
    pipe gets a line with its duration for each finished cell and step.
    """

    def __init__(self, plan: Plan) -> None:
        self._rows = [cell_name(name) for name in plan.generators]
        self._columns = [SUMMARIES, *map(cell_name, plan.retrievers)]
        self._states = {(row, column): WAITING for row in self._rows for column in self._columns}
        self._steps = dict.fromkeys(STEPS, WAITING)
        self._times: dict[str, list[float]] = {}
        self._trainings: dict[str, _Training] = {}
        self._current = ""
        self._began = self._started = time.monotonic()
        self._quiet = plan.config.quiet
        self._verbose = plan.config.verbose
        self._live: Any = None
        self._open = ExitStack()
        self.posts: Path | None = None
        """Where workers post their training steps; None where no overview is shown."""

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.posts = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            self._open.enter_context(receive_steps(self._take_step))
            # the overview steers the terminal: it goes past the filter of the command line
            console = Console(file=getattr(sys.stderr, "terminal", sys.stderr))
            self._live = Live(self, console=console, refresh_per_second=2, redirect_stdout=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finish_step()
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._open.close()

    def start(self, generator: str, column: str) -> None:
        """Note that a cell is being made."""
        self._states[generator, column] = RUNNING
        self._current = generator if column == SUMMARIES else column
        self._started = time.monotonic()

    def done(self, generator: str, column: str, reused: bool | None) -> None:
        """Note that a cell is finished; ``reused`` is None for one that failed."""
        state = FAILED if reused is None else REUSED if reused else MADE
        self._states[generator, column] = state
        self._trainings.pop(self._current, None)
        seconds = time.monotonic() - self._started
        if state == MADE:
            self._times.setdefault(column, []).append(seconds)
        if state == FAILED and column == SUMMARIES:
            self._states |= {(generator, other): FAILED for other in self._columns}
        self._report(f"{generator} {column}", state, seconds)

    def step(self, step: str, *, reused: bool = False) -> None:
        """Note that a step after the cells begins, or that the store has it; the one before is finished."""
        self._finish_step()
        self._steps[step] = REUSED if reused else RUNNING
        self._started = time.monotonic()
        if reused:
            self._report(step, REUSED, 0.0)

    def _finish_step(self) -> None:
        for name, state in self._steps.items():
            if state == RUNNING:
                self._steps[name] = MADE
                self._report(name, MADE, time.monotonic() - self._started)

    def _report(self, what: str, state: str, seconds: float) -> None:
        if self._quiet or (self._live is not None and not self._verbose):
            return
        spent = f" in {format_duration(seconds)}" if state == MADE else ""
        left = self._left() if self._live is None else ""
        self.say(f"bench: {self._finished()}/{self._total()} {what}: {state}{spent}{left}")

    def say(self, line: str) -> None:
        """Print a line above the overview, or alone where there is none."""
        if self._live is not None:
            self._live.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)

    def seconds_left(self) -> float | None:
        """Estimate from the cells that were made and the steps of trainings; None before either is known."""
        trainings = [
            left for one in list(self._trainings.values()) if (left := one.seconds_left()) is not None
        ]
        spent = [seconds for times in self._times.values() for seconds in times]
        if not spent and not trainings:
            return None
        training = {*self._trainings}
        waiting = [
            column
            for (row, column), state in self._states.items()
            if state in (WAITING, RUNNING) and not (column == SUMMARIES and row in training)
        ]
        means = {column: sum(times) / len(times) for column, times in self._times.items()}
        usual = sum(spent) / len(spent) if spent else 0.0
        return sum(means.get(column, usual) for column in waiting) + max(trainings, default=0.0)

    def __rich__(self) -> Any:
        """Draw the overview as it is now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if self.posts is not None:
            self._take_posts(read_posts(self.posts))
        table = Table("", *self._columns, box=None, pad_edge=False)
        for row in self._rows:
            table.add_row(Text(printable(row)), *(self._cell(row, column) for column in self._columns))
        others = [
            Text(f"{name}: {training.to_text()}", style="bold")
            for name, training in list(self._trainings.items())
            if name not in self._rows
        ]
        return Group(table, *others, Text(self._summary()))

    def _cell(self, row: str, column: str) -> Any:
        from rich.text import Text

        state = self._states[row, column]
        training = self._trainings.get(row) if column == SUMMARIES else None
        if training is not None and state in (WAITING, RUNNING):
            return Text(training.to_text(), style=STYLES[RUNNING])
        return Text(state, style=STYLES[state])

    def _take_step(self, step: TrainingStep) -> None:
        """Note a step of a training in this process."""
        self._trainings.setdefault(self._current, _Training()).take(step)

    def _take_posts(self, posts: Mapping[str, TrainingStep]) -> None:
        for name in list(self._trainings):  # the other thread may change it meanwhile
            if name not in posts and name != self._current:
                self._trainings.pop(name, None)
        for name, step in posts.items():
            self._trainings.setdefault(name, _Training()).take(step)

    def _summary(self) -> str:
        done = f"{self._finished()} of {self._total()} steps"
        running = [name for name, state in self._steps.items() if state == RUNNING]
        if self._finished() == self._total():
            return f"{done} in {format_duration(time.monotonic() - self._began)}"
        doing = f" ({running[0]})" if running else ""
        return f"{done}{doing}{self._left() or ', estimating the time left'}"

    def _left(self) -> str:
        cells = any(state in (WAITING, RUNNING) for state in self._states.values())
        left = self.seconds_left() if cells else None
        return "" if left is None else f", about {format_duration(left)} left"

    def _finished(self) -> int:
        return sum(
            state not in (WAITING, RUNNING) for state in (*self._states.values(), *self._steps.values())
        )

    def _total(self) -> int:
        return len(self._states) + len(self._steps)


class _Training:
    """A training that goes on: its last step, and how fast it is since the first that was seen."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._last = TrainingStep(0, 0)
        self._seen = 0.0

    def take(self, step: TrainingStep) -> None:
        """Note a step; another training of the same system, such as after pretraining, begins anew."""
        if step == self._last:
            return
        self._seen = time.monotonic()
        if self._first is None or step.steps != self._last.steps or step.step < self._last.step:
            self._first = step.step, self._seen
        self._last = step

    def seconds_left(self) -> float | None:
        """Extrapolate the steps so far; None before the second."""
        if self._first is None or self._last.step <= self._first[0]:
            return None
        pace = (self._seen - self._first[1]) / (self._last.step - self._first[0])
        return pace * (self._last.steps - self._last.step)

    def to_text(self) -> str:
        """Format how far a training is, such as ``training 43/200, 4 min left``."""
        if not self._last.steps:
            return "starting"
        left = self.seconds_left()
        known = "" if left is None else f", {format_duration(left)} left"
        return f"training {self._last.step}/{self._last.steps}{known}"
