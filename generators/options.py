"""Options of the generators; light, because every command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.options import Section


@dataclass(frozen=True)
class LeadOptions(Section):
    """How much Lead takes."""

    section: ClassVar[str] = "lead"
    units: int = 8
    """Characters of Chinese, words of English (paper, IV-B2: P = 8, the mean query length rounded up)."""
