"""Generators and retrievers built from their names, each with the key of all that decides its output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from bench.context import Context
from bench.errors import BenchError, MissingError
from bench.protocols import (
    Covering,
    Describing,
    FitPerGenerator,
    Generator,
    Identified,
    Remarking,
    Retriever,
    Sized,
    Trainable,
)
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.systems.extras import missing_extra
from bench.systems.registry import (
    FILE_PREFIX,
    build,
    cell_name,
    declared_packages,
    entries,
    is_plug_in,
    load,
    packages_of_plug_in,
)
from bench.types import Json, VideoId

T = TypeVar("T", Generator, Retriever)


@dataclass
class Component(Generic[T]):
    """A generator or retriever under its command-line name; ``key`` decides the bytes of what it makes."""

    name: str
    system: T
    context: Context
    key: Mapping[str, Json]
    loaded: bool = field(default=False)
    """Whether a trainable system has been fitted or loaded in this process."""

    @property
    def label(self) -> str:
        """Name the row or block in the tables."""
        return self.system.label

    @property
    def trainable(self) -> bool:
        """Check whether the system must be fitted before it is used."""
        return isinstance(self.system, Trainable)

    def use_summaries(self, summaries: Mapping[VideoId, str]) -> None:
        """Pass a generator's training summaries to the system; they become part of its key."""
        cast("FitPerGenerator", self.system).use_summaries(summaries)
        self.key = {**self.key, "fitted_on": digest(list(summaries.items()))}
        self.loaded = False

    def signature(self) -> dict[str, str]:
        """Describe the system's settings for the signature line."""
        return dict(self.system.signature()) if isinstance(self.system, Describing) else {}

    def coverage(self) -> dict[str, int]:
        """Count the input that the system's last call could not use in full."""
        return dict(self.system.coverage()) if isinstance(self.system, Covering) else {}

    def remarks(self) -> list[str]:
        """Collect what readers of the system's scores must know, such as which epoch was kept."""
        return list(self.system.remarks()) if isinstance(self.system, Remarking) else []

    def parameters(self) -> int | None:
        """Count the parameters; None for a system that does not report them."""
        return self.system.parameters() if isinstance(self.system, Sized) else None


def make_generator(name: str, context: Context) -> Component[Generator]:
    """Build the generator of a name, or of ``file:PATH``; raises BenchError."""
    if name.startswith(FILE_PREFIX):
        from bench.systems.file_summaries import FileSummaries

        summaries = FileSummaries(Path(name.removeprefix(FILE_PREFIX)))
        return _add_key(cell_name(name), summaries, context, "bench.systems.file_summaries:FileSummaries")
    return cast("Component[Generator]", _build_component("generators", name, context, Generator))


def make_retriever(name: str, context: Context) -> Component[Retriever]:
    """Build the retriever of a name; raises BenchError."""
    return cast("Component[Retriever]", _build_component("retrievers", name, context, Retriever))


def _build_component(group: str, name: str, context: Context, protocol: type) -> Component[Any]:
    kind = group.rstrip("s")
    factory = load(group, name)
    try:
        system = build(factory, context)
    except ImportError as error:
        if extra := missing_extra(group, name, error):
            raise extra from error
        raise MissingError(f"{kind} '{name}' needs a package that is missing: {error}.") from error
    if not isinstance(system, protocol):
        raise BenchError(
            f"{kind} '{name}' is a {type(system).__name__} that lacks the label or a method of "
            f"bench.protocols.{protocol.__name__}; its package must be fixed."
        )
    _accept_old_names(name, system)
    point = entries(group)[name]
    return _add_key(name, system, context, point.value, point)


def _add_key(
    name: str, system: Any, context: Context, factory: str, point: EntryPoint | None = None
) -> Component[Any]:
    """Compute the key. ``factory`` is ``module:attribute``: two of them may build one class in two ways.

    What a plug-in without ``identity`` makes is not reused by another process: it may read files that nobody
    here knows of.
    """
    module = type(system).__module__
    factory_module = factory.partition(":")[0]
    packages = {*declared_packages(factory_module), *declared_packages(module), *packages_of_plug_in(point)}
    key: dict[str, Json] = {
        "factory": factory,
        "system": f"{module}:{type(system).__qualname__}",
        "read": context.freeze(),
        "identity": dict(system.identity()) if isinstance(system, Identified) else {},
        "code": digest([code_digest(factory_module), code_digest(module)]),
        "versions": installed_versions(["numpy", *sorted(packages)]),
    }
    if is_plug_in(point) and not isinstance(system, Identified):
        key["process"] = context.process
        _report_no_identity(name, type(system).__qualname__)
    if isinstance(system, Trainable):
        key["threads"] = context.threads
    return Component(name, system, context, key)


@cache
def _report_no_identity(name: str, kind: str) -> None:
    print(
        f"bench: '{name}': {kind} has no identity(): nothing that it makes is reused by another process, "
        "because a file that it reads may have changed. Add\n"
        "    def identity(self):\n"
        "        return {}  # the digest of each file that decides the output\n"
        "(bench.protocols.Identified).",
        file=sys.stderr,
    )


def _accept_old_names(name: str, system: Any) -> None:
    """Let a retriever that has version 0.1's ``follows`` and ``follow`` work; until version 0.3."""
    if hasattr(system, "per_generator") or not hasattr(system, "follows") or not hasattr(system, "follow"):
        return
    _report_old_names(name, type(system).__qualname__)
    system.per_generator, system.use_summaries = system.follows, system.follow


@cache
def _report_old_names(name: str, kind: str) -> None:
    print(
        f"bench: retriever '{name}': {kind}.follows and follow are now per_generator and use_summaries "
        "(bench.protocols.FitPerGenerator); the old names go with version 0.3.",
        file=sys.stderr,
    )
