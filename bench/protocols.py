"""The interfaces of generators and retrievers: what a plug-in must implement, and what it may add.

A plug-in needs no base class. It is a class (or a function that returns an object) that takes nothing,
or a `context` (`bench.context.Context`) and arguments that can be set, and has the methods of `Generator` or
`Retriever`. Every other protocol here is optional: the harness finds out with ``isinstance`` whether a
system implements it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeGuard, runtime_checkable

from bench.types import Json, QueryId, Run, Video, VideoId


@runtime_checkable
class Generator(Protocol):
    """Writes a query-like summary for each video. ``label`` is the name of its row in the tables."""

    label: str

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write a summary (it may be empty) for every video; the videos carry no references."""


@runtime_checkable
class Retriever(Protocol):
    """Searches summaries with queries. ``label`` is the name of its block in the tables."""

    label: str

    def index(self, summaries: Mapping[VideoId, str]) -> None:
        """Index the corpus, replacing what was indexed before."""

    def search(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Rank the ``k`` best documents of each query, from the corpus indexed last.

        `Run.from_hits` and `Run.from_arrays` put documents in the one order that scores assume.
        """


@runtime_checkable
class Trainable(Protocol):
    """A generator or retriever that is fitted on the training split before it is used.

    The harness fits it once for each combination of code, options and data, and keeps the model in the store.
    """

    def fit(self, train: Sequence[Video], val: Sequence[Video]) -> None:
        """Train on ``train``, keep what is best on ``val``; ``references`` of the videos are the targets."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing empty folder; no pickle.

        A ``training.jsonl`` there, with lines ``{"step": int, name: number, …}``, is plotted in the report.
        """

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote."""


@runtime_checkable
class IgnoresValidation(Protocol):
    """A trainable system that does not read the validation videos it is given."""

    ignores_validation: bool
    """Whether nothing of the system is selected on validation videos, so that evaluating on them is fair."""


@runtime_checkable
class FitPerGenerator(Trainable, Protocol):
    """A retriever that is fitted anew for each generator, on its summaries of the training videos.

    For each generator the harness builds a new retriever and calls `use_summaries` before `fit` or `load`.
    """

    per_generator: str
    """Why it is, for messages: an option such as ``name.key=value``; empty if it is not."""

    def use_summaries(self, summaries: Mapping[VideoId, str]) -> None:
        """Take the generator's summaries of the training and validation videos.

        Their digest becomes part of the key of the model.
        """


@runtime_checkable
class FittedWithout(Protocol):
    """A trainable system with options that decide nothing of what it learns, such as those of its search.

    When one of them changes, the harness uses the fitted model again.
    """

    def sections_after_fit(self) -> Sequence[str]:
        """Name the sections of these options."""


@runtime_checkable
class Identified(Protocol):
    """A system whose output depends on more than its code, data, options, seed and language."""

    def identity(self) -> Mapping[str, Json]:
        """Name what else decides the output, such as digests of weights: part of every artefact's key."""


@runtime_checkable
class Covering(Protocol):
    """A system that counts the input it could not use in full."""

    def coverage(self) -> Mapping[str, int]:
        """Count by name what the last call could not use, such as ``{"transcripts truncated": 12}``."""


@runtime_checkable
class Remarking(Protocol):
    """A system of which readers of scores must know more than counts, such as which epoch was selected."""

    def remarks(self) -> Sequence[str]:
        """List short clauses for the coverage line, once the system is fitted or loaded."""


@runtime_checkable
class MeasuringLoss(Protocol):
    """A generator that can say how improbable it finds a text for a video.

    The harness measures with it what the generator makes of its inputs: by how much the loss rises when a
    video's transcript, or its frames, are those of another video (``modality.csv``).
    """

    reads: Sequence[str]
    """The inputs that it has: ``text``, ``frames``, or both."""

    def reference_losses(self, videos: Sequence[Video]) -> Sequence[float]:
        """Compute -log p per token, in nats, of each video's references together: what it should write.

        The references are not an input. Called once the generator is fitted or loaded.
        """


@runtime_checkable
class Describing(Protocol):
    """A system with settings that readers need beside its scores."""

    def signature(self) -> Mapping[str, str]:
        """Describe the system in short ``key: value`` pairs for the signature line (analyzer, weights)."""


@runtime_checkable
class Sized(Protocol):
    """A system that reports its number of parameters in the cost table."""

    def parameters(self) -> int:
        """Count the parameters, trained or loaded."""


@runtime_checkable
class Indexed(Protocol):
    """A retriever that reports the size of its index in the cost table."""

    def index_bytes(self) -> int:
        """Measure the corpus indexed last, in bytes."""


@runtime_checkable
class Caching(Protocol):
    """A retriever with caches, which are switched off while it is timed."""

    def uncached(self) -> AbstractContextManager[None]:
        """Open a context within which nothing is taken from a cache."""


@runtime_checkable
class Divisible(Protocol):
    """A generator whose videos can be summarized in parts, by several processes (``run.shards``)."""

    def divide(self, videos: Sequence[Video], count: int) -> Sequence[Sequence[Video]]:
        """Divide videos into at most ``count`` parts, called once the system is fitted or loaded.

        What `Generator.summarize` writes for the parts must be, to the byte, what it writes for all at once:
        a model's batches must stay whole.
        """


@runtime_checkable
class Encoding(Protocol):
    """A retriever by vectors: a document's score depends on its own text and on the query alone.

    So a corpus may be searched in parts (``run.shards``): the best of all parts are the best of the whole.
    """

    def encode(self, summaries: Mapping[VideoId, str], queries: Mapping[QueryId, str]) -> None:
        """Compute the vectors that `Retriever.index` and `Retriever.search` need, and store them.

        A vector must not depend on the other texts.
        """


@runtime_checkable
class Approximating(Protocol):
    """A retriever whose search may miss documents that comparing everything would find.

    The harness measures with it how many are missed, and prints that beside the scores.
    """

    @property
    def approximation(self) -> str:
        """How it searches, such as ``hnsw(m=32,ef_search=128)``; empty where it misses nothing."""

    def search_exactly(self, queries: Mapping[QueryId, str], k: int) -> Run:
        """Rank the ``k`` best documents of each query as `Retriever.search` would if it missed none."""


@runtime_checkable
class Explaining(Protocol):
    """A retriever that says why it finds a summary or does not, for ``bench explain``."""

    def explain(self, query: str, text: str) -> Sequence[str]:
        """Explain a match by short facts such as ``matched: red, scarf``; called without an index."""


@runtime_checkable
class ExplainingGenerator(Protocol):
    """A generator that shows what its summary is based on, for ``bench explain``."""

    def explain(self, video: Video) -> Mapping[str, Json]:
        """Explain what the system used from a video; the video carries its references, to compare with."""


@runtime_checkable
class ReferenceRow(Protocol):
    """A generator that is a reference point, not a competitor (``transcript``, ``oracle``)."""

    reference_row: bool
    """Whether the row is shown below the others and never marked best or second, nor tested."""


@runtime_checkable
class ReadsReferences(Protocol):
    """A generator that is given the queries when it summarizes (``oracle``)."""

    reads_references: bool
    """Whether the videos passed to `Generator.summarize` carry their references."""


@runtime_checkable
class HoldsOneSplit(Protocol):
    """A generator that has summaries of the evaluated videos only (``file:PATH``)."""

    holds_one_split: bool
    """Whether it cannot summarize training videos, so that no retriever can be fitted on its summaries."""


def is_fitted_per_generator(retriever: object) -> TypeGuard[FitPerGenerator]:
    """Check whether a retriever is fitted anew for each generator."""
    return isinstance(retriever, FitPerGenerator) and bool(retriever.per_generator)


def is_approximate(retriever: object) -> TypeGuard[Approximating]:
    """Check whether a retriever's search may miss documents."""
    return isinstance(retriever, Approximating) and bool(retriever.approximation)


def is_reference(system: object) -> bool:
    """Check whether a row is a reference point that is never marked best or second."""
    return isinstance(system, ReferenceRow) and bool(system.reference_row)


def reads_references(generator: Generator) -> bool:
    """Check whether a generator is given the queries when it summarizes."""
    return isinstance(generator, ReadsReferences) and bool(generator.reads_references)


def ignores_validation(system: object) -> bool:
    """Check whether a system was fitted without the validation videos."""
    return isinstance(system, IgnoresValidation) and bool(system.ignores_validation)


def holds_one_split(generator: Generator) -> bool:
    """Check whether a generator has summaries of the evaluated videos only."""
    return isinstance(generator, HoldsOneSplit) and bool(generator.holds_one_split)


_RENAMED = {"Following": "FitPerGenerator", "follows": "is_fitted_per_generator"}
"""Names of version 0.1, which plug-ins may still import until version 0.3."""


def __getattr__(name: str) -> Any:
    if name not in _RENAMED:
        raise AttributeError(f"module 'bench.protocols' has no attribute '{name}'")
    message = f"bench.protocols.{name} is now {_RENAMED[name]}; the old name goes with version 0.3"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return globals()[_RENAMED[name]]
