"""Do the work of cells so that one that fails does not stop the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from bench.errors import BenchError, UsageError, error_of_system
from bench.harness.progress import Progress
from bench.harness.writer import Record

T = TypeVar("T")


class Attempts:
    """Tell a cell's failure at once, keep it in the record, and go on; wrong use ends the run."""

    def __init__(self, record: Record, progress: Progress, *, verbose: bool) -> None:
        self._record, self._progress, self._verbose = record, progress, verbose
        self.failures: list[BenchError] = []

    def __call__(self, cell: str, work: Callable[[], T]) -> T | None:
        """Return what the work returns, None when it failed. Raises UsageError."""
        try:
            return work()
        except UsageError:
            raise
        except BenchError as error:
            failure = error
        except Exception as error:  # a plug-in may fail in any way
            if self._verbose:
                traceback.print_exc()
            failure = error_of_system(error) or BenchError(
                f"{cell} failed: {type(error).__name__}: {error}. See the traceback with --verbose."
            )
            failure.__cause__ = error
        self.failures.append(failure)
        self._record.failed(cell, str(failure))
        self._progress.say(f"bench: {cell}: {failure}")
        return None
