"""Retrievers that are fitted for one generator, on what it writes for the videos that are learnt from."""

from __future__ import annotations

from typing import cast

from bench.choices import Split
from bench.errors import MissingError
from bench.harness.plan import Plan
from bench.harness.stages.summarize import Summarize
from bench.protocols import FitPerGenerator, Generator, Retriever, holds_one_split, is_fitted_per_generator
from bench.systems.component import Component, make_retriever
from bench.types import VideoId

LEARNT_FROM: tuple[Split, ...] = ("train", "val")


def for_generator(
    plan: Plan, retriever: Component[Retriever], generator: Component[Generator], *, write: bool
) -> Component[Retriever]:
    """Prepare the retriever for a generator's summaries: itself, or a new one fitted to that generator.

    A new one for each generator: none can search with what it learnt from another. Without ``write``
    nothing is made: where training summaries are not in the store it is the retriever itself, of which
    the store holds no model. Raises MissingError for a generator that cannot write them.
    """
    if not is_fitted_per_generator(retriever.system):
        return retriever
    summaries = _training_summaries(plan, retriever, generator, write=write)
    if summaries is None:
        return retriever
    new = make_retriever(retriever.word, plan.context())
    new.use_summaries(summaries)
    return new


def _training_summaries(
    plan: Plan, retriever: Component[Retriever], generator: Component[Generator], *, write: bool
) -> dict[VideoId, str] | None:
    """Collect what the generator wrote for training and validation videos; None if something is missing."""
    if holds_one_split(generator.system):
        why = cast("FitPerGenerator", retriever.system).per_generator
        raise MissingError(
            f"{retriever.name} learns from what a generator writes for the training videos ({why}), but "
            f"'{generator.name}' holds summaries of the evaluated videos only. Name a generator that can "
            f"write them, or leave out {why}."
        )
    texts: dict[VideoId, str] = {}
    for split in LEARNT_FROM:
        if not plan.dataset.split(split):
            continue
        stage = Summarize(plan, generator, split)
        summaries = stage.get() if write else stage.find()
        if summaries is None:
            return None
        texts |= summaries.texts
    return texts
