"""Measure whether a generated summary makes a video findable.

Importing this package imports nothing heavy; each name below is imported when it is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.config.option import keywords_of
from bench.config.run_config import RunConfig

if TYPE_CHECKING:
    from bench.context import Context
    from bench.errors import BenchError, DataError, GateError, MissingError, UsageError
    from bench.foreign.functions import check, compare, evaluate
    from bench.foreign.functions import open_result as open
    from bench.inference.summarize import Written
    from bench.options import Section
    from bench.protocols import Generator, Retriever, Trainable
    from bench.result import Result
    from bench.types import Run, Video

__cache_neutral__ = True

__version__ = "0.1.0"
__all__ = [
    "BenchError",
    "Context",
    "DataError",
    "GateError",
    "Generator",
    "MissingError",
    "Result",
    "Retriever",
    "Run",
    "Section",
    "Trainable",
    "UsageError",
    "Video",
    "check",
    "compare",
    "evaluate",
    "open",
    "run",
    "summarize",
]

_HOMES = {
    "Context": "bench.context",
    "Generator": "bench.protocols",
    "Result": "bench.result",
    "Retriever": "bench.protocols",
    "Run": "bench.types",
    "Section": "bench.options",
    "Trainable": "bench.protocols",
    "Video": "bench.types",
}
"""The module of each class that is no error."""
_FUNCTIONS = {"check": "check", "compare": "compare", "evaluate": "evaluate", "open": "open_result"}
"""The functions beside `run`, and what they are called in `bench.foreign.functions`."""


@keywords_of(RunConfig)
def run(**options: Any) -> Result:
    """Run the benchmark and return its result.

    Lists may be lists or comma-separated strings; ``set`` is a mapping or a list of ``key=value``. What
    is not given comes from ``config``, the preset, or its default. Raises BenchError with what is wrong;
    when single cells fail, the others are written first.
    """
    from bench.harness.experiment import run as harness_run

    return harness_run(**options)


def summarize(
    generator: str | Generator | Callable[..., Generator], videos: str | Path, out: str | Path, **options: Any
) -> Written:
    """Let a generator write its summary of each new video, any number of them, into a file.

    It is fitted as by `run` with the same ``options`` (``data``, ``seed``, ``set``, …), or taken from the
    store. ``videos`` is a file of JSON lines with ``id`` and ``transcript``, or a folder with
    ``videos.jsonl``, ``features/`` and ``frames/``; ``out`` gets JSON lines with ``video_id`` and
    ``summary``, block by block: after a kill, the same call continues. Raises BenchError.
    """
    from bench.inference.summarize import summarize as write_summaries

    return write_summaries(generator, videos, out, **options)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module("bench.foreign.functions"), _FUNCTIONS[name])
    return getattr(importlib.import_module(_HOMES.get(name, "bench.errors")), name)
