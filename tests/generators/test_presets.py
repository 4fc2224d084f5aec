"""A preset is what it says: ``paper`` is section IV-B3, and every row trains by the preset's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from bench.config.presets import preset_text
from bench.config.run_config import configure
from bench.context import Context
from bench.options import flatten
from generators.bart.rows import BartMM, BartText, VGBartDP, VGBartMH
from generators.bart.sources import DEFAULTS
from generators.qms.rows import qms
from generators.seq2seq.row import Seq2Seq
from generators.transformer import Transformer

# what IV-A3 and IV-B3 state, and decisions 15, 24, 39 and 41 of docs/paper-audit.md
PAPER = {
    "text.transcript_tokens": 184, "text.query_tokens": 20, "data.max_frames": 32,
    "train.epochs": 15, "train.batch_size": 64, "train.warmup": 0, "train.clip": 1, "train.patience": None,
    "train.lr": None, "train.choose": "cider", "train.validation_videos": 0,
    "decode.beams": 4, "decode.batch_size": 64, "decode.max_tokens": 20,
    "decode.no_repeat_ngram": 3, "decode.length_penalty": 1, "decode.early_stopping": "true",
    "bart.weights": "auto", "bart.lr": 5e-5, "bart.width": 768, "bart.encoder_layers": 6,
    "bart.decoder_layers": 6, "bart.heads": 12, "bart.softmax_axis": "frames",
    "transformer.width": 768, "transformer.layers": 6, "transformer.heads": 12,
    "qms.tau": 0.5, "qms.mu": None, "transformer.warmup_steps": 1000,
    "bart.fusion_lr": None, "qms.entity_weight": 0.5, "qms.entity_loss": "mean", "qms.beta": 0.5,
    "qms.regulariser": "decoupled", "qms.scores": "free", "qms.fresh_lr": 1, "lead.units": 8,
}  # fmt: skip


def values(preset: str) -> Mapping[str, Any]:
    return flatten(configure({"preset": preset}).sections)


def test_the_preset_paper_is_what_the_paper_states() -> None:
    options = values("paper")
    assert {key: options[key] for key in PAPER} == PAPER
    assert DEFAULTS["zh"] == "fnlp/bart-base-chinese"


@pytest.mark.parametrize("preset", ["quick", "base", "paper"])
def test_every_line_of_a_preset_reaches_its_option(preset: str) -> None:
    lines: dict[str, Any] = yaml.safe_load(preset_text(preset))
    options = values(preset)
    assert {key: options[key] for key in lines} == lines


@pytest.mark.parametrize(
    ("preset", "rate", "batch", "epochs", "width"),
    [("quick", 5e-4, 8, 8, 128), ("base", 3e-4, 16, 40, 256), ("paper", 5e-5, 64, 15, 768)],
)
def test_a_row_is_trained_by_its_preset(
    preset: str, rate: float, batch: int, epochs: int, width: int
) -> None:
    sections = configure({"preset": preset, "set": {"bart.weights": "self"}}).sections
    decay_per_step = 0.5 * 5e-5  # the paper's beta at the paper's rate; a small preset has a higher rate
    for row, decay in ((BartText, 0.0), (qms, pytest.approx(decay_per_step / rate, rel=1e-3))):
        made = row(Context(sections=sections))
        plan = made.training_plan()
        assert (plan.lr, plan.batch_size, plan.epochs, plan.weight_decay) == (rate, batch, epochs, decay)
        assert (made.backbone if row is qms else made).options.width == width


def test_the_preset_paper_takes_the_threshold_that_goes_with_the_encoder() -> None:
    expected = {"minilm": 0.55, "e5": 0.9, "self": 0.75, "google-bert/bert-base-chinese": 0.75}
    for encoder, mu in expected.items():
        changes = {"bart.weights": "self", "qms.encoder": encoder}
        sections = configure({"preset": "paper", "set": changes}).sections
        assert qms(Context(language="zh", sections=sections)).mu == mu, encoder


def test_rates_of_what_is_not_pretrained_are_those_of_their_sources() -> None:
    sections = configure({"preset": "paper", "set": {"bart.weights": "self"}}).sections
    rates = {
        row.name: row(Context(sections=sections)).lr_multipliers() for row in (BartMM, VGBartDP, VGBartMH)
    }
    released = {"fusion.norm.": 1.0, "fusion.": 5.0}
    assert rates == {"bart-mm": {"fusion.": 1.0}, "vg-bart-dp": released, "vg-bart-mh": released}


def test_the_transformer_of_the_preset_paper_warms_up_in_a_thousand_steps() -> None:
    sections = configure({"preset": "paper"}).sections
    assert Transformer(Context(sections=sections)).training_plan().warmup == 1000
    assert Seq2Seq(Context(sections=sections)).training_plan().warmup == 0
