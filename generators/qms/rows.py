"""QMS as rows of the tables: QMS on BART, its ablations (Table IV), and QMS without pretraining (Table VI).

The ablations differ from QMS by `Parts` (paper-audit.md, part A5), the rows of Table VI by the `Backbone`.
"""

from __future__ import annotations

from bench.context import Context
from generators.qms.backbones.bart import BartBackbone, TransformerBackbone
from generators.qms.parts import Parts
from generators.qms.row import QMSRow


def qms(context: Context) -> QMSRow:
    """QMS on BART: reads frames, transcript and entities; trained on the queries that agree."""
    return QMSRow(context, BartBackbone(context))


def qms_transformer(context: Context) -> QMSRow:
    """QMS on a Transformer without pretraining (Table VI)."""
    backbone = TransformerBackbone(context)
    return QMSRow(context, backbone, name="qms-transformer", label="QMS (Transformer)")


def without_visual(context: Context) -> QMSRow:
    """QMS without frames: the entity block attends to the transcript itself, M = [T; T_e]."""
    return _ablation(context, Parts(visual=False), "qms-wo-visual", "w/o-Visual")


def without_textual(context: Context) -> QMSRow:
    """QMS without transcripts: M = V after one self-attention, no entity labels."""
    return _ablation(context, Parts(textual=False), "qms-wo-textual", "w/o-Textual")


def without_scores(context: Context) -> QMSRow:
    """QMS without the unimodal losses: L_g in place of eq. 17."""
    return _ablation(context, Parts(scores="none"), "qms-wo-scores", "w/o-Scores")


def without_entity(context: Context) -> QMSRow:
    """QMS without the entity block and its loss: M = [V; T]."""
    return _ablation(context, Parts(entity=False), "qms-wo-entity", "w/o-Entity")


def without_sampling(context: Context) -> QMSRow:
    """QMS without query sampling: each target is drawn uniformly from the video's queries."""
    return _ablation(context, Parts(sampling=False), "qms-wo-qsample", "w/o-Qsample")


def unit_scores(context: Context) -> QMSRow:
    """QMS ablation (ours): unimodal losses unweighted (U_v = U_t = 1)."""
    return _ablation(context, Parts(scores="unit"), "qms-unit-scores", "U = 1")


def _ablation(context: Context, parts: Parts, name: str, label: str) -> QMSRow:
    return QMSRow(context, BartBackbone(context), parts, name=name, label=label)
