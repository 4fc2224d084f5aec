"""Measure whether a generated summary makes a video findable.

Nothing heavy is imported here: `run` imports the harness when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.context import Context
from bench.errors import BenchError, DataError, GateError, MissingError, UsageError
from bench.types import Run, Video

if TYPE_CHECKING:
    from bench.results import Result

__version__ = "0.1.0"
__all__ = [
    "BenchError",
    "Context",
    "DataError",
    "GateError",
    "MissingError",
    "Run",
    "UsageError",
    "Video",
    "run",
]


def run(**options: Any) -> Result:
    """Run the benchmark and return its result.

    Keywords are those of ``bench run`` with underscores (``data``, ``generators``, ``retrievers``,
    ``preset``, ``protocol``, ``query_seed``, ``split``, ``seed``, ``features``, ``out``, ``store``,
    ``set``, ``no_train``, ``device``). Lists may be lists or comma-separated strings. Raises
    BenchError with what is wrong.
    """
    from bench.harness import run as harness_run

    return harness_run(**options)
