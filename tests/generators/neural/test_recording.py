"""Steps that a GPU recorded and replays write the summaries of steps that are started one by one.

On a CPU, steps are repeated over the tensors that a recording is given, in place of being replayed: what a
decoder's list of tensors lacks would be that of an earlier batch.
"""

from __future__ import annotations

import contextlib
import copy
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
from generators.neural.decoding import recording
from generators.neural.decoding.beams import Replay, Rules, Search, beam_search, search
from generators.neural.decoding.recording import StepRecorder, pad_memory
from generators.qms.backbones.mt5_model import MT5Module, random_mt5
from generators.qms.model import Objective
from generators.qms.parts import Parts
from generators.seq2seq.model import AttentiveLSTM
from tests.generators.neural.test_decoding import BOS, EOS, PAD, a_batch, lively_bart

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


class Repeated:
    """Does the work of a recording on a CPU, from a copy of the search that it was made with."""

    def __init__(self, search: Search[Any], read: list[Tensor]) -> None:
        self._search = self._copy(search)

    def _copy(self, search: Search[Any]) -> Search[Any]:
        return copy.deepcopy(search, {id(search.decoder): search.decoder})

    def replay(self, read: list[Tensor]) -> Tensor:
        again = self._copy(self._search)
        mine = [*again.decoder.tensors(again.state), *recording._beams(again)]
        for old, new in zip(mine, read, strict=True):
            old.copy_(new)
        best, over = again.done[:, 0], torch.zeros(len(again.rows), dtype=torch.bool)
        for step in range(1, again.rules.max_tokens + 1):
            finished = again.advance(step)
            best = torch.where((finished & ~over)[:, None], again.done[:, 0], best)
            over |= finished
        return best


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=NO_GPU)])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    if name == "cpu":
        monkeypatch.setattr(recording, "_Recording", Repeated)
        monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    return name


class Counting:
    """Counts what a recorder replays."""

    def __init__(self, recorder: Replay) -> None:
        self.replayed, self.left = 0, 0
        self._recorder = recorder

    def __call__(self, search: Search[Any]) -> Tensor | None:
        best = self._recorder(search)
        self.replayed, self.left = self.replayed + (best is not None), self.left + (best is None)
        return best


def batches(seed: int, sizes: tuple[int, ...], device: str) -> list[Batch]:
    return [to_device(a_batch(seed + number, size), device) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("early_stopping", [True, False, "never"])
@pytest.mark.parametrize("no_repeat_ngram", [0, 2, 3])
def test_replayed_steps_write_what_single_steps_write(
    early_stopping: bool | str, no_repeat_ngram: int, device: str
) -> None:
    for seed, penalty in itertools.product(range(2), (1.0, -0.5)):
        model = FusedBart(lively_bart(seed), TextOnly(16, 1)).eval().to(device)
        rules = Rules((BOS,), EOS, PAD, 4, 9, penalty, no_repeat_ngram, early_stopping)
        replay = Counting(StepRecorder())
        for batch in batches(seed, (6, 6, 6, 6), device):
            assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
        assert (replay.replayed, replay.left) == (3, 1)


def with_frames(batch: Batch) -> Batch:
    count = len(batch["tokens"])
    device = batch["tokens"].device
    batch["frames"] = torch.linspace(-1, 1, count * 3, device=device).view(count, 3, 1)
    batch["frame_mask"] = torch.ones(count, 3, dtype=torch.bool, device=device)
    return batch


def lstm() -> nn.Module:
    return AttentiveLSTM(vocabulary=50, width=16, layers=1, dropout=0.0, frame_width=1, pad=PAD)


def streams() -> nn.Module:
    sizes = {"layers": 1, "heads": 2, "feed_forward": 32, "dropout": 0.0}
    return MDVCModel(
        vocabulary=50, source_vocabulary=50, pad=PAD, frame_width=1, width=16, smoothing=0.1, **sizes
    )


@pytest.mark.parametrize("make", [lstm, streams])
def test_other_decoders_are_replayed(make: Callable[[], Any], device: str) -> None:
    torch.manual_seed(3)
    model, replay = make().eval().to(device), Counting(StepRecorder())
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)  # so that what is written depends on what is read
    rules = Rules((BOS,), EOS, PAD, 4, 9, 1.0, 3)
    for batch in map(with_frames, batches(0, (6, 6, 6), device)):
        assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
    assert (replay.replayed, replay.left) == (2, 1)


def test_mt5_is_replayed(device: str) -> None:
    torch.manual_seed(3)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 2, "num_heads": 2}
    mt5 = random_mt5({"vocab_size": 50, "decoder_start_token_id": BOS, **sizes})
    objective = Objective(Rules((BOS,), EOS, PAD, 1, 9))
    parts: Any = SimpleNamespace(parts=Parts())  # the decoder alone is of interest
    model, replay = MT5Module(mt5, parts, objective).eval().to(device), Counting(StepRecorder())
    rows, mask = torch.arange(6, device=device), torch.ones(6, 11, dtype=torch.bool, device=device)
    with torch.inference_mode():
        for _ in range(3):
            memory = pad_memory(torch.randn(6, 11, 16, device=device), mask)
            alone = search(model, model.begin(*memory), objective.rules, rows)
            assert search(model, model.begin(*memory), objective.rules, rows, replay) == alone
    assert (replay.replayed, replay.left) == (2, 1)


def test_another_shape_is_not_replayed(device: str) -> None:
    model = FusedBart(lively_bart(1), TextOnly(16, 1)).eval().to(device)
    rules, replay = Rules((BOS,), EOS, PAD, 4, 9), Counting(StepRecorder())
    for batch in batches(0, (6, 6, 5, 6, 6, 6), device):
        assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
    assert (replay.replayed, replay.left) == (4, 2)


def test_another_decoder_and_other_rules_are_not_replayed(device: str) -> None:
    replay, (batch,) = Counting(StepRecorder()), batches(0, (6,), device)
    models = [FusedBart(lively_bart(seed), TextOnly(16, 1)).eval().to(device) for seed in (0, 1)]
    for penalty in (1.0, -0.5):
        rules = Rules((BOS,), EOS, PAD, 4, 9, penalty)
        for model in models:
            for _ in range(2):
                assert beam_search(model, batch, rules, replay) == beam_search(model, batch, rules)
    assert (replay.replayed, replay.left) == (4, 4)


def test_weights_changed_in_place_are_read(device: str) -> None:
    model = FusedBart(lively_bart(1), TextOnly(16, 1)).eval().to(device)
    rules, replay = Rules((BOS,), EOS, PAD, 4, 9), Counting(StepRecorder())
    (first,) = batches(0, (6,), device)
    before = [beam_search(model, first, rules, replay) for _ in range(2)][1]
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.1)
    after = beam_search(model, first, rules, replay)
    assert after == beam_search(model, first, rules) != before
    assert replay.replayed == 2
