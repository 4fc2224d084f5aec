"""The parts of QMS, which its ablations take away (paper, IV-D)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """The parts of QMS that a row has; an ablation is this object with one change (paper, IV-D)."""

    visual: bool = True
    textual: bool = True
    entity: bool = True
    scores: str = "measured"
    """U_v and U_t of eq. 17: ``measured`` (eq. 15), ``unit`` (both 1), or ``none``: L_g alone."""
    sampling: bool = True

    @property
    def unimodal(self) -> bool:
        """Whether the unimodal paths (eq. 16) are trained: it takes two modalities."""
        return self.visual and self.textual and self.scores != "none"

    @property
    def labels(self) -> bool:
        """Whether words are labelled (eq. 9): not without a transcript."""
        return self.entity and self.textual
