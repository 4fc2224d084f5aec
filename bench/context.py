"""What a component is built with; it notes what the component read, for the key of its artefacts."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import MissingError, UsageError, counted
from bench.options import Arguments, Section
from bench.types import Json

if TYPE_CHECKING:
    from bench.store.artefacts import Store

__cache_neutral__ = True

S = TypeVar("S", bound=Section)
_GPU_DEVICES = ("nvidia*", "kfd", "dxg")  # NVIDIA's driver, AMD's, Windows' in Linux


class Context:
    """What a component is built with: the language, seed, device and options of a run.

    Reading ``language``, ``seed``, ``device`` or a section of options is noted, and what was noted
    is part of the key of everything the component makes: an option that is read cannot be
    forgotten in a cache key. ``freeze`` ends the reading, before the key is computed. ``store``,
    ``scratch``, ``quiet``, ``audit_cache`` and ``allow_network`` may be read at any time: they must not
    change what is made.
    """

    def __init__(
        self,
        *,
        language: str = "en",
        seed: int = 0,
        device: str = "cpu",
        threads: int = 1,
        process: int = 0,
        processes: int = 1,
        sections: Mapping[str, Section] | None = None,
        store: Store | None = None,
        quiet: bool = True,
        audit_cache: bool = False,
        allow_network: bool = False,
    ) -> None:
        self._language = language
        self._seed = seed
        self._device = device
        self.process = process
        """What distinguishes this process; in the key of systems that do not declare what they depend on."""
        self.threads = threads
        """CPU threads that a trained system is fitted and used with; part of its key."""
        self._processes = processes
        self._sections = dict(sections or {})
        self._store = store
        self._used: dict[str, Json] = {}
        self._frozen = False
        self.scratch: Path | None = None
        """A folder that outlives a kill, for checkpoints in the middle of training; None outside a run."""
        self.quiet = quiet
        self.audit_cache = audit_cache
        """Whether a sample of what is read from a cache is to be computed again and compared."""
        self.allow_network = allow_network
        """Whether data of the run may be sent to an endpoint (``--allow-network``). Downloading weights by
        hub id sends none and needs no permission."""

    @property
    def language(self) -> str:
        """The dataset's language, a code of ISO 639 such as ``en``; reading it puts it into the key."""
        self._note("language", self._language)
        return self._language

    @property
    def seed(self) -> int:
        """The seed of the run, for all random draws of a component; reading it puts it into the key."""
        self._note("seed", self._seed)
        return self._seed

    @property
    def device(self) -> str:
        """The torch device to compute on, ``cpu`` or ``cuda[:n]``; only its kind enters the key.

        ``auto`` is settled at the first reading: a GPU when torch sees one. Raises MissingError for a
        GPU that is requested but not available.
        """
        self._device = _settled(self._device)
        self._note("device", self._device.partition(":")[0])
        return self._device

    @property
    def processes(self) -> int:
        """The number of processes that train together; more than one put it into the key."""
        if self._processes > 1:
            self._note("processes", self._processes)
        return self._processes

    def options(self, kind: type[S]) -> S:
        """Read a section of options, with the user's values or, outside a run, the defaults."""
        section = self._sections.get(kind.section, None) or kind()
        if not isinstance(section, kind):
            raise UsageError(
                f"options section '{kind.section}' is {type(section).__name__}, not {kind.__name__}."
            )
        values = dataclasses.asdict(section)
        texts = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
        self._note(f"options.{kind.section}", texts)
        return section

    def arguments(self, name: str) -> dict[str, Any]:
        """Read what was set for the constructor of the plug-in of a name, which has no section of options."""
        section = self._sections.get(name)
        return dataclasses.asdict(self.options(type(section))) if isinstance(section, Arguments) else {}

    @property
    def store(self) -> Store:
        """The store, for artefacts that several components share; by default that of `default_root`."""
        from bench.store.artefacts import Store, default_root

        if self._store is None:
            self._store = Store(default_root())
        return self._store

    def copy_unread(self) -> Context:
        """Copy the context for a component inside this one, with nothing noted as read.

        What it reads is not noted here: the outer component owes the inner one's key to its own.
        """
        return Context(
            language=self._language,
            seed=self._seed,
            device=self._device,
            threads=self.threads,
            process=self.process,
            processes=self._processes,
            sections=self._sections,
            store=self._store,
            quiet=self.quiet,
            audit_cache=self.audit_cache,
            allow_network=self.allow_network,
        )

    def use_everything(self) -> None:
        """Note all there is: for a component that never reads its context."""
        for section in self._sections.values():
            self.options(type(section))
        _ = self.language, self.seed, self.device

    def freeze(self) -> dict[str, Json]:
        """Close the notes of what was read, which enter the key; anything new is refused from now on."""
        self._frozen = True
        return dict(self._used)

    def _note(self, name: str, value: Json) -> None:
        if self._frozen and name not in self._used:
            raise AssertionError(f"{name} was first read after the key was made: read it in __init__")
        self._used[name] = value


def _settled(device: str) -> str:
    if device == "cpu":
        return device
    count = _gpus()
    if device == "auto":
        return "cuda" if count else "cpu"
    if int(device.partition(":")[2] or 0) >= count:
        if importlib.util.find_spec("torch") is None:
            raise MissingError(
                f"--device {device}: torch is not installed, which computes on GPUs. Install it with: "
                "pip install -c constraints.txt -e '.[dense]', or use --device cpu."
            )
        raise MissingError(
            f"--device {device}: torch sees {counted(count, 'GPU')} on this machine. Use --device cpu."
        )
    return device


def _gpus() -> int:
    """Ask torch only where the system shows a GPU at all: importing it takes seconds."""
    if sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in _GPU_DEVICES):
        return 0
    try:
        import torch
    except ModuleNotFoundError:  # the light core has none
        return 0
    return torch.cuda.device_count()
