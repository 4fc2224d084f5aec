"""The options of what is indexed of a video and of how a run uses the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section

INDEX_MODES = ("replace", "append")
POOLS = ("split", "all")


@dataclass(frozen=True)
class IndexOptions(Section):
    """What is indexed of a video, and of which videos."""

    section: ClassVar[str] = "index"
    mode: str = "replace"
    """``replace``: the summary stands for the video; ``append``: the transcript and the summary, as
    doc2query does (Nogueira et al. 2019)."""
    pool: str = "split"
    """``split``: the videos of the evaluated split are searched; ``all``: those of every split, of which
    trained generators have seen some. The evaluated queries are the same (paper-audit.md, decision 54)."""

    def __post_init__(self) -> None:
        for name, known in (("mode", INDEX_MODES), ("pool", POOLS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"option index.{name}={getattr(self, name)!r} is unknown. Known: {', '.join(known)}."
                )


@dataclass(frozen=True)
class RunOptions(Section):
    """How a run uses the machine; nothing here may change a result."""

    section: ClassVar[str] = "run"
    workers: int | None = None
    """Systems trained side by side, each in a process of its own; None: one for each core, one on a GPU."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"option run.workers={self.workers} is out of range: it must be at least 1.")
