"""The pieces of a run that any process can make, from names alone: each fills the store."""

from __future__ import annotations

import pickle

from bench.errors import BenchError
from bench.harness.plan import Plan
from bench.harness.stages.fit import Fit, ensure_fitted
from bench.harness.stages.follow import for_generator
from bench.harness.stages.modality import measure_modalities
from bench.harness.stages.retrieve import Retrieve
from bench.harness.stages.summarize import Summarize
from bench.protocols import Encoding, Retriever
from bench.systems.component import Component, make_generator, make_retriever


def fit_generator(plan: Plan, name: str) -> None:
    """Fit a generator."""
    Fit(plan, make_generator(name, plan.context())).get()


def fit_retriever(plan: Plan, name: str) -> None:
    """Fit a retriever that all generators share."""
    Fit(plan, make_retriever(name, plan.context())).get()


def summarize(plan: Plan, name: str) -> bool:
    """Write the summaries of a generator, measure what it reads, and return whether they were written now."""
    generator = make_generator(name, plan.context())
    reused = Summarize(plan, generator).get().reused
    measure_modalities(plan, generator, reused=reused)
    return not reused


def summarize_part(plan: Plan, name: str, number: int) -> None:
    """Write the summaries of a part of the videos (``run.shards``); there may be fewer parts than shards."""
    generator = make_generator(name, plan.context())
    ensure_fitted(plan, generator)
    parts = Summarize(plan, generator).parts()
    if number < len(parts):
        parts[number].get()


def fit_follower(plan: Plan, name: str, retriever: str) -> None:
    """Fit a retriever to what a generator writes for the training videos."""
    generator = make_generator(name, plan.context())
    component = make_retriever(retriever, plan.context())
    Fit(plan, for_generator(plan, component, generator, write=not plan.config.no_train)).get()


def encode_queries(plan: Plan, name: str, number: int) -> None:
    """Encode a part of the queries for a retriever that all generators share."""
    retriever = make_retriever(name, plan.context())
    _encode(plan, retriever, {}, number)


def encode_part(plan: Plan, name: str, retriever: str, number: int) -> None:
    """Encode a part of a generator's summaries, and of the queries, for a retriever."""
    component, stage = _run_of(plan, name, retriever)
    _encode(plan, component, stage.divide()[number], number)


def search_part(plan: Plan, name: str, retriever: str, number: int) -> None:
    """Search a part of a generator's summaries."""
    _run_of(plan, name, retriever)[1].parts()[number].get()


def retrieve(plan: Plan, name: str, retriever: str) -> bool:
    """Make the run of a cell, and return whether it was made now."""
    return not _run_of(plan, name, retriever)[1].get().reused


def portable_error(error: Exception) -> Exception:
    """Convert an error so that other processes can unpickle it: without its cause, as its text if need be."""
    if isinstance(error, BenchError):
        kinds: tuple[type, ...] = type(error).__mro__
        kind = next(k for k in kinds if issubclass(k, BenchError) and k.__module__ == BenchError.__module__)
        return kind(str(error))  # a plug-in's subclass may be constructed in another way
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return BenchError(f"{type(error).__name__}: {error}")
    return error


def _run_of(plan: Plan, name: str, retriever: str) -> tuple[Component[Retriever], Retrieve]:
    generator = make_generator(name, plan.context())
    summaries = Summarize(plan, generator).get()
    component = make_retriever(retriever, plan.context())
    component = for_generator(plan, component, generator, write=not plan.config.no_train)
    return component, Retrieve(plan, component, summaries)


def _encode(plan: Plan, retriever: Component[Retriever], documents: dict[str, str], number: int) -> None:
    ensure_fitted(plan, retriever)
    queries = dict(list(plan.evaluation.queries.items())[number :: plan.machine.shards])
    assert isinstance(retriever.system, Encoding)
    retriever.system.encode(documents, queries)
