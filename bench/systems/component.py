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
from bench.errors import MissingError
from bench.protocols import (
    Covering,
    Describing,
    FitPerGenerator,
    Generator,
    Identified,
    Indexed,
    Remarking,
    Retriever,
    Sized,
    Trainable,
)
from bench.store.code_digest import code_digest
from bench.store.digests import digest
from bench.store.environment import installed_versions
from bench.systems.advice import (
    ask,
    check_label,
    missing_methods,
    report_no_identity,
    report_no_source,
    take_count,
    take_counts,
    take_json,
    take_settings,
    take_texts,
)
from bench.systems.arguments import build
from bench.systems.extras import missing_extra
from bench.systems.given import GivenSystem, is_given, load_given
from bench.systems.registry import (
    FILE_PREFIX,
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
    word: str
    """What it is built from again: its name, ``file:PATH`` or ``module:Class``."""
    loaded: bool = field(default=False)
    """Whether a trainable system has been fitted or loaded in this process."""

    @property
    def label(self) -> str:
        """Name the row or block in the tables."""
        return self.system.label

    @property
    def read(self) -> Mapping[str, Json]:
        """What the system read of its context: options by section, language, seed, device."""
        return cast("Mapping[str, Json]", self.key["read"])

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
        """Describe the system's settings for the signature line. Raises BenchError, as the methods below."""
        if not isinstance(self.system, Describing):
            return {}
        return ask(self.name, self.system, "signature", take_settings, 'texts by name, as {"weights": "a"}')

    def coverage(self) -> dict[str, int]:
        """Count the input that the system's last call could not use in full."""
        if not isinstance(self.system, Covering):
            return {}
        expected = 'whole numbers from 0 by name, as {"transcripts truncated": 12}'
        return ask(self.name, self.system, "coverage", take_counts, expected)

    def remarks(self) -> list[str]:
        """Collect what readers of the system's scores must know, such as which epoch was selected."""
        if not isinstance(self.system, Remarking):
            return []
        return ask(self.name, self.system, "remarks", take_texts, 'a list of texts, as ["epoch 3 of 9"]')

    def parameters(self) -> int | None:
        """Count the parameters; None for a system that does not report them."""
        return self._count("parameters") if isinstance(self.system, Sized) else None

    def index_bytes(self) -> int | None:
        """Measure the corpus indexed last; None for a system that does not report it."""
        return self._count("index_bytes") if isinstance(self.system, Indexed) else None

    def _count(self, method: str) -> int | None:
        expected = "a whole number from 0 to 2^63-1, or None"
        return ask(self.name, self.system, method, lambda n: n if n is None else take_count(n), expected)


def make_generator(name: str, context: Context) -> Component[Generator]:
    """Build the generator of a name, or of ``file:PATH``; raises BenchError."""
    if name.startswith(FILE_PREFIX):
        from bench.systems.file_summaries import FileSummaries

        summaries = FileSummaries(Path(name.removeprefix(FILE_PREFIX)))
        source = _Source(name, "bench.systems.file_summaries:FileSummaries")
        return _add_key(cell_name(name), summaries, context, source)
    return cast("Component[Generator]", _build_component("generators", name, context, Generator))


def make_retriever(name: str, context: Context) -> Component[Retriever]:
    """Build the retriever of a name; raises BenchError."""
    return cast("Component[Retriever]", _build_component("retrievers", name, context, Retriever))


@dataclass(frozen=True, eq=False)
class _Source:
    """Where a system comes from: its word, ``module:attribute``, and who registers or gives it."""

    word: str
    factory: str
    point: EntryPoint | None = None
    given: GivenSystem | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether the system is none of ours."""
        return self.given is not None or is_plug_in(self.point)

    def versions(self, module: str) -> dict[str, str]:
        """Look up the versions of all that a system of a module computes with."""
        declared = {*declared_packages(self.factory.partition(":")[0]), *declared_packages(module)}
        names = {*declared, *packages_of_plug_in(self.point)}
        given = self.given.versions() if self.given else {}
        return {**installed_versions(["numpy", *sorted(names)]), **given}

    def code(self, module: str) -> list[str]:
        """Digest the code of the factory, and that of a system of a module."""
        factory = self.given.code() if self.given else code_digest(self.factory.partition(":")[0])
        return [factory, code_digest(module)]


def _build_component(group: str, word: str, context: Context, protocol: type) -> Component[Any]:
    kind, name = group.rstrip("s"), cell_name(word)
    given = load_given(group, word) if is_given(word) else None
    factory = given.value if given else load(group, word)
    try:
        system = factory if given and given.is_object else build(factory, context, name)
    except ImportError as error:
        if extra := missing_extra(group, name, error):
            raise extra from error
        raise MissingError(f"{kind} '{name}' needs a package that is missing: {error}.") from error
    if given and given.is_object:
        context.use_everything()  # whoever constructed it may have used any option
    if not isinstance(system, protocol):
        raise missing_methods(kind, name, system, protocol)
    check_label(kind, name, cast("Generator | Retriever", system))
    _accept_old_names(name, system)
    if given:
        module = f"{given.module}:{word.rpartition(':')[2]}"
        return _add_key(name, system, context, _Source(word, module, given=given))
    point = entries(group)[word]
    return _add_key(name, system, context, _Source(word, point.value, point))


def _add_key(name: str, system: Any, context: Context, source: _Source) -> Component[Any]:
    """Compute the key; two factories may build one class in two ways, so that they are part of it.

    What a plug-in without ``identity`` makes is not reused by another process: it may read files that nobody
    here knows of. Nor is that of an object whose code is in no file; and where it is not known what such an
    object was constructed with, not even the next run of this process reuses it.
    """
    module, given = type(system).__module__, source.given
    identity: dict[str, Json] = {}
    if isinstance(system, Identified):
        identity = ask(
            name, system, "identity", take_json, 'values of JSON by name, as {"weights": "sha256"}'
        )
    key: dict[str, Json] = {
        "factory": source.factory,
        "system": f"{module}:{type(system).__qualname__}",
        "read": context.freeze(),
        "identity": identity,
        "code": digest(source.code(module)),
        "versions": source.versions(module),
    }
    if source.is_foreign and not isinstance(system, Identified):
        key |= {"process": context.process, "object": given.number if given else 0}
        report_no_identity(name, type(system).__qualname__)
    elif given and not given.has_source:
        key |= {"process": context.process, "object": given.number}
        report_no_source(name, type(system).__qualname__)
    if isinstance(system, Trainable):
        key["threads"] = context.threads
    return Component(name, system, context, key, source.word)


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
