"""Retrievers inside a retriever: built by name, sharing the models of their rows; sums of rankings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.context import Context
from bench.errors import UsageError
from bench.options import plain_number, split_list
from bench.protocols import Retriever
from bench.store.digests import videos_digest
from bench.systems.component import Component, make_retriever
from bench.systems.fitting import fitted_model, model_key
from bench.systems.registry import resolve
from bench.types import Video

Member: TypeAlias = Component[Retriever]
Method: TypeAlias = Literal["rrf", "sum"]
Scores: TypeAlias = npt.NDArray[np.floating]

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""

LARGEST_WEIGHT = 1_000_000


def parse_weights(text: str) -> tuple[float, ...]:
    """Parse the factors of rankings that are summed: comma-separated, from 0 to `LARGEST_WEIGHT`, not all 0.

    Raises ValueError.
    """
    weights = tuple(float(plain_number(word)) for word in text.split(","))
    if not any(weights) or not all(0 <= weight <= LARGEST_WEIGHT for weight in weights):
        raise ValueError(text)
    return weights


def build_member(context: Context, name: str) -> Member:
    """Build a retriever inside another one; its ``key`` belongs into the identity of the outer one."""
    return make_retriever(name, context.copy_unread())


def build_members(context: Context, names: str, *, outer: str) -> list[Member]:
    """Build the retrievers of ``names`` (comma-separated names, globs, groups).

    Each is as `build_member` builds it; ``outer`` is the name of the outer one. Raises UsageError for unknown
    names, for fewer than two, and for a retriever in itself.
    """
    members = resolve("retrievers", split_list(names))
    if outer in members or len(members) < 2:
        raise UsageError(
            f"option {outer}.retrievers={names!r}: two or more other retrievers are needed, "
            "as in 'bench list retrievers'."
        )
    return [build_member(context, name) for name in members]


def fit_members(
    context: Context, members: Sequence[Member], train: Sequence[Video], val: Sequence[Video]
) -> None:
    """Fit the trainable members, or load the models of their rows from the store."""
    digests = videos_digest(train), videos_digest(val)
    for member in members:
        if member.trainable:
            fitted_model(context.store, member, model_key(member, *digests), lambda: (train, val))


def contributions(scores: Scores, method: Method, k: int = RRF_K) -> npt.NDArray[np.float64]:
    """Compute what each document adds to its sum: rows ``[q, m]`` are best first, -inf is no document.

    ``rrf``: 1 / (k + rank); documents of equal score share the best of their ranks, so that they stay tied.
    ``sum``: the score, scaled to 0 for the row's lowest and 1 for its highest; 1 where all are equal.
    """
    if method == "rrf":
        return np.where(np.isneginf(scores), 0.0, 1.0 / (k + _shared_ranks(scores)))
    filled = np.where(np.isneginf(scores), np.nan, scores.astype(np.float64))
    rows = ~np.isnan(filled).all(axis=1)
    low, span = np.zeros((len(scores), 1)), np.ones((len(scores), 1))
    low[rows, 0] = np.nanmin(filled[rows], axis=1) if filled.size else 0.0
    span[rows, 0] = np.nanmax(filled[rows], axis=1) - low[rows, 0] if filled.size else 1.0
    scaled = np.where(span > 0, (filled - low) / np.where(span > 0, span, 1.0), 1.0)
    return np.where(np.isnan(filled), 0.0, scaled)


def _shared_ranks(scores: Scores) -> npt.NDArray[np.int64]:
    """Rank rows ``[q, m]`` that are best first, from 1; equal scores share the best of their ranks."""
    places = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    first = np.ones(scores.shape, dtype=np.bool_)
    first[:, 1:] = scores[:, 1:] != scores[:, :-1]
    return np.maximum.accumulate(np.where(first, places, 0), axis=1) + 1
