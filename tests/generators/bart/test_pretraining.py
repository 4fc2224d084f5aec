"""Text infilling masks its share of a text, and pretraining by it lowers the loss."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.context import Context
from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart
from generators.bart.options import BartOptions, PretrainOptions
from generators.bart.pretraining.infilling import HeldOut, Infilling, Masking, infill
from generators.bart.pretraining.pretrain import pretrain, split_texts
from generators.bart.pretraining.recipe import Recipe
from generators.bart.rows import BartText
from generators.neural.examples import prepare
from generators.neural.options import TextOptions
from generators.neural.tokens import Tokens, build, transcripts_and_queries
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


def masking(tokens: Tokens, *, window: int = 100, **changes: float) -> Masking:
    return Masking(tokens, recipe(**changes).pretrain, window, 0)


def groups(tokens: Tokens, texts: list[str]) -> list[list[list[int]]]:
    return [[one.ids] for one in tokens.encode(texts, 100)]


def test_examples_change_with_the_round_and_not_with_the_call() -> None:
    texts = [video.transcript for video in toy(6, where="text")]
    tokens = build(texts, 120)
    data = Infilling([groups(tokens, texts)], masking(tokens), 6)
    first = [data[i] for i in range(6)]
    assert [(e.tokens, t) for e, t in first] == [(e.tokens, t) for e, t in (data[i] for i in range(6))]
    assert sorted(len(target) for _, target in first) == sorted(length + 2 for length in data.lengths)
    data.epoch = 1
    assert [e.tokens for e, _ in first] != [data[i][0].tokens for i in range(6)]


def test_every_kind_of_text_has_the_same_share_and_each_text_its_turn() -> None:
    names = [[f"word{i}" for i in range(12)], ["alone"]]
    tokens = build(["alone", *names[0]], 200)
    data = Infilling([groups(tokens, kind) for kind in names], masking(tokens, masked=0.0), 12)
    written = []
    for data.epoch in (0, 1):
        written += [tokens.decode(data[i][0].tokens) for i in range(12)]
    assert sorted(written) == sorted([*names[0], *["alone"] * 12])


def test_a_text_longer_than_the_window_is_cut_at_another_place_each_time() -> None:
    tokens = build(["a b c d e f g h"], 60)
    data = Infilling([groups(tokens, ["a b c d e f g h"])], masking(tokens, window=3, masked=0.0), 16)
    cuts = {tokens.decode(data[i][0].tokens) for i in range(16)}
    assert cuts <= {"a b c", "b c d", "c d e", "d e f", "e f g", "f g h"}
    assert len(cuts) > 3


def test_pretraining_lowers_the_loss_of_bart_text_on_validation(context: Make) -> None:
    videos, val = toy(96, where="text"), toy(24, where="text", start=500)
    losses = []
    for pretrained in (False, True):
        generator = BartText(context(pretrain__steps=100, pretrain__lr=3e-3))
        tokens = generator.vocabulary(videos)
        generator.build(tokens, generator.configuration(tokens, 1))
        if pretrained:
            generator.load_pretrained(generator.module)
        examples, _ = prepare(val, tokens, TextOptions(transcript_tokens=24, query_tokens=6))
        bare = [type(e)(e.video_id, e.tokens, e.frames[:0], e.targets) for e in examples]
        with torch.inference_mode():
            losses.append(
                float(generator.module(generator.collate([(e, e.targets[0]) for e in bare]))["loss"])
            )
    assert losses[1] < losses[0] - 1


def test_pretraining_is_the_same_each_time(tmp_path: Path) -> None:
    first, again = (pretrain(recipe(steps=2), toy(8, where="text"), None)[0] for _ in range(2))
    for ours, theirs in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_other_training_texts_are_pretrained_anew(context: Make, store: FolderStore) -> None:
    for videos in (toy(8, where="text"), toy(9, where="text"), toy(8, where="text")):
        BartText(context()).vocabulary(videos)
    assert store.built == 2


def test_the_loss_is_measured_on_texts_that_are_not_trained_on() -> None:
    videos = toy(40, where="text")
    others = [f"other number {i}" for i in range(60)]
    tokens = build([*transcripts_and_queries(videos), *others], 200)
    trained, measured = split_texts(recipe(), tokens, videos, others)
    assert [len(kind) for kind in trained] == [38, 38, 57]
    assert [len(kind) for kind in measured] == [2, 2, 3]
    for kind in (0, 2):  # queries recur from video to video
        assert not {str(group) for group in trained[kind]} & {str(group) for group in measured[kind]}


def test_the_weights_are_those_of_the_lowest_held_out_loss() -> None:
    bart, tokens, log = pretrain(recipe(steps=40, evaluation_steps=10, lr=3e-3), toy(40, where="text"), None)
    losses = [entry["heldout_loss"] for entry in log if "heldout_loss" in entry]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert not any("eval_score" in entry for entry in log)
    _, measured = split_texts(recipe(), tokens, toy(40, where="text"), ())
    held_out = HeldOut(measured, masking(tokens, window=22), 8)
    assert held_out.loss(FusedBart(bart, TextOnly(0, 0)), "cpu") == pytest.approx(min(losses), abs=1e-5)


@pytest.mark.parametrize(
    ("rule", "measurements"),
    [({"target_loss": 20.0}, 1), ({"patience": 2, "least_gain": 50.0}, 3), ({"target_loss": 0.001}, 5)],
)
def test_pretraining_stops_by_its_rules(rule: dict[str, float], measurements: int) -> None:
    changes = {"steps": 20, "evaluation_steps": 4, **rule}
    _, _, log = pretrain(recipe(**changes), toy(40, where="text"), None)
    assert sum("heldout_loss" in entry for entry in log) == measurements


def test_a_row_logs_the_loss_that_its_pretraining_ended_with(context: Make) -> None:
    for row in (BartText, qms):
        generator = row(context(train__epochs=1))
        generator.fit(toy(24, where="text"), [])
        assert 0 < generator.log[0]["infilling_loss"] < 10


def test_what_another_version_made_is_not_reused(
    context: Make, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> int:
        row = qms(context(train__epochs=1))
        row.fit(toy(8, where="text"), [])
        return store.built

    assert (made(), made()) == (2, 2), "the weights and the comparison of queries"
    for module in ("bart.pretraining.recipe", "qms.comparison"):
        monkeypatch.setattr(f"generators.{module}.installed_versions", lambda _: {"torch": "0"})
    assert made() == 4
