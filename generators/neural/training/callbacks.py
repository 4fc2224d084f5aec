"""Callbacks of the Trainer: the epoch of the data, checkpoints within an epoch, the progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bench.training_steps import post_step


class EpochAndCheckpointCallback(TrainerCallback):
    """Announces the epoch to the data, and requests a checkpoint every so many steps."""

    def __init__(
        self, checkpoint_steps: int, steps_per_epoch: int, start_epoch: Callable[[int], None]
    ) -> None:
        self._checkpoint_steps, self._steps_per_epoch = checkpoint_steps, steps_per_epoch
        self._start_epoch = start_epoch

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the epoch; one that is resumed within has a fraction."""
        self._start_epoch(int(state.epoch or 0))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save every so many steps, and log: sums since the last entry are not in a checkpoint.

        Not at the end of an epoch: a training that continued from there would skip the validation, which
        comes before the checkpoint of the epoch.
        """
        if not self._checkpoint_steps or state.global_step % self._steps_per_epoch == 0:
            return
        if state.global_step % self._checkpoint_steps == 0:
            control.should_save = control.should_log = True


class StopAtScore(TrainerCallback):
    """Ends the training when a metric of the validation is as high as a target."""

    def __init__(self, metric: str, target: float) -> None:
        self._metric, self._target = metric, target

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop after this epoch."""
        if kwargs["metrics"][self._metric] >= self._target:
            control.should_training_stop = True


class StepCallback(TrainerCallback):
    """Posts each step to whoever shows the progress of the run."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Post how far the training is."""
        post_step(state.global_step, state.max_steps, state.epoch or 0.0)
