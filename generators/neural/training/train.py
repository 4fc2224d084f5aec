"""Train a module, of a neural row or for pretraining, and keep the best epoch.

A module must have ``forward(batch) -> {"loss": what is minimised, other parts: logged}``. Checkpoints are
in a scratch folder until the training ends.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from bench.neural.launcher import joined
from bench.neural.training_checkpoint import latest_checkpoint, remove_all
from bench.weights import quiet_loading
from generators.neural.training.plan import Epochs, TrainingPlan, Validation
from generators.neural.training.sharded import ShardedTrainer, share_training
from generators.neural.training.trainer import DivergedError, ModuleTrainer


def train(
    module: nn.Module,
    data: Epochs,
    collate: Callable[[list[Any]], Any],
    plan: TrainingPlan,
    *,
    validation: Validation | None = None,
    scratch: Path | None = None,
) -> list[dict[str, float]]:
    """Train a module in place and return the log; the weights are those of the epoch that scored best.

    Without ``validation`` they are those of the last epoch; with it, the log begins with the facts of the
    choice, as `ModuleTrainer.describe_choice` gives them. With a ``scratch`` folder, a training that was
    killed continues from its last checkpoint there and ends with the same weights; the folder is emptied at
    the end. Where torchrun started several processes, each does a share (`training.sharded`). Raises
    DivergedError where a loss is not a finite number, LostProcessError where another process has ended.
    """
    with tempfile.TemporaryDirectory() as spare:
        folder = scratch or Path(spare)
        latest = latest_checkpoint(folder)
        with _trainer(
            module, data, collate, plan, folder=folder, validation=validation, latest=latest
        ) as trainer:
            try:
                with quiet_loading():
                    trainer.train(resume_from_checkpoint=str(latest) if latest else None)
            except DivergedError:
                remove_all(folder)  # a repeat with the same options would diverge again
                raise
        log = [_plain(entry) for entry in trainer.state.log_history if "train_runtime" not in entry]
        if facts := trainer.describe_choice():
            log.insert(0, {"epoch": 0.0, **facts})
        remove_all(folder)
    module.to(plan.device).eval()
    return log


@contextlib.contextmanager
def _trainer(
    module: nn.Module,
    data: Epochs,
    collate: Callable[[list[Any]], Any],
    plan: TrainingPlan,
    *,
    folder: Path,
    validation: Validation | None,
    latest: Path | None,
) -> Iterator[ModuleTrainer]:
    """Make the trainer of this process; those of other processes are started, where there are some."""
    ranks = joined()
    if ranks is None:
        yield ModuleTrainer(module, data, collate, plan, folder=folder, validation=validation)
        return
    with ranks.training(DivergedError):
        keep = validation.keep if validation is not None else None
        share_training(ranks, module, data, collate, plan, keep=keep, checkpoint=latest)
        yield ShardedTrainer(ranks, module, data, collate, plan, folder=folder, validation=validation)


def _plain(entry: Mapping[str, Any]) -> dict[str, float]:
    """Drop what a clock measured: the log of a repeated training is the same."""
    clock = ("runtime", "per_second", "total_flos")
    return {key: value for key, value in entry.items() if not any(word in key for word in clock)}
