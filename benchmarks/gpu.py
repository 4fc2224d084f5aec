"""Training and beam search at BART base's shape on one device, beside transformers' Trainer and `generate`.

Usage: python benchmarks/gpu.py DATASET [--device cuda] [--shape bart-base] [--epochs 1] [--out FILE]

DATASET is a folder, such as ``bench data synth --like qmv-kwai --lang en --videos 12000 --out DATASET``
makes. Both sides have the same weights, texts, batch size and precision; the peer reads transcripts alone,
as BART (Text) does. Rates are of wall-clock time after a warm-up, and of a training they include its
checkpoints; the use of the GPU is what NVML reports, sampled ten times a second. The table is printed and
written to results/benchmarks/gpu.csv.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainingArguments

from bench.data.reader import read_dataset
from generators.bart import fusion
from generators.bart.model import FusedBart, random_bart
from generators.bart.shape import BartShape
from generators.neural.batches import Batch, Buckets, Collate, TrainingSet, to_device
from generators.neural.decoding import Rules, beam_search
from generators.neural.examples import Example, prepare
from generators.neural.options import TextOptions
from generators.neural.targets import Uniform
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.neural.training.plan import TrainingPlan
from generators.neural.training.train import train

OUT = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "gpu.csv"
SHAPES = {"bart-base": (6, 768, 12, 3072), "tiny": (2, 64, 2, 128)}
"""Layers of encoder and of decoder, width, heads, width of the feed-forward layers."""
VOCABULARY, BATCH, WRITTEN, BEAMS, TARGET = 8_000, 64, 512, 4, 20
IGNORED = -100
"""The library's label of padding."""
COLUMNS = (
    "what", "settings", "videos_per_s", "peer", "peer_videos_per_s", "ratio", "gpu_use_percent",
    "peer_gpu_use_percent", "same_tokens", "device", "versions",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What all measurements share."""

    device: str
    tokens: Tokens
    shape: BartShape
    train: list[Example]
    test: list[Example]
    frame_width: int
    epochs: int

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
        made = fusion.make(name, self.shape.width, self.frame_width, {})
        return FusedBart(random_bart(self.shape.config()), made).to(self.device)

    def precision(self, *, bf16: bool) -> torch.autocast:
        """Compute in bf16 or in fp32."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=bf16)


@dataclass(frozen=True)
class Measured:
    """One piece of work, timed."""

    seconds: float
    gpu_use: float | None
    """Percent; None without a GPU or without NVML."""
    result: Any


def read_world(folder: Path, device: str, shape: str, epochs: int) -> World:
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
    return World(device, tokens, made, trained, test[:WRITTEN], frames, epochs)


def measure(world: World, work: Callable[[], Any]) -> Measured:
    """Time some work, and sample the use of the GPU meanwhile."""
    samples: list[int] = []
    over = threading.Event()

    def sample() -> None:
        while world.gpu and not over.wait(0.1):
            try:
                samples.append(torch.cuda.utilization())
            except ModuleNotFoundError:  # nvidia-ml-py, which torch asks
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    start = time.perf_counter()
    result = work()
    if world.gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    over.set()
    thread.join()
    return Measured(seconds, statistics.fmean(samples) if samples else None, result)


def train_ours(world: World, name: str, examples: Sequence[Example], epochs: int) -> FusedBart:
    """Train as a row does, without validation."""
    model = world.model(name)
    plan = TrainingPlan(name, 0, world.device, epochs, BATCH, lr=5e-5, bf16=world.gpu)
    train(model, TrainingSet(examples, Uniform(0)), world.collate, plan)
    return model


class TextTrainer(Trainer):
    """The library's Trainer with batches of like length, so that the sides differ in loop and loss alone."""

    def get_train_dataloader(self) -> Any:
        """Make batches as our trainer does."""
        data: Any = self.train_dataset
        sampler = Buckets([len(item["input_ids"]) for item in data], BATCH, 0)
        loader: Any = torch.utils.data.DataLoader(data, batch_sampler=sampler, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)


def train_peer(world: World, examples: Sequence[Example], epochs: int) -> None:
    """Train BART of the library with its Trainer, on transcripts and each video's first query."""
    data: Any = [{"input_ids": one.tokens, "labels": one.targets[0][1:]} for one in examples]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=5e-5,
            bf16=world.gpu, use_cpu=not world.gpu, save_strategy="epoch", lr_scheduler_type="cosine",
            report_to="none", disable_tqdm=True, remove_unused_columns=False,
        )  # fmt: skip
        trainer = TextTrainer(
            world.model("text").bart, arguments, lambda items: pad_texts(items, world.tokens.pad), data
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def pad_texts(items: Sequence[dict[str, list[int]]], pad: int) -> dict[str, Tensor]:
    """Pad transcripts and targets as the library's models take them."""

    def padded(name: str, value: int) -> Tensor:
        rows = [torch.tensor(item[name]) for item in items]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)

    ids = padded("input_ids", pad)
    return {"input_ids": ids, "attention_mask": (ids != pad).long(), "labels": padded("labels", IGNORED)}


