"""Steps that a GPU recorded and replays write the summaries of steps that are started one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart
from generators.mdvc.model import MDVCModel
from generators.neural.batches import Batch, to_device
from generators.neural.decoding.beams import Replay, Rules, Search, beam_search, search
from generators.neural.decoding.recording import StepRecorder, alike
from generators.qms.backbones.mt5_model import MT5Module, random_mt5
from generators.qms.model import Objective
from generators.qms.parts import Parts
from generators.seq2seq.model import AttentiveLSTM
from tests.generators.neural.test_decoding import BOS, EOS, PAD, a_batch, lively_bart

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


class Counting:
    """Counts what a recorder replays."""

    def __init__(self, recorder: Replay) -> None:
        self.replayed, self.left = 0, 0
        self._recorder = recorder

    def __call__(self, search: Search[Any]) -> Tensor | None:
        best = self._recorder(search)
        self.replayed, self.left = self.replayed + (best is not None), self.left + (best is None)
        return best


def batches(seed: int, sizes: tuple[int, ...]) -> list[Batch]:
    return [to_device(a_batch(seed + number, size), "cuda") for number, size in enumerate(sizes)]


@pytest.mark.parametrize("early_stopping", [True, False, "never"])
@pytest.mark.parametrize("no_repeat_ngram", [0, 2, 3])
def test_replayed_steps_write_what_single_steps_write(
    early_stopping: bool | str, no_repeat_ngram: int
) -> None:
    for seed, penalty in itertools.product(range(2), (1.0, -0.5)):
        model = FusedBart(lively_bart(seed), TextOnly(16, 1)).eval().cuda()
        rules = Rules((BOS,), EOS, PAD, 4, 9, penalty, no_repeat_ngram, early_stopping)
        replay = Counting(StepRecorder())
        for batch in batches(seed, (6, 6, 6, 6)):
            assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
        assert (replay.replayed, replay.left) == (3, 1)


def with_frames(batch: Batch) -> Batch:
    count = len(batch["tokens"])
    batch["frames"] = torch.linspace(-1, 1, count * 3, device="cuda").view(count, 3, 1)
    batch["frame_mask"] = torch.ones(count, 3, dtype=torch.bool, device="cuda")
    return batch


def lstm() -> nn.Module:
    return AttentiveLSTM(vocabulary=50, width=16, layers=1, dropout=0.0, frame_width=1, pad=PAD)


def streams() -> nn.Module:
    sizes = {"layers": 1, "heads": 2, "feed_forward": 32, "dropout": 0.0}
    return MDVCModel(
        vocabulary=50, source_vocabulary=50, pad=PAD, frame_width=1, width=16, smoothing=0.1, **sizes
    )


@pytest.mark.parametrize("make", [lstm, streams])
def test_other_decoders_are_replayed(make: Callable[[], Any]) -> None:
    torch.manual_seed(3)
    model, replay = make().eval().cuda(), Counting(StepRecorder())
    rules = Rules((BOS,), EOS, PAD, 4, 9, 1.0, 3)
    for batch in map(with_frames, batches(0, (6, 6, 6))):
        assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
    assert (replay.replayed, replay.left) == (2, 1)


def test_mt5_is_replayed() -> None:
    torch.manual_seed(3)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 2, "num_heads": 2}
    mt5 = random_mt5({"vocab_size": 50, "decoder_start_token_id": BOS, **sizes})
    objective = Objective(Rules((BOS,), EOS, PAD, 1, 9))
    parts: Any = SimpleNamespace(parts=Parts())  # the decoder alone is of interest
    model, replay = MT5Module(mt5, parts, objective).eval().cuda(), Counting(StepRecorder())
    rows, mask = torch.arange(6, device="cuda"), torch.ones(6, 11, dtype=torch.bool, device="cuda")
    with torch.inference_mode():
        for _ in range(3):
            memory = alike(torch.randn(6, 11, 16, device="cuda"), mask)
            alone = search(model, model.begin(*memory), objective.rules, rows)
            assert search(model, model.begin(*memory), objective.rules, rows, replay) == alone
    assert (replay.replayed, replay.left) == (2, 1)


def test_another_shape_is_not_replayed() -> None:
    model = FusedBart(lively_bart(1), TextOnly(16, 1)).eval().cuda()
    rules, replay = Rules((BOS,), EOS, PAD, 4, 9), Counting(StepRecorder())
    for batch in batches(0, (6, 6, 5, 6, 6, 6)):
        assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
    assert (replay.replayed, replay.left) == (4, 2)


def test_weights_changed_in_place_are_read() -> None:
    model = FusedBart(lively_bart(1), TextOnly(16, 1)).eval().cuda()
    rules, replay = Rules((BOS,), EOS, PAD, 4, 9), Counting(StepRecorder())
    (first,) = batches(0, (6,))
    before = [beam_search(model, first, rules, replay) for _ in range(2)][1]
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.1)
    after = beam_search(model, first, rules, replay)
    assert after == beam_search(model, first, rules) != before
    assert replay.replayed == 2
