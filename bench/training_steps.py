"""Post how far a training is, to whoever shows the progress of the run; plug-ins may do so, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

__cache_neutral__ = True


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """How far a training is: optimizer steps done, of how many, and the epoch, from 0, with its fraction."""

    step: int
    steps: int
    epoch: float = 0.0


Sink: TypeAlias = Callable[[TrainingStep], object]
_sinks: list[Sink] = []


def post_step(step: int, steps: int, epoch: float = 0.0) -> None:
    """Post a finished step; cheap, and without effect where no progress is shown."""
    for sink in _sinks:
        sink(TrainingStep(step, steps, epoch))


@contextlib.contextmanager
def receive_steps(sink: Sink) -> Iterator[None]:
    """Let ``sink`` have every step that this process posts meanwhile."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)
