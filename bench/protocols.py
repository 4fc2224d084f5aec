"""The verbs: what a generator and a retriever must do, and what they may tell besides.

A plug-in needs no base class. It is a class (or a function returning an object) that takes either
nothing or one `bench.context.Context`, and has the methods of `Generator` or `Retriever`. The other
protocols here are optional: the harness asks with ``isinstance`` and uses what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from bench.types import Json, QueryId, Run, Video, VideoId


@runtime_checkable
class Generator(Protocol):
    """Write a query-like summary for each video. ``label`` is the row's name in the tables."""

    label: str

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Return a summary (it may be empty) for every video, without reading references."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Search summaries with queries. ``label`` is the block's name in the tables."""

    label: str

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the corpus, replacing what was indexed before."""
        ...

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Return the ``k`` best documents of each query, over the corpus indexed last."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """Learn from the training split, keep the best on validation, save and load a folder."""

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train; ``references`` of the videos are the targets."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing empty folder; no pickle.

        A ``training.jsonl`` there, lines of ``{"step": int, name: number, …}``, is shown on the page.
        """
        ...

    def load(self, folder: Path) -> None:
        """Become what was saved in the folder."""
        ...


@runtime_checkable
class Following(Trainable, Protocol):
    """Be fitted for each generator anew, on what it writes for the videos that are learnt from.

    The harness makes a new retriever for each generator and lets it `follow` before it is fitted or loaded.
    """

    follows: str
    """What makes this one do so, for messages: an option such as ``name.key=value``; empty if it does not."""

    def follow(self, summaries: Mapping[VideoId, str]) -> None:
        """Take the generator's summaries of the training and the validation videos.

        Their digest becomes part of the key of the model.
        """
        ...


@runtime_checkable
class Identified(Protocol):
    """Tell what decides the output besides code, data, options, seed and language."""

    def identity(self) -> Mapping[str, Json]:
        """Return for example the digests of weights; it becomes part of every artefact's key."""
        ...


@runtime_checkable
class Covering(Protocol):
    """Count what the last call could not take in whole."""

    def coverage(self) -> Mapping[str, int]:
        """Return counts by name, such as ``{"transcripts truncated": 12}``."""
        ...


@runtime_checkable
class Describing(Protocol):
    """Tell the settings a reader needs beside the scores."""

    def signature(self) -> Mapping[str, str]:
        """Return short ``key: value`` pairs for the signature line (analyzer, k1, weights)."""
        ...


@runtime_checkable
class Sized(Protocol):
    """Count trained or loaded parameters, for the cost table."""

    def parameters(self) -> int:
        """Return the number of parameters."""
        ...


@runtime_checkable
class Indexed(Protocol):
    """Measure the index, for the cost table."""

    def index_bytes(self) -> int:
        """Return the size in bytes of the corpus indexed last."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """Tell why a retriever finds a summary or does not, for ``bench explain``; nothing need be indexed."""

    def explain(self, query: str, text: str) -> Sequence[str]:
        """Return short facts such as ``matched: red, scarf`` or ``similarity 0.731``."""
        ...


@runtime_checkable
class Caching(Protocol):
    """Switch own caches off, so that what is timed is the work."""

    def uncached(self) -> AbstractContextManager[None]:
        """Return a block within which nothing is taken from a cache."""
        ...


@runtime_checkable
class ExplainingGenerator(Protocol):
    """Show why a summary is what it is, for ``bench explain``."""

    def explain(self, video: Video) -> Mapping[str, Json]:
        """Return what the system saw in a video and made of it; the references are to compare with."""
        ...


def reads_references(generator: Generator) -> bool:
    """Tell whether a generator is given the queries when it summarizes (only ``oracle`` is)."""
    return bool(getattr(generator, "reads_references", False))


def holds_one_split(generator: Generator) -> bool:
    """Tell whether a generator has summaries of the evaluated videos alone (only ``file:PATH`` does)."""
    return bool(getattr(generator, "holds_one_split", False))


def follows(retriever: Retriever) -> bool:
    """Tell whether a retriever is fitted for each generator anew."""
    return isinstance(retriever, Following) and bool(retriever.follows)


def is_reference(system: object) -> bool:
    """Tell whether a row is there to read the others against: it is never marked best or second."""
    return bool(getattr(system, "reference_row", False))
