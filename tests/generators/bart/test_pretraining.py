"""Text infilling masks its share of a text, and pretraining by it lowers the loss."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.context import Context
from generators.bart.pretraining import Infilling, Recipe, infill, pretrain
from generators.bart.rows import BartText
from generators.neural.batches import prepare
from generators.neural.tokens import build
from generators.options import BartOptions, PretrainOptions, TextOptions
from generators.qms.rows import qms
from tests.generators.conftest import FolderStore, toy

Make = Callable[..., Context]
MASK = -1


def recipe(**changes: float) -> Recipe:
    bart = BartOptions(weights="self", encoder_layers=1, decoder_layers=1, width=24, heads=2, feed_forward=32)
    text = TextOptions(transcript_tokens=24, query_tokens=6, vocabulary=120)
    return Recipe(bart, PretrainOptions(batch_size=8, **changes), text, 0, "cpu", False)  # type: ignore[arg-type]


def test_masked_spans_take_their_share_and_leave_the_rest_in_order() -> None:
    chance, gone = random.Random(0), 0
    for _ in range(300):
        ids = list(range(40))
        masked = infill(ids, chance, share=0.3, mean=3.0, mask=MASK)
        left = [token for token in masked if token != MASK]
        assert left == sorted(left)
        assert set(left) <= set(ids)
        assert MASK in masked
        gone += 40 - len(left)
    assert 0.15 < gone / (300 * 40) <= 0.3


def test_nothing_is_masked_when_nothing_should_be() -> None:
    assert infill([4, 5, 6], random.Random(0), share=0.0, mean=3.0, mask=MASK) == [4, 5, 6]


def test_examples_change_with_the_epoch_and_not_with_the_call() -> None:
    videos = toy(6, where="text")
    texts = [text for v in videos for text in (v.transcript, *v.references)]
    data = Infilling(videos, build(texts, 120), recipe())
    assert len(data) == 12
    first = [data[i][1] for i in range(12)]
    assert first == [data[i][1] for i in range(12)]
    sources = [data[i][0].tokens for i in range(12)]
    data.epoch = 1
    assert sources != [data[i][0].tokens for i in range(12)]


def test_pretraining_lowers_the_loss_of_bart_text_on_validation(context: Make) -> None:
    videos, val = toy(96, where="text"), toy(24, where="text", start=500)
    losses = []
    for epochs in (0, 8):
        generator = BartText(context(pretrain__epochs=8, pretrain__lr=3e-3))
        tokens = generator.vocabulary(videos)
        generator.build(tokens, generator.configuration(tokens, 1))
        if epochs:
            generator.load_pretrained(generator.module)
        examples, _ = prepare(val, tokens, TextOptions(transcript_tokens=24, query_tokens=6))
        bare = [type(e)(e.video_id, e.tokens, e.frames[:0], e.targets) for e in examples]
        with torch.inference_mode():
            losses.append(
                float(generator.module(generator.collate([(e, e.targets[0]) for e in bare]))["loss"])
            )
    assert losses[1] < losses[0] - 1


def test_pretraining_is_the_same_each_time(tmp_path: Path) -> None:
    first, again = (pretrain(recipe(epochs=1), toy(8, where="text"), None)[0] for _ in range(2))
    for ours, theirs in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_other_training_texts_are_pretrained_anew(context: Make, store: FolderStore) -> None:
    for videos in (toy(8, where="text"), toy(9, where="text"), toy(8, where="text")):
        BartText(context()).vocabulary(videos)
    assert store.built == 2


def test_what_another_version_made_is_not_reused(
    context: Make, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> int:
        row = qms(context(train__epochs=1))
        row.fit(toy(8, where="text"), [])
        return store.built

    assert (made(), made()) == (2, 2), "the weights and the comparison of queries"
    for module in ("bart.pretraining", "qms.sentences"):
        monkeypatch.setattr(f"generators.{module}.installed_versions", lambda _: {"torch": "0"})
    assert made() == 4
