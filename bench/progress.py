"""Progress of a grid on stderr: a bar on a terminal, plain lines on request, never in the tables."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from bench.plan import Plan


class Progress:
    """Count finished cells: a bar when stderr is a terminal, a line per cell with ``--verbose``."""

    def __init__(self, plan: Plan) -> None:
        self._total = len(plan.generators) * (1 + len(plan.retrievers))
        self._verbose = plan.config.verbose
        self._quiet = plan.config.quiet
        self._bar: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, unit="cell", file=sys.stderr, leave=False, dynamic_ncols=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def done(self, cell: str, what: str, reused: bool | None) -> None:
        """Count a cell; ``reused`` is None for one that failed."""
        state = "failed" if reused is None else "reused" if reused else "made"
        if self._bar is not None:
            self._bar.set_description(f"{cell} {what}")
            self._bar.update()
        if self._verbose:
            self.say(f"bench: {cell}: {what} {state}")

    def say(self, line: str) -> None:
        """Print a line without breaking the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(line, file=sys.stderr)
