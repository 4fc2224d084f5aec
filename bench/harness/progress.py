"""Progress of a grid on stderr: a live overview on a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bench.systems.registry import cell_name
from bench.text import printable

if TYPE_CHECKING:
    from bench.harness.plan import Plan

SUMMARIES = "summaries"
WAITING, RUNNING, MADE, REUSED, FAILED = "waiting", "running", "done", "reused", "failed"
STYLES = {WAITING: "dim", RUNNING: "bold", MADE: "green", REUSED: "cyan", FAILED: "bold red"}


class Progress:
    """Follow the cells of a grid: a row for each generator, a column for its summaries and each retriever.

    The overview is drawn only on a terminal (its colours follow ``NO_COLOR``); a file or a pipe gets a
    line for each finished cell.
    """

    def __init__(self, plan: Plan) -> None:
        self._rows = [cell_name(name) for name in plan.generators]
        self._columns = [SUMMARIES, *plan.retrievers]
        self._states = {(row, column): WAITING for row in self._rows for column in self._columns}
        self._times: dict[str, list[float]] = {}
        self._started = 0.0
        self._quiet = plan.config.quiet
        self._verbose = plan.config.verbose
        self._live: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            # the overview steers the terminal: it goes past the filter of the command line
            console = Console(file=getattr(sys.stderr, "terminal", sys.stderr))
            self._live = Live(
                self, console=console, refresh_per_second=2, transient=True, redirect_stdout=False
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def start(self, generator: str, column: str) -> None:
        """Note that a cell is being made."""
        self._states[generator, column] = RUNNING
        self._started = time.monotonic()

    def done(self, generator: str, column: str, reused: bool | None) -> None:
        """Note that a cell is finished; ``reused`` is None for one that failed."""
        state = FAILED if reused is None else REUSED if reused else MADE
        self._states[generator, column] = state
        if state == MADE:
            self._times.setdefault(column, []).append(time.monotonic() - self._started)
        if state == FAILED and column == SUMMARIES:
            self._states |= {(generator, other): FAILED for other in self._columns}
        if not self._quiet and (self._live is None or self._verbose):
            self.say(f"bench: {self._finished()}/{len(self._states)} {generator} {column}: {state}")

    def say(self, line: str) -> None:
        """Print a line above the overview, or on its own."""
        if self._live is not None:
            self._live.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)

    def seconds_left(self) -> float | None:
        """Return an estimate from the cells that were made, None before the first."""
        spent = [seconds for times in self._times.values() for seconds in times]
        if not spent:
            return None
        waiting = [column for (_, column), state in self._states.items() if state in (WAITING, RUNNING)]
        means = {column: sum(times) / len(times) for column, times in self._times.items()}
        return sum(means.get(column, sum(spent) / len(spent)) for column in waiting)

    def __rich__(self) -> Any:
        """Return the overview as it is now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("", *self._columns, box=None, pad_edge=False)
        for row in self._rows:
            states = [self._states[row, column] for column in self._columns]
            table.add_row(Text(printable(row)), *(Text(state, style=STYLES[state]) for state in states))
        return Group(table, Text(self._summary()))

    def _summary(self) -> str:
        left = self.seconds_left()
        known = "" if left is None else f", about {_duration(left)} left"
        return f"{self._finished()} of {len(self._states)} cells{known}"

    def _finished(self) -> int:
        return sum(1 for state in self._states.values() if state not in (WAITING, RUNNING))


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
