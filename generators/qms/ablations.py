"""The ablations of QMS (paper, Table IV; paper-audit.md, part A5): one of the row's `Parts` off."""

from __future__ import annotations

from typing import Any

from bench.context import Context
from generators.qms.fusion import Parts
from generators.qms.rows import BartQMS


def _ablation(context: Context, name: str, label: str, **changes: Any) -> BartQMS:
    row = BartQMS(context, Parts(**changes))
    row.name, row.label = name, label  # type: ignore[misc]
    return row


def without_visual(context: Context) -> BartQMS:
    """QMS without frames: the entity block attends to the transcript itself, M = [T; T_e]."""
    return _ablation(context, "qms-wo-visual", "w/o-Visual", visual=False)


def without_textual(context: Context) -> BartQMS:
    """QMS without transcripts: M = V after one self-attention, no entity labels."""
    return _ablation(context, "qms-wo-textual", "w/o-Textual", textual=False)


def without_scores(context: Context) -> BartQMS:
    """QMS without the unimodal losses: L_g in place of eq. 17."""
    return _ablation(context, "qms-wo-scores", "w/o-Scores", scores="none")


def without_entity(context: Context) -> BartQMS:
    """QMS without the entity block and its loss: M = [V; T]."""
    return _ablation(context, "qms-wo-entity", "w/o-Entity", entity=False)


def without_sampling(context: Context) -> BartQMS:
    """QMS with targets drawn uniformly."""
    return _ablation(context, "qms-wo-qsample", "w/o-Qsample", sampling=False)


def unit_scores(context: Context) -> BartQMS:
    """QMS with U_v = U_t = 1: the unimodal losses without their weights; ours."""
    return _ablation(context, "qms-unit-scores", "U = 1", scores="unit")
