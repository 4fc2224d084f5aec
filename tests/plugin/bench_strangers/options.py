"""Options of the systems."""

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section


@dataclass(frozen=True)
class FirstWordOptions(Section):
    """How many words."""

    section: ClassVar[str] = "first-word"
    words: int = 1


@dataclass(frozen=True)
class LearnerOptions(Section):
    """What to do in training."""

    section: ClassVar[str] = "learner"
    fail_after: int | None = None
