"""What an engine does for a run: it fills the store, and the grid reads what it needs from there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, Self

from bench.harness.plan import Plan
from bench.protocols import Generator, Retriever
from bench.systems.component import Component

Components = Sequence[Component[Any]]


class Engine(AbstractContextManager["Engine"], Protocol):
    """Makes artefacts of a grid ahead of it, in other processes; the store is the only result.

    The grid goes on in its order and makes what it does not find, so that an engine decides where and when
    something is made and never what. Both methods raise what the work raised.
    """

    def __enter__(self) -> Self:
        """Start the work."""
        ...

    def wait(self, component: Component[Any]) -> bool:
        """Wait until a system is fitted, and a generator has summarized; return whether it was made now."""
        ...

    def wait_for_run(self, generator: Component[Generator], retriever: Component[Retriever]) -> bool:
        """Wait for the run of a cell; return whether it was made now."""
        ...


def make_engine(plan: Plan, generators: Components, retrievers: Components, posts: Path | None) -> Engine:
    """Build the engine that ``--engine`` names; local workers write their training steps into ``posts``."""
    if plan.config.engine == "ray":
        from bench.harness.engines.ray_cluster import RayCluster

        return RayCluster(plan, generators, retrievers)
    from bench.harness.engines.local import Workers

    return Workers(plan, generators, retrievers, posts)
