"""Training and beam search at BART base's shape, beside transformers' Trainer and `generate`.

Both sides have the same weights, texts, batch size and precision; the peer reads transcripts alone, as
BART (Text) does. A training's rate is that of its median step, without checkpoints; summaries are written
once before they are timed, and with as many tokens as are allowed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainingArguments

from bench.training_steps import receive_steps
from benchmarks import test_training as qms
from benchmarks.gpu.measured import Measured, measure, row
from benchmarks.gpu.world import (
    BATCH,
    BEAMS,
    QMS_STEPS,
    TARGET,
    VOCABULARY,
    StepTimes,
    World,
)
from generators.bart.model import FusedBart
from generators.bart.shape import BartShape
from generators.neural.batches import Batch, Buckets, TrainingSet, to_device
from generators.neural.decoding.beams import NEVER, Rules, beam_search
from generators.neural.decoding.recording import StepRecorder
from generators.neural.targets import Uniform
from generators.neural.training.plan import TrainingPlan
from generators.neural.training.train import train
from generators.qms.model import QMS, LabelledBatch

IGNORED = -100
"""The library's label of padding."""


def compare_generation(world: World) -> Iterator[dict[str, Any]]:
    """Yield the lines of training, then those of writing with the model that was trained."""
    rows, model = compare_training(world)
    yield from rows
    model.eval()
    model.bart.final_logits_bias[0, world.tokens.eos] = NEVER
    for size, bf16 in ((BATCH, False), (BATCH, True), (4 * BATCH, True)) if world.gpu else ((BATCH, False),):
        yield compare_writing(world, model, size, bf16=bf16)


def train_ours(world: World, name: str) -> tuple[StepTimes, FusedBart]:
    """Train as a row does, without validation."""
    model, times = world.model(name), StepTimes()
    plan = TrainingPlan(name, 0, world.device, 1, BATCH, lr=5e-5, bf16=world.gpu)
    with receive_steps(times.note):
        train(model, TrainingSet(world.train, Uniform(0)), world.collate, plan)
    return times, model


class TextTrainer(Trainer):
    """The library's Trainer with batches of like length, so that the sides differ in loop and loss alone."""

    def get_train_dataloader(self) -> Any:
        """Make batches as our trainer does."""
        data: Any = self.train_dataset
        sampler = Buckets([len(item["input_ids"]) for item in data], BATCH, 0)
        loader: Any = torch.utils.data.DataLoader(data, batch_sampler=sampler, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)


def train_peer(world: World) -> StepTimes:
    """Train BART of the library with its Trainer, on transcripts and each video's first query."""
    data: Any = [{"input_ids": one.tokens, "labels": one.targets[0][1:]} for one in world.train]
    times = StepTimes()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=1, per_device_train_batch_size=BATCH, learning_rate=5e-5,
            bf16=world.gpu, use_cpu=not world.gpu, save_strategy="no", lr_scheduler_type="cosine",
            report_to="none", disable_tqdm=True, remove_unused_columns=False,
        )  # fmt: skip
        trainer = TextTrainer(
            world.model("text").bart, arguments, lambda items: pad_texts(items, world.tokens.pad), data
        )
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(times)
        trainer.train()
    return times


def step_qms(world: World, loss: Callable[[QMS, LabelledBatch], Tensor]) -> Callable[[], StepTimes]:
    """Make steps of QMS with random videos, for which it also writes texts that are scored (eq. 15)."""
    layers, width, heads, feed_forward = world.sizes
    shape = BartShape(VOCABULARY, qms.SPECIALS, layers, layers, width, heads, feed_forward, 0.1)
    module, batch = qms.make(shape, BATCH, world.device)
    optimizer = torch.optim.AdamW(module.parameters(), 5e-5, fused=True)

    def steps() -> StepTimes:
        times = StepTimes()
        module.train()
        for _ in range(QMS_STEPS):
            with world.precision(bf16=world.gpu):
                found = loss(module, batch)
            optimizer.zero_grad()
            found.backward()
            optimizer.step()
            if world.gpu:
                torch.cuda.synchronize()
            times.note()
        return times

    return steps


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
    """Measure BART (Text) beside the Trainer, BART (MM), and QMS; return the trained BART (Text) too."""
    text = measure(lambda: train_ours(world, "text"), gpu=world.gpu)
    peer = measure(lambda: train_peer(world), gpu=world.gpu)
    both = measure(lambda: train_ours(world, "concat"), gpu=world.gpu)
    settings = f"batch {BATCH}, {'bf16' if world.gpu else 'fp32'}"
    rows = [
        row("train BART (Text)", settings, *trained(text, peer), "transformers' Trainer"),
        row("train BART (MM)", settings, *trained(both)),
    ]
    ours = measure(step_qms(world, lambda module, batch: module(batch)["loss"]), gpu=world.gpu)
    naive = measure(step_qms(world, qms.naive_loss), gpu=world.gpu)
    rows.append(row("train QMS", settings, *trained(ours, naive), "a pass for each term of the loss"))
    return rows, text.result[1]


def trained(*sides: Measured) -> list[Measured]:
    """Take the median steps as what was timed, and the use of the GPU between the first and the last."""
    made = []
    for side in sides:
        times = side.result[0] if isinstance(side.result, tuple) else side.result
        samples = [(at, use) for at, use in side.samples if times.ends[0] < at < times.ends[-1]]
        made.append(Measured(times.median / BATCH, samples, None))
    return made


def compare_writing(world: World, model: FusedBart, size: int, *, bf16: bool) -> dict[str, Any]:
    """Measure beam search beside `generate`, with the same weights and batches."""
    order = sorted(world.test, key=len, reverse=True)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    batches = [to_device(world.collate([(one, []) for one in part]), world.device) for part in parts]
    rules = Rules(world.tokens.prompt, world.tokens.eos, world.tokens.pad, BEAMS, TARGET)
    replay = StepRecorder() if world.gpu else None

    def write(one: Callable[[Batch], list[list[int]]]) -> list[list[int]]:
        with world.precision(bf16=bf16):
            return [ids for batch in batches for ids in one(batch)]

    sides: list[Callable[[Batch], list[list[int]]]] = [
        lambda batch: beam_search(model, batch, rules, replay),
        lambda batch: generate(world, model.bart, batch),
    ]
    for side in sides:
        write(side)
    measured = [measure(lambda side=side: write(side), gpu=world.gpu) for side in sides]  # type: ignore[misc]
    ours, peer = measured
    each = [Measured(side.seconds / len(order), side.samples, None) for side in measured]
    settings = f"{BEAMS} beams, batch {size}, {'bf16' if bf16 else 'fp32'}"
    made = row("write BART (Text)", settings, *each, "transformers' generate")
    same = sum(a == b for a, b in zip(ours.result, peer.result, strict=True))
    return made | {"same": f"{same} of {len(order)}"}
