"""What `benchmarks.gpu` measures with: a dataset as tokens, models of random weights, times of steps."""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from bench.data.reader import read_dataset
from generators.bart import fusion
from generators.bart.model import FusedBart, random_bart
from generators.bart.shape import BartShape
from generators.neural.batches import Collate
from generators.neural.examples import Example, prepare
from generators.neural.options import TextOptions
from generators.neural.tokens import Tokens, build, transcripts_and_queries

SHAPES = {"bart-base": (6, 768, 12, 3072), "tiny": (2, 64, 2, 128)}
"""Layers of encoder and of decoder, width, heads, width of the feed-forward layers."""
VOCABULARY, BATCH, WRITTEN, BEAMS, TARGET = 8_000, 64, 512, 4, 20
QMS_STEPS = 20


@dataclass(frozen=True)
class World:
    """What all measurements share."""

    device: str
    tokens: Tokens
    shape: BartShape
    sizes: tuple[int, int, int, int]
    """Layers, width, heads and width of the feed-forward layers, of `SHAPES`."""
    train: list[Example]
    test: list[Example]
    frame_width: int

    @property
    def gpu(self) -> bool:
        """Whether the device is a GPU, where ``train.precision=auto`` is bf16."""
        return self.device.startswith("cuda")

    @property
    def collate(self) -> Collate:
        """Pads examples to a batch."""
        return Collate(self.tokens.pad, self.frame_width)

    def model(self, name: str) -> FusedBart:
        """Build a model with random weights, the same in each call."""
        torch.manual_seed(0)
        with torch.device(self.device):
            made = fusion.make(name, self.shape.width, self.frame_width, {})
            return FusedBart(random_bart(self.shape.config()), made)

    def precision(self, *, bf16: bool) -> torch.autocast:
        """Compute in bf16 or in fp32."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=bf16)


def read_world(folder: Path, device: str, shape: str, steps: int) -> World:
    """Read a dataset, build its vocabulary and tokenise it."""
    data = read_dataset(folder)
    train_videos, test_videos = (data.videos(name, references=True) for name in ("train", "test"))
    tokens = build(transcripts_and_queries(train_videos), VOCABULARY)
    train_examples, test = (
        prepare(videos, tokens, TextOptions())[0] for videos in (train_videos, test_videos)
    )
    layers, width, heads, feed_forward = SHAPES[shape]
    made = BartShape(len(tokens), tokens.special_ids, layers, layers, width, heads, feed_forward, 0.1)
    frames = max(video.frames.shape[1] for video in train_videos if video.frames.ndim == 2)
    trained = [one for one in train_examples if one.targets]
    return World(device, tokens, made, SHAPES[shape], trained[: steps * BATCH], test[:WRITTEN], frames)


class StepTimes(TrainerCallback):
    """Notes when the steps of a training end."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def note(self, _: object = None) -> None:
        """Note the end of a step."""
        self.ends.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the end of a step of the library's Trainer."""
        self.note()

    @property
    def median(self) -> float:
        """Seconds of a step, without the first, in which the device is prepared."""
        return statistics.median(b - a for a, b in itertools.pairwise(self.ends[len(self.ends) // 5 :]))
