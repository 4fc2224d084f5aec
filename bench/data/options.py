"""The options of how a dataset is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Count, Section

__cache_neutral__ = True


@dataclass(frozen=True)
class DataOptions(Section):
    """How a dataset is read."""

    section: ClassVar[str] = "data"
    unite_queries: bool = True
    """Unite the relevance of queries whose normalised texts are the same (contract section 2)."""
    max_frames: Count = 32
    """Frames a generator sees of a video, taken uniformly when there are more (paper, IV-A3)."""
