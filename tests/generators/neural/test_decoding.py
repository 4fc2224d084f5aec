"""One beam search, equal to transformers' ``generate`` and, on a tiny vocabulary, to trying everything."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration

from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart
from generators.bart.shape import BartShape
from generators.neural.batches import Batch
from generators.neural.decoding.beams import Rules, beam_search, block_ngrams

PAD, BOS, EOS = 0, 2, 3


def lively_bart(seed: int) -> BartForConditionalGeneration:
    """A random BART whose choices differ from input to input, and which ends now and then."""
    torch.manual_seed(seed)
    shape = BartShape(
        vocabulary=50,
        encoder_layers=1,
        decoder_layers=2,
        width=16,
        heads=2,
        feed_forward=32,
        dropout=0.1,
        specials=(PAD, BOS, EOS),
    )
    model = BartForConditionalGeneration(BartConfig(**shape.config())).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(8)
        model.final_logits_bias[0, EOS] = float(seed % 3)
    return model


def a_batch(seed: int, size: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 10, (size,), generator=generator)
    lengths[0] = 10
    mask = torch.arange(10)[None] < lengths[:, None]
    tokens = torch.randint(4, 50, (size, 10), generator=generator).masked_fill(~mask, PAD)
    nothing = torch.zeros(size, 0)
    return Batch(
        tokens=tokens,
        token_mask=mask,
        frames=torch.zeros(size, 0, 1),
        frame_mask=nothing.bool(),
        targets=nothing.long(),
        target_mask=nothing.bool(),
    )


@pytest.mark.parametrize("early_stopping", [True, False, "never"])
@pytest.mark.parametrize("no_repeat_ngram", [0, 2, 3])
@pytest.mark.parametrize("prompt", [(BOS,), (EOS, BOS)])
def test_the_search_writes_what_generate_writes(
    early_stopping: bool | str, no_repeat_ngram: int, prompt: tuple[int, ...]
) -> None:
    for seed, penalty in itertools.product(range(3), (0.0, 1.0, 2.0, -0.5)):
        model, batch = lively_bart(seed), a_batch(seed)
        rules = Rules(prompt, EOS, PAD, 4, 9, penalty, no_repeat_ngram, early_stopping)
        model.generation_config.decoder_start_token_id = prompt[0]
        expected = model.generate(
            batch["tokens"],
            attention_mask=batch["token_mask"].long(),
            decoder_input_ids=torch.tensor(prompt).repeat(len(batch["tokens"]), 1),
            max_new_tokens=10,
            num_beams=4,
            do_sample=False,
            length_penalty=penalty,
            no_repeat_ngram_size=no_repeat_ngram,
            early_stopping=early_stopping,
        )
        written = beam_search(FusedBart(model, TextOnly(16, 1)).eval(), batch, rules)
        for ours, theirs in zip(written, expected[:, len(prompt) :].tolist(), strict=True):
            assert ours == theirs[: theirs.index(EOS)]


def test_one_beam_is_greedy() -> None:
    model, batch = lively_bart(1), a_batch(1)
    model.generation_config.decoder_start_token_id = BOS
    expected = model.generate(
        batch["tokens"],
        attention_mask=batch["token_mask"].long(),
        decoder_input_ids=torch.full((6, 1), BOS),
        max_new_tokens=8,
        num_beams=1,
        do_sample=False,
    )
    written = beam_search(FusedBart(model, TextOnly(16, 1)).eval(), batch, Rules((BOS,), EOS, PAD, 1, 7))
    for ours, theirs in zip(written, expected[:, 1:].tolist(), strict=True):
        assert ours == theirs[: theirs.index(EOS)]


@dataclass
class Table:
    """A decoder whose next token depends on the last one and on the video, by a table ``[b, v, v]``."""

    scores: Tensor

    def start(self, batch: Batch) -> Tensor:
        return torch.arange(len(batch["tokens"]))

    def step(self, tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.scores[state, tokens[:, -1]], state

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        return state[rows]

    def reorder(self, state: Tensor, rows: Tensor) -> Tensor:
        assert bool((state[rows] == state).all()), "a beam moved to another video"
        return state


def test_enough_beams_find_what_trying_everything_finds() -> None:
    torch.manual_seed(0)
    vocabulary, longest = 6, 3
    scores = (torch.randn(5, vocabulary, vocabulary) * 2).log_softmax(-1)
    words = [w for w in range(vocabulary) if w != EOS]
    written = beam_search(
        Table(scores), a_batch(0, 5), Rules((BOS,), EOS, PAD, 4 * vocabulary**2, longest, 1.0, 0, "never")
    )
    for number, ours in enumerate(written):
        best, sequence = -float("inf"), ()
        for length in range(longest + 1):
            for tried in itertools.product(words, repeat=length):
                path = (BOS, *tried, EOS)
                steps = [float(scores[number, a, b]) for a, b in itertools.pairwise(path)]
                if length == longest:
                    steps[-1] = 0.0  # the last step can only end
                if sum(steps) / len(steps) > best:
                    best, sequence = sum(steps) / len(steps), tried
        assert tuple(ours) == sequence


def test_a_video_is_written_the_same_alone_and_in_a_batch() -> None:
    model, batch = FusedBart(lively_bart(2), TextOnly(16, 1)).eval(), a_batch(5)
    rules = Rules((BOS,), EOS, PAD, 4, 9, 1.0, 3, True)
    together = beam_search(model, batch, rules)
    for number, row in enumerate(together):
        alone = Batch(**{k: v[number : number + 1] for k, v in batch.items()})  # type: ignore[typeddict-item, attr-defined]
        length = int(alone["token_mask"].sum())
        alone["tokens"], alone["token_mask"] = alone["tokens"][:, :length], alone["token_mask"][:, :length]
        assert beam_search(model, alone, rules) == [row]


def test_a_repeated_ngram_is_forbidden_and_nothing_else() -> None:
    written = torch.tensor([[5, 6, 7, 5, 6], [5, 6, 7, 8, 9]])
    blocked = block_ngrams(written, torch.zeros(2, 10), 3)
    assert blocked[0].isinf().nonzero().flatten().tolist() == [7]
    assert not blocked[1].isinf().any()


def test_an_empty_batch_gives_nothing() -> None:
    assert (
        beam_search(
            Table(torch.zeros(0, 4, 4)),
            a_batch(0, 6) | {"tokens": torch.zeros(0, 0)},
            Rules((2,), 3, 0, 2, 2),
        )
        == []
    )  # type: ignore[arg-type, typeddict-item]
