"""A stage of a run: something made once for its key and read from the store ever after."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from bench.store.artefacts import Artefact, Store
from bench.types import Json

T = TypeVar("T")

__cache_neutral__ = True


class Stage(ABC, Generic[T]):
    """Base of what turns videos into summaries, summaries into runs, and runs into scores.

    A subclass says what decides the bytes (`key`), makes them in a folder (`make`) and reads them
    back (`read`); `find` and `get` are the same for all.
    """

    kind: ClassVar[str]
    """The kind of artefact; a folder of the store."""

    def __init__(self, store: Store, *, newer_than: int = 0) -> None:
        self.store = store
        self._newer_than = newer_than
        """An artefact that was made before, in ns since 1970, is made again."""

    @abstractmethod
    def key(self) -> Mapping[str, Json]:
        """Collect everything that decides what is made: the artefact's key."""

    @abstractmethod
    def make(self, folder: Path) -> Mapping[str, Json]:
        """Make the artefact's files in an empty folder, and return what is recorded beside them."""

    @abstractmethod
    def read(self, artefact: Artefact) -> T:
        """Read back what a finished artefact holds."""

    @cached_property
    def _key(self) -> Mapping[str, Json]:
        return self.key()

    def exists(self) -> bool:
        """Check whether the store holds the artefact of this stage, so that nothing needs to be computed."""
        return self._find() is not None

    def find(self) -> T | None:
        """Read the result of this stage from the store; None when it has not been made yet."""
        artefact = self._find()
        return None if artefact is None else self.read(artefact)

    def get(self) -> T:
        """Read the result of this stage from the store, computed first where it is missing or too old."""
        made = self.store.fetch(self.kind, self._key, self.make, newer_than=self._newer_than)
        return self.read(made)

    def _find(self) -> Artefact | None:
        return self.store.find(self.kind, self._key, newer_than=self._newer_than)
