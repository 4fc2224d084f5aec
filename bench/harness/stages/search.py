"""A corpus, or a part of one, searched to a depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness.plan import Plan
from bench.harness.stages import ranking
from bench.harness.stages.fit import ensure_fitted, learnt_key
from bench.harness.stages.ranking import order_run
from bench.harness.stages.stage import Stage, T
from bench.measures.limits import deepest_cut
from bench.metrics.definitions import CUTOFFS, DEPTH
from bench.protocols import Retriever
from bench.store.artefacts import Artefact
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.systems.component import Component
from bench.types import Json, QueryId, Run, VideoId


class SearchStage(Stage[T]):
    """Base of what a retriever makes of a corpus and the queries: the key is the same for all of it."""

    def __init__(self, plan: Plan, component: Component[Retriever], documents: Mapping[VideoId, str]) -> None:
        super().__init__(plan.store, newer_than=plan.newer_than(component.name))
        self._plan, self._component, self._documents = plan, component, documents
        self._queries = plan.evaluation.queries

    def key(self) -> dict[str, Json]:
        """Key a run by the retriever, what it indexes and what it searches for."""
        deepest = deepest_cut(self._plan.config.metrics)
        return {
            "code": code_digest(ranking.__name__),
            "retriever": learnt_key(self._plan, self._component),
            "corpus": digest(list(self._documents.items())),
            "queries": digest(list(self._queries.items())),
            "depth": DEPTH,
            **({"ties_to": deepest} if deepest > max(CUTOFFS) else {}),
        }


@dataclass(frozen=True, slots=True, eq=False)
class PartialRun:
    """The best documents of a part of a corpus for each query, and what the search could not use in full."""

    run: Run
    coverage: Mapping[str, int]
    seconds: float
    reused: bool


class SearchPart(SearchStage[PartialRun]):
    """Search a part of a corpus, for a retriever whose scores do not depend on the other documents."""

    kind = "run-parts"

    def make(self, folder: Path) -> dict[str, Json]:
        """Write the best documents of the part as arrays."""
        ensure_fitted(self._plan, self._component)
        self._component.system.index(self._documents)
        run = search(self._component, self._queries, DEPTH, tuple(self._documents))
        save_run(folder, "run", run)
        return {"coverage": self._component.coverage()}

    def read(self, artefact: Artefact) -> PartialRun:
        """Read the part back from a finished artefact."""
        run = Run(tuple(self._queries), tuple(self._documents), *load_run(artefact.path, "run"))
        return PartialRun(run, artefact.meta["coverage"], artefact.meta["seconds"], artefact.reused)


def divide_corpus(documents: Mapping[VideoId, str], count: int) -> list[dict[VideoId, str]]:
    """Divide documents into ``count`` parts, some of them empty perhaps; equal texts stay together."""
    number = {text: i for i, text in enumerate(dict.fromkeys(documents.values()))}
    parts: list[dict[VideoId, str]] = [{} for _ in range(count)]
    for video_id, text in documents.items():
        parts[number[text] % count][video_id] = text
    return parts


def search(
    component: Component[Retriever], queries: Mapping[QueryId, str], k: int, pool: tuple[VideoId, ...]
) -> Run:
    """Search what was indexed last, and order any retriever's documents by the one rule over the pool."""
    run = component.system.search(dict(queries), k)  # a copy: a plug-in may change what it is given
    return order_run(component.name, run, (tuple(queries), k), pool)


def save_run(folder: Path, name: str, run: Run) -> None:
    """Write the arrays of a run."""
    np.save(folder / f"{name}-hits.npy", run.hits)
    np.save(folder / f"{name}-scores.npy", run.scores)


def load_run(folder: Path, name: str) -> tuple[Any, Any]:
    """Read the arrays that `save_run` wrote: hits and scores."""
    return np.load(folder / f"{name}-hits.npy"), np.load(folder / f"{name}-scores.npy")
