"""The options of what is indexed of a video and of how a run uses the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from bench.options import Count, NonNegative, Section

__cache_neutral__ = True


@dataclass(frozen=True)
class IndexOptions(Section):
    """What is indexed of a video, and of which videos."""

    section: ClassVar[str] = "index"
    mode: Literal["replace", "append"] = "replace"
    """``replace``: the summary is indexed in place of the video; ``append``: transcript and summary, as
    doc2query does (Nogueira et al. 2019)."""
    pool: Literal["split", "all"] = "split"
    """``split``: the videos of the evaluated split are searched; ``all``: those of every split, of which
    trained generators have seen some. The evaluated queries are the same (paper-audit.md, decision 54)."""


@dataclass(frozen=True)
class RunOptions(Section):
    """How a run uses the machine; nothing here may change a result."""

    section: ClassVar[str] = "run"
    workers: Count | None = None
    """Systems trained side by side, each in a process with ``--threads`` threads; none: as many as the cores
    allow, one on a GPU."""
    shards: Count = 1
    """Parts into which a cell is divided where the parts give the same bytes as the whole: videos that are
    summarized, texts that are encoded, a corpus that is searched by vectors. ``--engine ray`` makes them side
    by side; a run that was killed continues after the last one."""
    num_cpus: NonNegative | None = None
    """CPUs that Ray reserves for a task; none: ``--threads``. A part of one lets tasks share it."""
    num_gpus: NonNegative | None = None
    """GPUs that Ray reserves for a task; none: one where ``--device`` is a GPU. A part of one lets tasks
    share it."""
