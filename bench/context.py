"""What a component is built with; it notes what the component read, for the key of its artefacts."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.errors import UsageError
from bench.options import Section
from bench.types import Json

if TYPE_CHECKING:
    from bench.store import Store

S = TypeVar("S", bound=Section)
_GPU_DEVICES = ("nvidia*", "kfd", "dxg")  # NVIDIA's driver, AMD's, Windows' in Linux


class Context:
    """Give a component the language, seed, device and options of a run.

    Reading ``language``, ``seed``, ``device`` or a section of options is noted, and what was noted
    is part of the key of everything the component makes: an option that is read cannot be
    forgotten in a cache key. ``seal`` ends the reading, before the key is computed. ``store``,
    ``scratch`` and ``quiet`` may be read at any time: they must not change what is made.
    """

    def __init__(
        self,
        *,
        language: str = "en",
        seed: int = 0,
        device: str = "cpu",
        sections: Mapping[str, Section] | None = None,
        store: Store | None = None,
        quiet: bool = True,
    ) -> None:
        self._language = language
        self._seed = seed
        self._device = device
        self._sections = dict(sections or {})
        self._store = store
        self._used: dict[str, Json] = {}
        self._sealed = False
        self.scratch: Path | None = None
        """A folder that outlives a kill, for checkpoints in the middle of training; None outside a run."""
        self.quiet = quiet

    @property
    def language(self) -> str:
        """Return the dataset's language, ``en`` or ``zh``."""
        self._note("language", self._language)
        return self._language

    @property
    def seed(self) -> int:
        """Return the seed of the run."""
        self._note("seed", self._seed)
        return self._seed

    @property
    def device(self) -> str:
        """Return the torch device, ``cpu`` or ``cuda[:n]``; only its kind enters the key.

        ``auto`` is decided at the first reading: a GPU when torch sees one.
        """
        if self._device == "auto":
            self._device = "cuda" if _has_gpu() else "cpu"
        self._note("device", self._device.partition(":")[0])
        return self._device

    def options(self, kind: type[S]) -> S:
        """Return the section of the given class, with the user's values; defaults outside a run."""
        section = self._sections.get(kind.section, None) or kind()
        if not isinstance(section, kind):
            raise UsageError(
                f"options section '{kind.section}' is {type(section).__name__}, not {kind.__name__}."
            )
        self._note(f"options.{kind.section}", dataclasses.asdict(section))
        return section

    @property
    def store(self) -> Store:
        """Return the store, for artefacts that several components share."""
        from bench.store import Store, default_root

        if self._store is None:
            self._store = Store(default_root())
        return self._store

    def use_everything(self) -> None:
        """Note all there is: for a component that never reads its context."""
        for section in self._sections.values():
            self.options(type(section))
        _ = self.language, self.seed, self.device

    def seal(self) -> dict[str, Json]:
        """Return what was read, and refuse to hand out anything new from now on."""
        self._sealed = True
        return dict(self._used)

    def _note(self, name: str, value: Json) -> None:
        if self._sealed and name not in self._used:
            raise AssertionError(f"{name} was first read after the key was made: read it in __init__")
        self._used[name] = value


def _has_gpu() -> bool:
    """Ask torch only where the system shows a GPU at all: importing it takes seconds."""
    if sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in _GPU_DEVICES):
        return False
    import torch

    return bool(torch.cuda.is_available())
