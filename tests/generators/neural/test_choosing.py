"""The epoch that is kept is the best on all validation videos, and the log says how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.config.run_config import configure
from bench.context import Context
from bench.options import flatten
from generators.bart.rows import BartMM, BartText
from generators.neural.row import NeuralRow
from generators.neural.training.plan import SCORE, SCORE_ERROR, Validation
from generators.neural.training.train import train
from generators.neural.validation import cider, describe_choice
from generators.qms.rows import qms
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import MakeRow, blind, toy
from tests.generators.neural.training.test_train import Line, Points, collate, plan

Make = Callable[..., Context]
VAL = toy(16, where="text", start=100)


def facts(generator: NeuralRow) -> dict[str, float]:
    """What the training log says of the choice."""
    (entry,) = [entry for entry in generator.log if "kept_epoch" in entry]
    return entry


def fitted_long(row: MakeRow, context: Context) -> NeuralRow:
    generator = row(context)
    generator.fit(toy(96, where="text"), VAL)
    return generator


@pytest.mark.parametrize("row", [BartText, qms], ids=lambda row: row.__name__)
@pytest.mark.parametrize("first", [0, 9])
def test_the_cider_in_the_log_is_that_of_what_the_model_writes(
    row: MakeRow, first: int, context: Make
) -> None:
    options = {"train__choose": "cider", "train__validation_videos": first, "train__epochs": 8}
    generator = fitted_long(row, context(**options))
    scored = VAL[:first] if first else VAL
    score = cider(generator.summarize(blind(scored)), {v.video_id: v.references for v in scored})
    assert facts(generator)["kept_score"] == pytest.approx(score)
    assert score > 0, "every epoch scored 0: nothing was compared"
    assert max(entry.get(SCORE, 0) for entry in generator.log) == pytest.approx(score)


@pytest.mark.parametrize("row", [BartMM, Seq2Seq], ids=lambda row: row.__name__)
def test_the_kept_epoch_has_the_least_loss_over_all_references_of_all_validation_videos(
    row: MakeRow, context: Make
) -> None:
    generator = fitted_long(row, context(train__epochs=6, train__lr=2e-2))
    losses = [entry["val_loss"] for entry in generator.log if "val_loss" in entry]
    kept = facts(generator)
    assert len(losses) == 6
    assert losses[int(kept["kept_epoch"]) - 1] == min(losses) == pytest.approx(-kept["kept_score"])
    assert generator.reference_losses(VAL).mean() == pytest.approx(min(losses), abs=1e-5)


def test_the_last_epoch_is_kept_when_asked(context: Make) -> None:
    generator = fitted_long(Seq2Seq, context(train__epochs=4, train__lr=0.3, train__choose="last"))
    losses = [entry["val_loss"] for entry in generator.log if "val_loss" in entry]
    assert facts(generator)["kept_epoch"] == 4
    assert generator.reference_losses(VAL).mean() == pytest.approx(losses[-1], abs=1e-5)
    assert "epoch 4 of 4 kept, the last" in generator.choice


@pytest.mark.parametrize(("preset", "choose"), [("quick", "loss"), ("base", "loss"), ("paper", "cider")])
def test_no_preset_chooses_by_a_part_of_the_validation_videos(preset: str, choose: str) -> None:
    values = flatten(configure({"preset": preset}).sections)
    assert (values["train.choose"], values["train.validation_videos"]) == (choose, 0)


def test_the_log_has_the_noise_of_the_choice() -> None:
    by_epoch = iter([[0.0, 0.2], [1.0, 0.4], [0.4, 0.8]])
    log = train(Line(), Points(), collate, plan(epochs=3), validation=Validation(lambda: next(by_epoch)))
    assert [entry[SCORE_ERROR] for entry in log if SCORE in entry] == pytest.approx([0.1, 0.3, 0.2])
    kept, error = log[0], 0.5  # differences 0.6 and -0.4
    assert (kept["kept_epoch"], kept["last_epoch"]) == (2, 3)
    assert kept["kept_minus_last"] == pytest.approx(0.1)
    assert kept["kept_minus_last_se"] == pytest.approx(error)
    assert "epoch 2 of 3 kept by validation CIDEr 0.700, last epoch 0.600, a choice within noise" in (
        describe_choice("cider", kept)
    )


def test_a_clear_choice_is_not_called_noise() -> None:
    by_epoch = iter([[1.0, 1.1, 0.9], [0.1, 0.2, 0.0]])
    log = train(Line(), Points(), collate, plan(epochs=2), validation=Validation(lambda: next(by_epoch)))
    assert describe_choice("loss", log[0]) == (
        "epoch 1 of 2 kept by validation loss -1.000 nats a token, last epoch -0.100"
    )


def test_the_noise_of_the_choice_survives_a_kill(tmp_path: Path) -> None:
    scores = {6: [0.9, 0.1], 12: [0.5, 0.2], 18: [0.4, 0.3], 24: [0.3, 0.3]}

    def run(module: Line, scratch: Path) -> list[dict[str, float]]:
        data = Points()
        validation = Validation(lambda: scores[6 * (data.epoch + 1)])
        return train(module, data, collate, plan(), validation=validation, scratch=scratch)

    whole = run(Line(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(Line(14), tmp_path / "killed")
    assert run(Line(), tmp_path / "killed") == whole
    assert whole[0]["kept_epoch"] == 1
    assert whole[0]["kept_minus_last_se"] == pytest.approx(0.4)
