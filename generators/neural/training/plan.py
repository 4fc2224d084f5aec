"""The settings of a training, the data that it goes through and the validation that chooses its epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy.typing as npt

SCORE, SCORE_ERROR = "eval_score", "eval_score_se"
"""The keys of the validation score in the log, and of its standard error over validation items."""


class Epochs(Sized, Protocol):
    """A data set whose examples may change with the epoch."""

    epoch: int

    def __getitem__(self, index: int) -> Any:
        """Read one example, as the current epoch sees it."""
        ...

    @property
    def lengths(self) -> Sequence[int]:
        """The length of each example, for batches of like length."""
        ...


@dataclass(frozen=True)
class TrainingPlan:
    """The settings of a training: everything that decides its result besides module and data."""

    label: str
    seed: int
    device: str
    epochs: int
    batch_size: int
    lr: float
    warmup: float = 0.0
    """Share of the steps in which the rate rises; from 1 on their number, half of all at most."""
    clip: float = 1.0
    weight_decay: float = 0.0
    patience: int | None = None
    least_gain: float = 0.0
    """A rise of the score that counts for ``patience``."""
    target_score: float | None = None
    """Stop when the score is as high as this."""
    bf16: bool = False
    checkpoint_steps: int = 500
    lr_option: str = "train.lr"
    """The option to lower when the training diverges."""
    lr_multipliers: Mapping[str, float] = field(default_factory=dict)
    """Multiples of ``lr`` for parameters, by the beginning of their names."""


@dataclass(frozen=True)
class Validation:
    """What is measured after each epoch, and by which the epoch is selected."""

    scores: Callable[[], npt.ArrayLike]
    """Scores each validation item ``[n]``, higher is better; an epoch is judged by the mean."""
    extra: Callable[[], Mapping[str, float]] | None = None
    """Measures what else is logged; called after ``scores``."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are the result."""


def uses_bf16(precision: str, device: str) -> bool:
    """Decide whether ``train.precision`` means bf16 on a device: ``auto`` does on a GPU."""
    return precision == "bf16" or (precision == "auto" and device.startswith("cuda"))
