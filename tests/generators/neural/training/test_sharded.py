"""A training that several processes share is that of one: the same gradients, the same losses."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.context import Context
from bench.neural.ranks import Ranks
from generators.bart.rows import BartMM
from generators.mdvc.row import MDVC
from generators.neural.training.plan import TrainingPlan, Validation
from generators.neural.training.sharded import ShardedTrainer, add_up_gradients
from generators.neural.training.trainer import DivergedError, ModuleTrainer
from generators.qms.rows import qms, without_scores
from generators.seq2seq.row import Seq2Seq
from tests.generators.conftest import MakeRow, toy
from tests.generators.neural.training.test_train import Line, Points, collate, plan
from tests.neural.side_by_side import side_by_side

Make = Callable[..., Context]
NO_DROPOUT = {f"{section}__dropout": 0.0 for section in ("bart", "qms", "seq2seq", "mdvc")}
ONE_AT_A_TIME = threading.Lock()
Training = tuple[nn.Module, Any, Any, TrainingPlan]


class Recorded:
    """Notes the loss of each step, and the gradients of the first."""

    losses: list[float]
    gradients: dict[str, Tensor | None]

    def training_step(self, model: nn.Module, *args: Any, **kwargs: Any) -> Tensor:
        loss: Tensor = super().training_step(model, *args, **kwargs)  # type: ignore[misc]
        if not hasattr(self, "losses"):
            self.losses = []
            self.gradients = {
                n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()
            }
        self.losses.append(loss.item())
        return loss


class Alone(Recorded, ModuleTrainer):
    """The trainer of one process."""


class Together(Recorded, ShardedTrainer):
    """The trainer of a rank."""


class CountedLine(Line):
    """A line, whose loss is a mean over points."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.0)

    def loss_items(self, batch: Mapping[str, Tensor]) -> int:
        return len(batch["x"])


@pytest.fixture
def training_of(context: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[[MakeRow], Training]:
    """Return a function that gives what a row would train: its module, data, batches and plan."""

    def make(row: MakeRow) -> Training:
        given: list[Any] = []
        import generators.bart.pretraining.pretrain  # noqa: F401  which has the real one from here on

        monkeypatch.setattr(
            "generators.neural.training.train.train", lambda *args, **kwargs: given.extend(args) or []
        )
        row(context(train__batch_size=5, qms__mu=0.9, **NO_DROPOUT)).fit(toy(24, where="text"), [])
        module, data, collate, plan = given
        return module, data, collate, plan

    return make


def alone(training: Training, folder: Path) -> Alone:
    module, data, collate, plan = copy.deepcopy(training)
    trainer = Alone(module, data, collate, plan, folder=folder, validation=None)
    trainer.train()
    return trainer


def of_rank(ranks: Ranks, training: Training, folder: Path, validation: Validation | None = None) -> Together:
    """Make the trainer of a rank, and wait for those of the others: threads share the state of accelerate."""
    module, data, collate, plan = training
    folder = folder / str(ranks.rank)
    with ONE_AT_A_TIME:
        trainer = Together(ranks, module, data, collate, plan, folder=folder, validation=validation)
    ranks.gather(None)
    return trainer


def together(size: int, training: Training, folder: Path) -> list[Together]:
    def work(ranks: Ranks) -> Together:
        trainer = of_rank(ranks, copies[ranks.rank], folder)
        trainer.train()
        return trainer

    copies = [copy.deepcopy(training) for _ in range(size)]
    return side_by_side(size, work)


@pytest.mark.parametrize("row", [Seq2Seq, MDVC, BartMM, qms, without_scores], ids=lambda row: row.__name__)
def test_two_processes_have_the_gradients_and_losses_of_one(
    row: MakeRow, training_of: Callable[[MakeRow], Training], tmp_path: Path
) -> None:
    training = training_of(row)
    one = alone(training, tmp_path)
    for rank in together(2, training, tmp_path):
        assert rank.losses[:5] == pytest.approx(one.losses[:5], abs=1e-5)
        for name, gradient in one.gradients.items():
            other = rank.gradients[name]
            assert (gradient is None) is (other is None), name
            if gradient is not None and other is not None:
                torch.testing.assert_close(other, gradient, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_batch_with_fewer_examples_than_processes_counts_as_before(size: int, tmp_path: Path) -> None:
    training: Training = (CountedLine(), Points(25), collate, plan(epochs=2))  # batches of 4, the last of 1
    one = alone(training, tmp_path)
    ranks = together(size, training, tmp_path)
    assert ranks[0].losses == pytest.approx(one.losses, abs=1e-5)
    assert ranks[0].losses == ranks[-1].losses, "every rank has the loss of the whole batch"


def test_all_ranks_end_with_the_same_weights(tmp_path: Path) -> None:
    ranks = together(3, (CountedLine(), Points(25), collate, plan()), tmp_path)
    weights = [{n: w.numpy().tobytes() for n, w in rank._module.state_dict().items()} for rank in ranks]
    assert weights[0] == weights[1] == weights[2]


def test_rank_zero_alone_validates_and_writes_checkpoints(tmp_path: Path) -> None:
    scored: list[int] = []

    def work(ranks: Ranks) -> list[dict[str, float]]:
        def score() -> list[float]:
            scored.append(ranks.rank)
            return [-float(len(scored))]  # worse each time: patience ends the training

        training: Training = (CountedLine(), Points(8), collate, plan(patience=2, epochs=9))
        trainer = of_rank(ranks, training, tmp_path, Validation(score))
        trainer.train()
        return trainer.state.log_history

    first, second = side_by_side(2, work)
    assert scored == [0, 0, 0]
    assert first[-1]["epoch"] == second[-1]["epoch"] == 3
    assert list((tmp_path / "0").glob("checkpoint-*"))
    assert not list((tmp_path / "1").glob("*"))


def test_a_loss_that_is_no_number_in_one_rank_ends_the_training_in_all(tmp_path: Path) -> None:
    class Broken(Points):
        def __getitem__(self, index: int) -> tuple[float, float]:
            return super().__getitem__(index) if index else (float("nan"), 0.0)

    def work(ranks: Ranks) -> bool:
        trainer = of_rank(ranks, (CountedLine(), Broken(8), collate, plan()), tmp_path)
        with pytest.raises(DivergedError), ranks.training(DivergedError):
            trainer.train()
        return bool(ranks.broadcast(True))

    assert side_by_side(2, work) == [True, True]


def test_a_parameter_that_no_rank_uses_has_no_gradient() -> None:
    def work(ranks: Ranks) -> list[float | None]:
        parameters = [nn.Parameter(torch.ones(1)) for _ in range(3)]
        parameters[0].grad = torch.ones(1)
        if ranks.rank:
            parameters[1].grad = torch.ones(1)
        add_up_gradients(ranks, parameters)
        return [None if p.grad is None else p.grad.item() for p in parameters]

    assert side_by_side(2, work) == [[2.0, 1.0, None]] * 2
