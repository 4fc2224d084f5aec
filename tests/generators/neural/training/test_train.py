"""Training knows no model, can be killed anywhere, and repeats to the byte."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.errors import DataError
from bench.training_steps import TrainingStep, receive_steps
from generators.neural.batches import Buckets
from generators.neural.checkpoint import write_log
from generators.neural.training.plan import TrainingPlan, Validation
from generators.neural.training.train import train


class Points:
    """Points of a line, moved a little each epoch."""

    def __init__(self, count: int = 24) -> None:
        self.epoch = 0
        self.count = count
        self.given: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self.count

    @property
    def lengths(self) -> Sequence[int]:
        return [index % 5 for index in range(self.count)]

    def __getitem__(self, index: int) -> tuple[float, float]:
        self.given.append((self.epoch, index))
        x = index / self.count
        return x, 2 * x + 0.01 * self.epoch


class Line(nn.Module):
    """A line with dropout, so that a lost state of chance would show."""

    def __init__(self, killed_at: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.outer = nn.Linear(1, 8), nn.Linear(8, 1)
        self.dropout = nn.Dropout(0.3)
        self.steps, self.killed_at = 0, killed_at

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.steps == self.killed_at:
            raise KeyboardInterrupt
        self.steps += 1
        wrong = self.outer(self.dropout(torch.tanh(self.inner(batch["x"])))) - batch["y"]
        return {"loss": (wrong**2).mean(), "bias": wrong.mean().abs()}


def collate(points: Sequence[tuple[float, float]]) -> dict[str, Tensor]:
    x, y = zip(*points, strict=True)
    return {"x": torch.tensor(x)[:, None], "y": torch.tensor(y)[:, None]}


def plan(**changes: Any) -> TrainingPlan:
    return TrainingPlan(
        **({"label": "line", "seed": 3, "device": "cpu", "epochs": 4, "batch_size": 4, "lr": 0.01} | changes)
    )


def judged_by(score: Callable[[], float]) -> Validation:
    """Judge an epoch by one number."""
    return Validation(lambda: [score()])


def weights(module: nn.Module) -> dict[str, bytes]:
    return {name: weight.numpy().tobytes() for name, weight in module.state_dict().items()}


@pytest.mark.parametrize("killed_at", [2, 6, 9, 13, 23])
def test_a_killed_training_ends_with_the_same_weights_and_log(tmp_path: Path, killed_at: int) -> None:
    uninterrupted = Line()
    log = train(uninterrupted, Points(), collate, plan(checkpoint_steps=4))

    with pytest.raises(KeyboardInterrupt):
        train(Line(killed_at), Points(), collate, plan(checkpoint_steps=4), scratch=tmp_path)
    again = Line()
    data = Points()
    assert train(again, data, collate, plan(checkpoint_steps=4), scratch=tmp_path) == log
    assert weights(again) == weights(uninterrupted)
    done = killed_at - killed_at % 2
    assert again.steps <= 24 - min(done // 4 * 4, done // 6 * 6), "it began again instead of continuing"
    assert not list(tmp_path.iterdir()), "the checkpoints stayed"


def test_a_checkpoint_that_was_cut_off_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Line(15), Points(), collate, plan(), scratch=tmp_path)
    (last,) = tmp_path.glob("checkpoint-*")
    (last / "trainer_state.json").write_text("{")
    uninterrupted, again = Line(), Line()
    train(uninterrupted, Points(), collate, plan())
    train(again, Points(), collate, plan(), scratch=tmp_path)
    assert weights(again) == weights(uninterrupted)


def test_the_best_epoch_stays_and_of_equals_the_last(tmp_path: Path) -> None:
    kept: list[dict[str, bytes]] = []
    module = Line()
    scores = iter([0.0, 0.5, 0.5, 0.1])

    def score() -> float:
        kept.append(weights(module))
        return next(scores)

    log = train(module, Points(), collate, plan(), validation=judged_by(score))
    assert weights(module) == kept[2]
    assert [entry["eval_score"] for entry in log if "eval_score" in entry] == [0.0, 0.5, 0.5, 0.1]


def test_the_best_epoch_survives_a_kill(tmp_path: Path) -> None:
    def scorer() -> Callable[[], float]:
        scores = iter([0.9, 0.5, 0.4, 0.3])
        return lambda: next(scores)

    uninterrupted = Line()
    train(uninterrupted, Points(), collate, plan(), validation=judged_by(scorer()))
    with pytest.raises(KeyboardInterrupt):
        train(Line(14), Points(), collate, plan(), validation=judged_by(scorer()), scratch=tmp_path)
    again, later = Line(), iter([0.4, 0.3])
    train(again, Points(), collate, plan(), validation=judged_by(lambda: next(later)), scratch=tmp_path)
    assert weights(again) == weights(uninterrupted)


def test_patience_ends_a_training_that_gets_no_better() -> None:
    scores = iter([0.9, 0.5, 0.4, 0.3])
    log = train(Line(), Points(), collate, plan(patience=1), validation=judged_by(lambda: next(scores)))
    assert max(entry["epoch"] for entry in log) == 2


@pytest.mark.parametrize("killed_at", [8, 14, 17])
def test_patience_counts_on_after_a_kill(tmp_path: Path, killed_at: int) -> None:
    scores = [0.9, 0.5, 0.4, 1.0, 0.1]  # the fourth epoch would be the best, but patience ends before it

    def scorer(start: int = 0) -> Callable[[], float]:
        rest = iter(scores[start:])
        return lambda: next(rest)

    impatient, uninterrupted, again = plan(epochs=5, patience=2), Line(), Line()
    log = train(uninterrupted, Points(), collate, impatient, validation=judged_by(scorer()))
    with pytest.raises(KeyboardInterrupt):
        train(Line(killed_at), Points(), collate, impatient, validation=judged_by(scorer()), scratch=tmp_path)
    rest = scorer(killed_at // 6)
    assert train(again, Points(), collate, impatient, validation=judged_by(rest), scratch=tmp_path) == log
    assert weights(again) == weights(uninterrupted)


def test_the_rate_falls_as_a_cosine_and_every_part_of_the_loss_is_logged() -> None:
    log = train(Line(), Points(), collate, plan())
    rates = [entry["learning_rate"] for entry in log]
    steps = [entry["step"] for entry in log]
    # the Trainer notes the rate of the step that was just taken
    expected = [0.01 * 0.5 * (1 + math.cos(math.pi * (step - 1) / 24)) for step in steps]
    assert rates == pytest.approx(expected, abs=1e-5)
    assert all(entry["bias"] >= 0 for entry in log)


def test_each_epoch_gives_every_example_once_in_another_order() -> None:
    data = Points(10)
    train(Line(), data, collate, plan(epochs=3))
    orders = [[index for epoch, index in data.given if epoch == e] for e in range(3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_a_part_of_the_module_may_learn_at_its_own_rate() -> None:
    slow, fast = Line(), Line()
    train(slow, Points(), collate, plan(epochs=1, lr_multipliers={"inner.": 0.0}))
    train(fast, Points(), collate, plan(epochs=1))
    assert torch.equal(slow.inner.weight, Line().inner.weight)
    assert not torch.equal(fast.inner.weight, Line().inner.weight)


def test_batches_hold_like_lengths_and_depend_on_seed_and_epoch_alone() -> None:
    lengths = [i % 7 for i in range(50)]
    batches = Buckets(lengths, 5, seed=1)
    first = list(batches)
    assert sorted(i for batch in first for i in batch) == list(range(50))
    assert max(max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in first) <= 2
    assert list(Buckets(lengths, 5, seed=1)) == first
    batches.epoch = 1
    assert list(batches) != first


def test_steps_are_posted_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    steps: list[TrainingStep] = []
    with receive_steps(steps.append):
        train(Line(), Points(), collate, plan())
    assert capfd.readouterr() == ("", "")
    assert [step.step for step in steps] == list(range(1, steps[-1].steps + 1))


def test_a_checkpoint_holds_weights_without_pickle(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(Line(8), Points(), collate, plan(), scratch=tmp_path)
    (last,) = tmp_path.glob("checkpoint-*")
    assert set(load_file(last / "model.safetensors")) == set(Line().state_dict())
    assert {path.suffix for path in last.iterdir()} == {".safetensors", ".json"}


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_diverged_training_is_an_error_that_names_the_option_to_lower(tmp_path: Path, epochs: int) -> None:
    with pytest.raises(DataError, match=r"diverged in epoch 1, after step \d+: .* is .*Lower .*train\.lr"):
        train(Line(), Points(), collate, plan(lr=1e38, clip=0.0, epochs=epochs), scratch=tmp_path)
    assert not list(tmp_path.iterdir()), "a repeat would continue from there and diverge again"


def test_the_log_is_valid_json_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_log([{"loss": math.nan}], tmp_path / "log.jsonl")
    assert not (tmp_path / "log.jsonl").exists()
