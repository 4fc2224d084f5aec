"""The memory of QMS: selected words count twice, and nothing else does."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from generators.bart.fusion import TextOnly
from generators.bart.model import FusedBart, random_bart
from generators.bart.shape import BartShape
from generators.neural.batches import Batch
from generators.qms.fusion import Attention, EntityAware, Selection, entities, join, stack
from generators.qms.model import visual_encoder
from generators.qms.parts import Parts

WIDTH, FRAME = 16, 6
SPECIALS = (0, 2, 3)


def bart() -> FusedBart:
    torch.manual_seed(1)
    shape = BartShape(
        vocabulary=30,
        specials=SPECIALS,
        encoder_layers=1,
        decoder_layers=2,
        width=WIDTH,
        heads=4,
        feed_forward=32,
        dropout=0.1,
    )
    return FusedBart(random_bart(shape.config()), TextOnly(0, 0)).eval()


def block(parts: Parts | None = None, model: FusedBart | None = None) -> EntityAware:
    torch.manual_seed(2)
    encoder = visual_encoder((model or bart()).bart)
    made = EntityAware(encoder, FRAME, parts or Parts(), Selection(SPECIALS))
    return made.eval()


def batch(frames: int = 3) -> Batch:
    torch.manual_seed(3)
    tokens = torch.tensor([[2, 10, 11, 12, 13, 3], [2, 14, 15, 3, 0, 0]])
    frame_mask = torch.zeros(2, frames, dtype=torch.bool)
    frame_mask[0], frame_mask[1, :1] = True, True
    empty = torch.zeros(2, 0, dtype=torch.long)
    return Batch(
        tokens=tokens,
        token_mask=tokens != 0,
        frames=torch.randn(2, frames, FRAME) * frame_mask[:, :, None],
        frame_mask=frame_mask,
        targets=empty,
        target_mask=empty.bool(),
    )


def text(width: int = 6) -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    return torch.randn(2, width, WIDTH), batch()["token_mask"]


def selected() -> Tensor:
    return torch.tensor([[0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0]]).bool()


def test_a_second_copy_of_the_selected_words_is_log_2_on_their_attention_logits() -> None:
    model, (t, mask), read = bart(), text(), torch.tensor([[2, 10, 11], [2, 15, 3]])
    v, v_mask = block().encode_frames(batch())
    whole = join([(v, v_mask), (t, mask), entities(t, selected())])
    both, both_mask = join([(v, v_mask), (t, mask)])
    twice = torch.cat((torch.zeros_like(v_mask), selected()), 1) * math.log(2)
    bias = twice.masked_fill(~both_mask, torch.finfo(torch.float32).min)[:, None, None, :]

    copied = model.logits(read, *whole)
    states = model.decoder(
        input_ids=read,
        encoder_hidden_states=both,
        encoder_attention_mask=bias.expand(-1, -1, read.shape[1], -1),
        use_cache=False,
    ).last_hidden_state
    torch.testing.assert_close(copied, model.score_vocabulary(states), atol=2e-6, rtol=1e-5)
    assert not torch.allclose(copied, model.logits(read, both, both_mask), atol=1e-4)


def test_removing_the_columns_of_words_that_are_not_selected_equals_masking_them() -> None:
    model, (t, mask), read = bart(), text(), torch.tensor([[2, 10], [2, 15]])
    removed = join([(t, mask), entities(t, selected())])
    masked = join([(t, mask), (t * selected()[:, :, None], selected())])
    assert removed[0].shape[1] == t.shape[1] + 2  # the most that one video selects
    assert masked[0].shape[1] == 2 * t.shape[1]
    torch.testing.assert_close(model.logits(read, *removed), model.logits(read, *masked))


def test_an_empty_selection_adds_nothing() -> None:
    model, (t, mask), read = bart(), text(), torch.tensor([[2], [2]])
    none = torch.zeros_like(mask)
    torch.testing.assert_close(
        model.logits(read, *join([(t, mask), entities(t, none)])), model.logits(read, t, mask)
    )


def test_attention_equals_its_formula() -> None:
    torch.manual_seed(0)
    part, asking, seen = Attention(4), torch.randn(1, 2, 4), torch.randn(1, 3, 4)
    q, k, v = asking @ part.query.weight.T, seen @ part.key.weight.T, seen @ part.value.weight.T
    expected = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(4), dim=-1) @ v
    torch.testing.assert_close(part(asking, seen, torch.ones(1, 3, dtype=torch.bool)), expected)


def test_masked_frames_are_not_seen_and_no_frames_are_zero() -> None:
    part, asking, seen = Attention(4), torch.randn(2, 2, 4), torch.randn(2, 3, 4)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    torch.testing.assert_close(part(asking, seen, mask)[:1], part(asking[:1], seen[:1, :2], mask[:1, :2]))
    assert part(asking, seen, mask)[1].abs().sum() == 0


def test_specials_and_padding_are_never_selected() -> None:
    made = block()
    words = made.words(batch())
    assert words.tolist() == [[False, True, True, True, True, False], [False, True, True] + 3 * [False]]
    assert made.select(torch.full((2, 6), 9.0), words).tolist() == words.tolist()


def test_a_word_is_selected_from_the_threshold_on() -> None:
    made, words = block(), torch.ones(1, 3, dtype=torch.bool)
    assert made.select(torch.tensor([[0.0, -1e-3, 1e-3]]), words).tolist() == [[True, False, True]]


def test_the_threshold_passes_no_gradient_but_the_copies_do() -> None:
    made = block()
    states, mask = text()
    states.requires_grad_()
    made.head[-1].bias.data.fill_(9.0)  # every word is selected
    views = made.views((states, mask), batch())
    fused, _ = views.fused
    copies = fused[:, 3 + 6 :]
    assert copies.shape[1] == 4
    copies.sum().backward()
    assert all(p.grad is None for p in made.head.parameters())
    assert states.grad is not None
    assert (states.grad[views.selected] == 1).all()


def test_memory_does_not_depend_on_neighbours() -> None:
    made, (states, mask) = block(), text()
    whole = made.views((states, mask), batch())
    one = {name: tensor[1:] for name, tensor in batch().items()}
    alone = made.views(
        (states[1:, :4], mask[1:, :4]),
        Batch(**one | {"tokens": one["tokens"][:, :4], "token_mask": one["token_mask"][:, :4],
                       "frames": one["frames"][:, :1], "frame_mask": one["frame_mask"][:, :1]}),
    )  # fmt: skip
    model, read = bart(), torch.tensor([[2, 10]])
    torch.testing.assert_close(
        model.logits(read, whole.fused[0][1:], whole.fused[1][1:]),
        model.logits(read, *alone.fused),
        atol=1e-5,
        rtol=1e-5,
    )


@pytest.mark.parametrize("frames", [0, 2])
def test_a_batch_without_any_frame_is_finite(frames: int) -> None:
    none = batch(frames) | {"frame_mask": torch.zeros(2, frames, dtype=torch.bool)}
    views = block().views(text(), Batch(**none))
    assert views.visual is not None
    assert views.visual[0].abs().sum() == 0
    memory, mask = stack([views.fused, views.visual])
    assert torch.isfinite(bart().logits(torch.full((4, 2), 2), memory, mask)).all()


def test_stacked_memories_say_what_each_says_alone() -> None:
    model, views = bart(), block().views(text(), batch())
    assert views.visual is not None
    read = torch.tensor([[2, 10], [2, 15]])
    together = model.logits(read.repeat(2, 1), *stack([views.fused, views.visual]))
    apart = torch.cat([model.logits(read, *views.fused), model.logits(read, *views.visual)])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)


def test_words_are_judged_by_what_they_see_of_the_frames() -> None:
    made, given = block(), batch()
    views = made.views(text(), given)
    assert views.scores is not None
    by_hand = made.head(made.attention(text()[0], *made.encode_frames(given))).squeeze(-1)
    torch.testing.assert_close(views.scores, by_hand)
    other = Batch(**given | {"frames": given["frames"] * -3})  # type: ignore[typeddict-item]
    changed = made.views(text(), other).scores
    assert changed is not None
    assert not torch.allclose(views.scores, changed, atol=1e-4)


def test_without_frames_words_are_judged_by_the_transcript() -> None:
    made, (states, mask) = block(Parts(visual=False)), text()
    views = made.views((states, mask), batch())
    assert views.scores is not None
    assert views.selected is not None
    torch.testing.assert_close(views.scores, made.head(made.attention(states, states, mask)).squeeze(-1))
    torch.testing.assert_close(
        views.fused[0], join([(states, mask), entities(states, views.selected)])[0], msg="M is not [T; T_e]"
    )


def test_without_transcript_the_memory_is_the_frames_after_one_attention() -> None:
    made, given = block(Parts(textual=False)), batch()
    states, mask = made.encode_frames(given)
    fused, seen = made.views(None, given).fused
    torch.testing.assert_close(fused, made.attention(states, states, mask))
    assert not torch.allclose(fused, states, atol=1e-3)
    assert seen.tolist() == mask.tolist()


def test_without_entities_the_memory_is_frames_and_transcript() -> None:
    made, given = block(Parts(entity=False)), batch()
    fused, mask = made.views(text(), given).fused
    expected = join([made.encode_frames(given), text()])
    torch.testing.assert_close(fused, expected[0])
    assert mask.tolist() == expected[1].tolist()
