"""The options of how a dataset is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section


@dataclass(frozen=True)
class DataOptions(Section):
    """How a dataset is read."""

    section: ClassVar[str] = "data"
    unite_queries: bool = True
    """Unite the relevance of queries whose normalised texts are the same (contract section 2)."""
    max_frames: int = 32
    """Frames a generator sees of a video, taken uniformly when there are more (paper, IV-A3)."""

    def __post_init__(self) -> None:
        if self.max_frames < 1:
            raise ValueError(
                f"option data.max_frames={self.max_frames} is out of range: it must be at least 1."
            )
