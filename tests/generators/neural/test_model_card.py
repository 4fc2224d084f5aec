"""A model card states data, weights, options and scores as they were, not as they are by default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from generators.bart.rows import BartText, VGBartDP
from generators.mdvc.row import MDVC
from generators.qms.rows import qms, qms_transformer
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import toy
from tests.generators.test_rows import fitted

Make = Callable[..., Context]


def card(row: Any, folder: Path, context: Context) -> str:
    generator = fitted(row, context)
    generator.save(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (Seq2Seq, ["seq2seq: lr=0.01, layers=1", "learning rate: 0.01, weight decay 0"]),
        (MDVC, ["mdvc: lr=0.003", "smoothing=0.1"]),
        (
            BartText,
            ["weights: self-pretrained", "pretrain: steps=", "learning rate: 0.003 (fusion.* times 1)"],
        ),
        (VGBartDP, ["bart: weights=self", "softmax_axis=frames"]),
        (
            qms,
            ["qms: tau=0.5", "queries: self-pretrained BART encoder mean, mu 0.75", "weight decay 0.5"],
        ),
        (qms_transformer, ["transformer: lr=0.003", "qms: tau=0.5", "queries: self-pretrained"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_card_has_weights_and_every_option_that_decided_them(
    row: Any, expected: list[str], context: Make, tmp_path: Path
) -> None:
    text = card(row, tmp_path, context(train__epochs=1))
    for words in (*expected, "text: ", "train: ", "precision: fp32", '"train": 16, "val": 4'):
        assert words in text, words
    assert "decode: " not in text, "another search uses the same model"
    (tmp_path / "cider").mkdir()
    assert "decode: " in card(row, tmp_path / "cider", context(train__epochs=1, train__choose="cider"))


def test_a_card_has_the_kept_epoch_and_the_texts(context: Make, tmp_path: Path) -> None:
    generator = fitted(Seq2Seq, context())
    generator.save(tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"* score: {generator.choice}" in text
    assert "of 2 kept by validation loss" in generator.choice
    other = fitted(Seq2Seq, context(), toy(17, where="text"))
    digests = [made.config["trained_on"]["texts"] for made in (generator, other)]  # type: ignore[index, call-overload]
    assert digests[0] != digests[1]
    assert str(digests[0]) in text
