"""A value without sense is refused by name before anything is trained, and every option does something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.context import Context
from bench.errors import UsageError
from bench.options import build_sections
from bench.types import Video
from generators.bart.rows import BartMM, BartText, VGBartDP, VGBartMH
from generators.mdvc.row import MDVC
from generators.neural.row import NeuralRow
from generators.qms.rows import qms, qms_transformer
from generators.seq2seq.row import Seq2Seq
from generators.transformer import Transformer
from tests.generators.conftest import SECTIONS, MakeRow, blind, toy

Make = Callable[..., Context]


@pytest.mark.parametrize(
    "key_and_value",
    [
        "text.transcript_tokens=2",  # with its two specials, this would read backwards from the end
        "text.query_tokens=0",
        "text.vocabulary=3",
        "train.epochs=-1",
        "train.batch_size=0",
        "train.lr=-1",
        "train.warmup=1.5",
        "train.clip=-1",
        "train.patience=0",
        "train.validation_videos=-1",
        "train.choose=best",
        "train.checkpoint_steps=-1",
        "decode.beams=0",
        "decode.max_tokens=0",
        "decode.no_repeat_ngram=-1",
        "decode.batch_size=0",
        "bart.heads=0",
        "bart.dropout=1",
        "bart.softmax_axis=frame",
        "bart.width=25",
        "bart.fusion_heads=3",
        "pretrain.steps=0",
        "pretrain.masked=1.1",
        "transformer.layers=0",
        "transformer.heads=5",
        "seq2seq.width=25",
        "mdvc.smoothing=1",
        "mdvc.heads=5",
        "qms.tau=1.5",
        "qms.mu=2",
        "qms.beta=-0.5",
        "mt5.lr=nan",
    ],
)
def test_a_value_without_sense_is_refused_by_name(key_and_value: str) -> None:
    key, _, value = key_and_value.partition("=")
    with pytest.raises(UsageError, match=rf"option .*{key}=.*"):
        build_sections(SECTIONS, {key: value})


def test_a_sample_cannot_lose_both_modalities() -> None:
    with pytest.raises(
        UsageError, match=r"option train\.drop_text=0\.7 is not allowed with train\.drop_frames=0\.4"
    ):
        build_sections(SECTIONS, {"train.drop_text": 0.7, "train.drop_frames": 0.4})


@pytest.mark.parametrize(
    "row_and_options",
    [
        (Seq2Seq, {"train": {"lr": 1e-4, "warmup": 0.5, "clip": 0.01, "weight_decay": 0.5, "batch_size": 5}}),
        (Seq2Seq, {"train": {"epochs": 1, "precision": "bf16"}}),
        (Seq2Seq, {"text": {"transcript_tokens": 10, "query_tokens": 1, "vocabulary": 60}}),
        (Seq2Seq, {"seq2seq": {"lr": 1e-4, "layers": 2, "width": 32, "dropout": 0.9}}),
        (Transformer, {"transformer": {"lr": 1e-4, "layers": 2, "width": 32, "heads": 4, "dropout": 0.7}}),
        (Transformer, {"transformer": {"warmup_steps": 9}}),
        (BartMM, {"train": {"drop_text": 0.5, "drop_frames": 0.5}}),
        (qms, {"train": {"drop_text": 0.5}}),
        (MDVC, {"text": {"vocabulary": 60}}),
        (MDVC, {"mdvc": {"lr": 1e-4, "layers": 2, "heads": 4, "smoothing": 0.5, "vocabulary": 40}}),
        (BartText, {"bart": {"lr": 1e-4, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.7}}),
        (BartText, {"pretrain": {"steps": 9, "lr": 1e-5, "masked": 0.9, "span": 1.0, "window": 4}}),
        (BartMM, {"bart": {"fusion_lr": 9.0, "token_positions": "shifted", "weights": "minilm"}}),
        (VGBartDP, {"bart": {"fusion_lr": 9.0, "softmax_axis": "text"}}),
        (VGBartMH, {"bart": {"fusion_width": 8, "fusion_heads": 2, "fusion_lr": 9.0}}),
        (qms, {"qms": {"tau": 0.1, "mu": 0.99999, "entity_weight": 2.0, "entity_loss": "sum"}}),
        (qms, {"qms": {"beta": 5.0, "scores": "teacher", "fresh_lr": 9.0, "dropout": 0.8}}),
        (qms, {"qms": {"regulariser": "plain", "encoder": "minilm"}}),
        (qms, {"qms": {"regulariser": "norm"}}),
        (qms_transformer, {"qms": {"fresh_lr": 9.0}, "transformer": {"lr": 1e-4}}),
    ],
    ids=lambda pair: f"{pair[0].__name__}-{'-'.join(key for some in pair[1].values() for key in some)}",
)
def test_every_option_changes_what_is_trained_or_written(
    row_and_options: tuple[MakeRow, dict[str, dict[str, Any]]], context: Make
) -> None:
    row, sections = row_and_options
    plain = outcome(row(context()))
    for section, changes in sections.items():
        for key, value in changes.items():
            changed = outcome(row(context(**{f"{section}__{key}": value})))
            assert not same(plain, changed), f"{section}.{key} does nothing"


def test_every_rule_of_the_search_reaches_a_loaded_model(context: Make, tmp_path: Path) -> None:
    trained = Seq2Seq(context())
    trained.fit(toy(24, where="text"), [])
    trained.save(tmp_path)

    def written(**changes: Any) -> dict[str, str]:
        row = Seq2Seq(context(**changes))
        row.load(tmp_path)
        return dict(row.summarize(blind(toy(16, where="text", start=300))))

    plain = written()
    rules = {"beams": 1, "max_tokens": 1, "length_penalty": -3.0, "no_repeat_ngram": 1}
    same_as_before = [key for key, value in rules.items() if written(**{f"decode__{key}": value}) == plain]
    assert same_as_before == []


def outcome(row: NeuralRow) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Train a row on videos with a stray query each; return its weights and its summaries."""
    videos = [_with_a_stray_query(video, i) for i, video in enumerate(toy(24, where="text"))]
    row.fit(videos, toy(6, where="text", start=100))
    return row.module.state_dict(), dict(row.summarize(blind(toy(8, where="text", start=300))))


def _with_a_stray_query(video: Video, number: int) -> Video:
    asked = (*video.references, f"see how {'it really works'[: 2 + 5 * (number % 3)]}")
    return dataclasses.replace(video, transcript=f"{video.transcript} " * (1 + number % 2), references=asked)


def same(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    shapes = [{name: weight.shape for name, weight in made[0].items()} for made in (one, other)]
    if shapes[0] != shapes[1] or one[1] != other[1]:
        return False
    return all(torch.equal(weight, other[0][name]) for name, weight in one[0].items())


def test_rates_name_parameters_that_there_are(context: Make) -> None:
    for row in (BartMM, VGBartDP, VGBartMH, qms, qms_transformer):
        made = row(context(train__epochs=1))
        made.fit(toy(4, where="text"), [])
        names = [name for name, _ in made.module.named_parameters()]
        assert made.lr_multipliers()
        assert all(any(name.startswith(start) for name in names) for start in made.lr_multipliers())