def generate(world: World, bart: Any, batch: Batch) -> list[list[int]]:
    """Write by the library, without beginning and end."""
    tokens, (_, bos, eos) = batch["tokens"], world.tokens.special_ids
    bart.generation_config.decoder_start_token_id = bos
    begin = torch.full((len(tokens), 1), bos, device=tokens.device)
    written = bart.generate(
        tokens, attention_mask=batch["token_mask"].long(), decoder_input_ids=begin, max_new_tokens=TARGET + 1,
        num_beams=BEAMS, do_sample=False, early_stopping=True, length_penalty=1.0,
    )  # fmt: skip
    return [ids[: ids.index(eos)] if eos in ids else ids for ids in written[:, 1:].tolist()]


def compare_training(world: World) -> tuple[list[dict[str, Any]], FusedBart]:
    """Measure BART (Text) beside the Trainer, and BART (MM) alone; return the trained BART (Text) too."""
    few = world.train[: 4 * BATCH]
    train_ours(world, "text", few, 1)
    train_peer(world, few, 1)
    text = measure(world, lambda: train_ours(world, "text", world.train, world.epochs))
    peer = measure(world, lambda: train_peer(world, world.train, world.epochs))
    both = measure(world, lambda: train_ours(world, "concat", world.train, world.epochs))
    videos = len(world.train) * world.epochs
    settings = f"{videos} videos, batch {BATCH}, {'bf16' if world.gpu else 'fp32'}"
    rows = [
        row("train BART (Text)", settings, videos, text, "transformers' Trainer", peer),
        row("train BART (MM)", settings, videos, both),
    ]
    return rows, text.result


def compare_writing(world: World, model: FusedBart, size: int, *, bf16: bool) -> dict[str, Any]:
    """Measure beam search beside `generate`, with the same weights and batches."""
    order = sorted(world.test, key=len, reverse=True)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    batches = [to_device(world.collate([(one, []) for one in part]), world.device) for part in parts]
    rules = Rules(world.tokens.prompt, world.tokens.eos, world.tokens.pad, BEAMS, TARGET)

    def write(one: Callable[[Batch], list[list[int]]]) -> list[list[int]]:
        with world.precision(bf16=bf16):
            return [ids for batch in batches for ids in one(batch)]

    sides: list[Callable[[Batch], list[list[int]]]] = [
        lambda batch: beam_search(model, batch, rules),
        lambda batch: generate(world, model.bart, batch),
    ]
    for side in sides:
        write(side)
    ours, peer = (measure(world, lambda side=side: write(side)) for side in sides)  # type: ignore[misc]
    settings = f"{BEAMS} beams, batch {size}, {'bf16' if bf16 else 'fp32'}"
    made = row("write BART (Text)", settings, len(order), ours, "transformers' generate", peer)
    same = sum(a == b for a, b in zip(ours.result, peer.result, strict=True))
    return made | {"same_tokens": f"{same} of {len(order)}"}


def row(
    what: str, settings: str, videos: int, ours: Measured, name: str = "", peer: Measured | None = None
) -> dict[str, Any]:
    """Make a line of the table, and print it."""
    made: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
        "what": what,
        "settings": settings,
        "videos_per_s": round(videos / ours.seconds, 1),
        "gpu_use_percent": "" if ours.gpu_use is None else round(ours.gpu_use),
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"{os.cpu_count()} CPUs",
        "versions": " ".join(f"{package}={version(package)}" for package in ("torch", "transformers")),
    }
    if peer is not None:
        made |= {
            "peer": name,
            "peer_videos_per_s": round(videos / peer.seconds, 1),
            "ratio": round(peer.seconds / ours.seconds, 2),
            "peer_gpu_use_percent": "" if peer.gpu_use is None else round(peer.gpu_use),
        }
    print(*(made[name] for name in COLUMNS), sep=" | ", flush=True)
    return made


def write_table(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the lines measured so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shape", choices=SHAPES, default="bart-base")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    world = read_world(args.dataset, args.device, args.shape, args.epochs)
    rows, model = compare_training(world)
    model.eval()
    for size, bf16 in ((BATCH, False), (BATCH, True), (4 * BATCH, True)) if world.gpu else ((BATCH, False),):
        rows.append(compare_writing(world, model, size, bf16=bf16))
        write_table(rows, args.out)


if __name__ == "__main__":
    main()
