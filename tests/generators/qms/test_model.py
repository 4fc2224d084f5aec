"""What QMS minimises, piece by piece, against numbers worked out another way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from bench.context import Context
from bench.types import Video
from generators.neural.examples import prepare
from generators.neural.losses import split_targets
from generators.neural.options import TextOptions
from generators.neural.row import NeuralRow
from generators.qms.fusion import stack
from generators.qms.model import entity_loss, weighted
from generators.qms.parts import Parts
from generators.qms.rows import (
    qms,
    unit_scores,
    without_entity,
    without_sampling,
    without_scores,
    without_textual,
    without_visual,
)
from tests.generators.conftest import FolderStore, toy

Make = Callable[..., Context]
ABLATIONS = [without_visual, without_textual, without_scores, without_entity, without_sampling, unit_scores]
VIDEOS = toy(8, where="text")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    """Weights are pretrained once for all tests here."""
    return FolderStore(tmp_path_factory.mktemp("store"))


def ready(row: Any) -> Any:
    """A row as it stands before its first step."""
    tokens = row.vocabulary(VIDEOS)
    row.build(tokens, row.configuration(tokens, 8))
    row.load_pretrained(row.module)
    return row


def batch_of(row: Any, videos: list[Video] = VIDEOS[:1]) -> Any:
    examples, _ = prepare(videos, row.tokens, TextOptions(transcript_tokens=24, query_tokens=6))
    return row.collate([(example, example.targets[0]) for example in row.add_supervision(videos, examples)])


def likelihood(module: Any, memory: Any, batch: Any) -> torch.Tensor:
    """The mean loss of one target, without batching or padding."""
    target = batch["targets"][:1]
    logits = module.logits(target[:, :-1], *memory)
    return functional.cross_entropy(logits[0], target[0, 1:])


def assert_paths_agree(row: Any, videos: list[Video]) -> None:
    """The logits over the memory that the paths share are those over a memory for each."""
    module, batch = row.module, batch_of(row, videos)
    views, (read, _, _) = module.views(batch), split_targets(batch)
    shared = module._logits_of_paths(read, views)
    apart = module.logits(read.repeat(3, 1), *stack([views.fused, views.visual, views.textual]))
    torch.testing.assert_close(shared, apart, atol=1e-5, rtol=1e-5)
    gradients = []
    for logits in (shared, apart):
        module.zero_grad()
        (logits * torch.arange(logits.numel()).view(logits.shape).cos()).mean().backward(retain_graph=True)
        gradients.append([p.grad.clone() for p in module.parameters() if p.grad is not None])
    torch.testing.assert_close(*gradients)


def test_equation_17_on_numbers() -> None:
    losses = torch.tensor([[3.0, 1.0], [2.0, 4.0], [5.0, 6.0]])
    scores = torch.tensor([[0.5, 0.0], [0.2, 1.0]])
    assert weighted(losses, scores).tolist() == pytest.approx([(3 + 1 + 1) / 3, (1 + 0 + 6) / 3])


def test_equation_10_on_numbers() -> None:
    scores = torch.tensor([[0.0, math.log(3), 7.0], [math.log(4), 9.0, 9.0]])  # h: 1/2, 3/4; 4/5
    labels = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    words = torch.tensor([[True, True, False], [True, False, False]])
    first, second = [-math.log(1 / 2), -math.log(1 / 4)], -math.log(4 / 5)
    assert float(entity_loss(scores, labels, words)) == pytest.approx((sum(first) / 2 + second) / 2, rel=1e-5)
    assert float(entity_loss(scores, labels, words, "sum")) == pytest.approx((sum(first) + second) / 2)


def test_a_transcript_without_words_costs_nothing() -> None:
    none = torch.zeros(1, 2, dtype=torch.bool)
    assert float(entity_loss(torch.randn(1, 2), torch.ones(1, 2), none)) == 0


def test_each_path_has_its_own_loss_and_all_make_equation_18(context: Make) -> None:
    row = ready(qms(context()))
    module, batch = row.module, batch_of(row)
    parts, views = module(batch), module.views(batch)
    assert set(parts) == {"loss", "loss_g", "loss_v", "loss_t", "loss_c", "U_v", "U_t", "selected"}
    for name, memory in (("loss_g", views.fused), ("loss_v", views.visual), ("loss_t", views.textual)):
        torch.testing.assert_close(parts[name], likelihood(module, memory, batch))
    words = views.words[0]
    chances = views.scores[0][words].sigmoid()
    truth = batch["labels"][0][words]
    entropy = -(truth * chances.log() + (1 - truth) * (1 - chances).log()).mean()
    torch.testing.assert_close(parts["loss_c"], entropy)
    generation = (parts["loss_g"] + parts["U_v"] * parts["loss_v"] + parts["U_t"] * parts["loss_t"]) / 3
    torch.testing.assert_close(parts["loss"], generation + 0.5 * entropy)


def test_paths_that_share_a_memory_say_what_each_says_alone(context: Make) -> None:
    row = ready(qms(context()))
    silent = dataclasses.replace(VIDEOS[1], transcript="")
    blank = dataclasses.replace(VIDEOS[2], frames=VIDEOS[2].frames[:0])
    assert_paths_agree(row, [VIDEOS[0], silent, blank])


def test_a_long_target_weighs_no_more_than_a_short_one(context: Make) -> None:
    row = ready(qms(context()))
    videos = [dataclasses.replace(VIDEOS[0], references=("apple",)), VIDEOS[1]]
    both = row.module(batch_of(row, videos))["loss_g"]
    apart = [row.module(batch_of(row, [video]))["loss_g"] for video in videos]
    torch.testing.assert_close(both, (apart[0] + apart[1]) / 2, atol=1e-5, rtol=1e-5)


def test_no_gradient_flows_through_the_scores(context: Make) -> None:
    row = ready(qms(context(qms__entity_weight=0.0)))
    module, batch = row.module, batch_of(row)
    known = torch.tensor([[0.25], [0.75]])
    module.scores = lambda *_: known
    module(batch)["loss"].backward()
    fixed = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad()
    known.requires_grad_()
    module(batch)["loss"].backward()
    assert known.grad is None
    assert all(torch.equal(p.grad, fixed[n]) for n, p in module.named_parameters() if n in fixed)


def test_only_the_entity_loss_teaches_the_head(context: Make) -> None:
    row = ready(qms(context(qms__entity_weight=0.0)))
    row.module(batch_of(row))["loss"].backward()
    block = [*row.module.fusion.head.parameters(), *row.module.fusion.attention.parameters()]
    assert all(p.grad is None or not p.grad.any() for p in block)
    row = ready(qms(context()))
    row.module(batch_of(row))["loss"].backward()
    assert any(p.grad.any() for p in row.module.fusion.head.parameters())


def test_both_unimodal_losses_teach_the_one_decoder(context: Make) -> None:
    row = ready(qms(context()))
    module, batch = row.module, batch_of(row)
    views = module.views(batch)
    for memory in (views.visual, views.textual):
        module.zero_grad()
        likelihood(module, memory, batch).backward(retain_graph=True)
        assert all(p.grad is not None for p in module.decoder.layers.parameters())


def test_scores_are_what_the_modality_alone_writes(context: Make) -> None:
    row = ready(qms(context()))
    module, batch = row.module, batch_of(row, VIDEOS[:3])
    views = module.views(batch)
    written = module.unimodal(batch)
    limit = module.objective.rules.max_tokens  # the longest query of the training split
    for i in range(3):  # greedy by hand, one video at a time, no cache
        alone = (views.visual[0][i : i + 1], views.visual[1][i : i + 1])
        ids = list(row.tokens.prompt)
        while len(ids) - len(row.tokens.prompt) < limit and ids[-1] != row.tokens.eos:
            ids.append(int(module.logits(torch.tensor([ids]), *alone)[0, -1].argmax()))
        by_hand = ids[len(row.tokens.prompt) :]
        expected = by_hand[: by_hand.index(row.tokens.eos)] if row.tokens.eos in by_hand else by_hand
        assert written[i] == expected
    assert module.scores(views, batch)[0].tolist() == pytest.approx(module.confidence(written[:3], [0, 1, 2]))


def test_a_missing_modality_has_no_say(context: Make) -> None:
    row = ready(unit_scores(context()))
    silent = [
        dataclasses.replace(VIDEOS[0], transcript=""),
        dataclasses.replace(VIDEOS[1], frames=VIDEOS[1].frames[:0]),
        VIDEOS[2],
    ]
    batch = batch_of(row, silent)
    assert row.module.scores(row.module.views(batch), batch).tolist() == [[1, 0, 1], [0, 1, 1]]


def test_teacher_forced_scores_follow_the_target(context: Make) -> None:
    row = ready(qms(context(qms__scores="teacher")))
    batch = batch_of(row)
    target = batch["targets"][0, 1:].tolist()
    logits = functional.one_hot(torch.tensor([target] * 3), len(row.tokens)).float()
    row.module.logits = lambda *_: logits
    parts = row.module(batch)
    assert (float(parts["U_v"]), float(parts["U_t"])) == (1, 1)


def test_the_literal_norm_is_a_part_of_the_loss(context: Make) -> None:
    plain, literal = (ready(qms(context(qms__regulariser=r))) for r in ("plain", "norm"))
    literal.module.load_state_dict(plain.module.state_dict())
    norm = torch.cat([p.flatten() for p in plain.module.parameters()]).norm()
    parts = literal.module(batch_of(literal))
    torch.testing.assert_close(parts["norm"], norm)
    torch.testing.assert_close(parts["loss"], plain.module(batch_of(plain))["loss"] + 0.5 * norm)


def test_the_regulariser_decays_weights_by_default_only(context: Make) -> None:
    decays = {r: qms(context(qms__regulariser=r)) for r in ("decoupled", "norm", "plain")}
    for row in decays.values():
        ready(row)
    assert [row.training_plan().weight_decay for row in decays.values()] == [0.5, 0, 0]


def names(row: NeuralRow) -> set[str]:
    return {name for name, _ in row.module.named_parameters()}


def test_ablations_remove_the_parameters_they_say_and_nothing_else(context: Make) -> None:
    whole = ready(qms(context()))
    gone = {f.__name__: names(whole) - names(ready(f(context()))) for f in ABLATIONS}

    def under(*starts: str) -> set[str]:
        return {name for name in names(whole) if name.startswith(starts)}

    assert gone == {
        "without_visual": under("fusion.project", "fusion.encoder"),
        "without_textual": under("bart.model.encoder", "fusion.head"),
        "without_scores": set(),
        "without_entity": under("fusion.attention", "fusion.head"),
        "without_sampling": set(),
        "unit_scores": set(),
    }
    assert all(gone[name] for name in ("without_visual", "without_textual", "without_entity"))


def test_ablations_remove_the_losses_they_say_and_nothing_else(context: Make) -> None:
    whole = {"loss", "loss_g", "loss_v", "loss_t", "loss_c", "U_v", "U_t", "selected"}
    unimodal = {"loss_v", "loss_t", "U_v", "U_t"}
    entity = {"loss_c", "selected"}
    logged = {f.__name__: set(row.module(batch_of(row))) for f in ABLATIONS if (row := ready(f(context())))}
    assert logged == {
        "without_visual": whole - unimodal,
        "without_textual": whole - unimodal - entity,
        "without_scores": whole - unimodal,
        "without_entity": whole - entity,
        "without_sampling": whole,
        "unit_scores": whole,
    }


def test_without_scores_the_loss_is_not_a_third(context: Make) -> None:
    row = ready(without_scores(context()))
    parts = row.module(batch_of(row))
    torch.testing.assert_close(parts["loss"], parts["loss_g"] + 0.5 * parts["loss_c"])


def test_ablations_start_from_the_same_weights(context: Make) -> None:
    whole = ready(qms(context())).module.state_dict()
    for make in (without_scores, without_sampling, unit_scores):
        other = ready(make(context())).module.state_dict()
        assert all(torch.equal(weight, whole[name]) for name, weight in other.items())


def test_only_the_row_without_sampling_draws_uniformly(context: Make) -> None:
    for make in (qms, *ABLATIONS):
        row = ready(make(context()))
        expected = "Uniform" if make is without_sampling else "Sampled"
        assert type(row.targets(VIDEOS)).__name__ == expected


def test_parts_differ_from_the_whole_in_one_place(context: Make) -> None:
    whole = dataclasses.asdict(Parts())
    for make in ABLATIONS:
        parts = dataclasses.asdict(make(context()).parts)
        assert sum(parts[name] != whole[name] for name in whole) == 1
