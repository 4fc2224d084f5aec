"""Retrievers inside a retriever: built from their names, sharing the models of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from bench.context import Context
from bench.errors import UsageError
from bench.protocols import Retriever
from bench.store.digests import videos_digest
from bench.systems.component import Component, make_retriever
from bench.systems.fitting import fitted_model, model_key
from bench.systems.registry import resolve
from bench.types import Video

Member: TypeAlias = Component[Retriever]


def build_members(context: Context, names: str, *, outer: str) -> list[Member]:
    """Build the retrievers of ``names`` (comma-separated names, globs, groups).

    Each has its separate context; its ``key`` belongs into the identity of the outer one, named
    ``outer``. Raises UsageError for unknown names, for fewer than two, and for a retriever inside itself.
    """
    words = [word.strip() for word in names.split(",") if word.strip()]
    members = resolve("retrievers", words)
    if outer in members or len(members) < 2:
        raise UsageError(
            f"option {outer}.retrievers={names!r}: two or more other retrievers are needed, "
            "as in 'bench list retrievers'."
        )
    return [make_retriever(name, context.copy_unread()) for name in members]


def fit_members(
    context: Context, members: Sequence[Member], train: Sequence[Video], val: Sequence[Video]
) -> None:
    """Fit the trainable members, or load the models of their rows from the store."""
    digests = videos_digest(train), videos_digest(val)
    for member in members:
        if member.trainable:
            fitted_model(context.store, member, model_key(member, *digests), lambda: (train, val))
