"""The fusions equal a hand-computed value and hide what the frame mask hides."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from generators.bart.fusion import Concat, DotProduct, MultiHead, TextOnly
from generators.bart.model import FusedBart, random_bart
from generators.bart.shape import BartShape
from generators.neural.batches import Batch, compact


def batch(
    frames: list[list[list[float]]], frame_mask: list[list[bool]], text_mask: list[list[bool]]
) -> Batch:
    return Batch(
        tokens=torch.zeros(len(text_mask), len(text_mask[0]), dtype=torch.long),
        token_mask=torch.tensor(text_mask),
        frames=torch.tensor(frames),
        frame_mask=torch.tensor(frame_mask),
        targets=torch.zeros(len(text_mask), 0, dtype=torch.long),
        target_mask=torch.zeros(len(text_mask), 0, dtype=torch.bool),
    )


def fixed(module: Any, **weights: Tensor) -> Any:
    with torch.no_grad():
        for name, weight in module.named_parameters():
            weight.copy_(weights.get(name.replace(".", "_"), torch.zeros_like(weight)))
    return module.eval()


def test_text_alone_is_left_alone() -> None:
    states, given = torch.randn(1, 2, 3), batch([[[1.0]]], [[True]], [[True, False]])
    fusion = TextOnly(3, 1)
    assert fusion.inputs(states, given)[0] is states
    assert fusion.memory(states, given["token_mask"], given)[0] is states


def test_frames_stand_before_the_tokens_without_a_gap() -> None:
    fusion = fixed(
        Concat(2, 1), project_weight=torch.tensor([[10.0], [20.0]]), modality=torch.tensor([0.5, 0.0])
    )
    given = batch(
        [[[1.0], [2.0]], [[3.0], [9.0]], [[9.0], [9.0]]],
        [[True, True], [True, False], [False, False]],
        [[True, True], [True, False], [True, True]],
    )
    text = torch.tensor([[[1.0, 1.0], [2.0, 2.0]]]).repeat(3, 1, 1)
    states, mask = fusion.inputs(text, given)
    assert mask.sum(1).tolist() == [4, 2, 2]
    assert states[0].tolist() == [[10.5, 20.0], [20.5, 40.0], [1.0, 1.0], [2.0, 2.0]]
    assert states[1, :2].tolist() == [[30.5, 60.0], [1.0, 1.0]]
    assert states[2, :2].tolist() == [[1.0, 1.0], [2.0, 2.0]]


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_kept_positions_begin_at_0_for_frames_and_for_tokens(frames: int) -> None:
    real = [[i < frames for i in range(3)]] * 2
    given = batch([[[1.0]] * 3] * 2, real, [[True, True, True], [True, False, False]])
    positions = Concat(2, 1, token_positions="kept").positions(given)
    assert positions is not None
    assert positions[0].tolist() == [*range(frames), 0, 1, 2]
    assert positions[1, : frames + 1].tolist() == [*range(frames), 0]
    assert Concat(2, 1).positions(given) is None


def test_kept_positions_are_those_that_the_encoder_adds() -> None:
    torch.manual_seed(0)
    bart = random_bart(BartShape(20, (0, 1, 2), 1, 1, 8, 2, 8, 0.0).config())
    module = FusedBart(bart, Concat(8, 1, token_positions="kept")).eval()
    given = batch([[[1.0], [2.0]]], [[True, True]], [[True, True, True]])
    given["tokens"] = torch.tensor([[1, 5, 2]])
    inputs, mask = module.fusion.inputs(bart.get_input_embeddings()(given["tokens"]), given)
    encoder: Any = bart.get_encoder()
    at = encoder.embed_positions(inputs, position_ids=torch.tensor([0, 1, 0, 1, 2]))
    states = encoder.layernorm_embedding(inputs + at)
    for layer in encoder.layers:
        states = layer(states, None)
    memory, _ = module.encode(given)
    assert mask.all()
    torch.testing.assert_close(memory, states[0] if isinstance(states, tuple) else states)


def test_compacting_keeps_order_and_drops_empty_columns() -> None:
    states = torch.arange(8.0).view(2, 4, 1)
    packed, mask = compact(states, torch.tensor([[False, True, False, True], [True, False, False, False]]))
    assert packed[0, :, 0].tolist() == [1.0, 3.0]
    assert mask.tolist() == [[True, True], [True, False]]


def dot_product(**settings: Any) -> DotProduct:
    """V' = V, output = what is seen."""
    both = torch.tensor([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    made: DotProduct = fixed(
        DotProduct(2, 2, **settings), project_weight=torch.eye(2), out_weight=both, norm_weight=torch.ones(2)
    )
    return made


def test_a_dot_product_weighs_raw_frames_by_unscaled_scores() -> None:
    given = batch([[[1.0, 0.0], [0.0, 2.0], [50.0, 50.0]]], [[True, True, False]], [[True, True]])
    states = torch.tensor([[[1.0, 0.0], [0.5, 1.0]]])
    weights = dot_product().weights(states, given)
    # scores: [1, 0] and [0.5, 2]
    expected = torch.tensor([[[1.0, 0.0], [0.5, 2.0]]]).softmax(-1)
    torch.testing.assert_close(weights[:, :, :2], expected)
    assert weights[0, :, 2].tolist() == [0.0, 0.0], "a padded frame was seen"
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2))

    memory, _ = dot_product().memory(states, given["token_mask"], given)
    seen = expected @ given["frames"][:, :2]
    torch.testing.assert_close(memory, torch.nn.functional.layer_norm(states + seen, (2,)))


def test_the_released_axis_sums_over_text_and_sees_padding() -> None:
    given = batch([[[1.0, 0.0], [0.0, 2.0]]], [[True, False]], [[True, True]])
    weights = dot_product(softmax_axis="text").weights(torch.randn(1, 2, 2), given)
    torch.testing.assert_close(weights.sum(1), torch.ones(1, 2))
    assert weights[0, :, 1].min() > 0


def test_multi_head_attention_equals_its_formula() -> None:
    torch.manual_seed(0)
    fusion = MultiHead(4, 3, common=2, heads=1).eval()
    given = batch([[[1.0, 2.0, 3.0], [0.0, 1.0, 0.0], [9.0, 9.0, 9.0]]], [[True, True, False]], [[True]])
    states = torch.randn(1, 1, 4)
    wq, wk, wv = fusion.attention.in_proj_weight.chunk(3)
    q, k, v = (
        fusion.query(states) @ wq.T,
        fusion.key(given["frames"][:, :2]) @ wk.T,
        fusion.value(given["frames"][:, :2]) @ wv.T,
    )
    seen = fusion.attention.out_proj((q @ k.transpose(1, 2) / 2**0.5).softmax(-1) @ v)
    expected = fusion.norm(states + fusion.out(torch.cat((states, seen), -1)))
    torch.testing.assert_close(fusion.memory(states, given["token_mask"], given)[0], expected)


@pytest.mark.parametrize("fusion", [DotProduct(4, 3), MultiHead(4, 3, common=2)], ids=["dot", "multi-head"])
def test_without_frames_nothing_is_seen_and_nothing_breaks(fusion: DotProduct | MultiHead) -> None:
    fusion.eval()
    states = torch.randn(2, 1, 4)
    some = batch([[[9.0, 9.0, 9.0]], [[1.0, 1.0, 1.0]]], [[False], [True]], [[True], [True]])
    none = some.copy()
    none["frames"], none["frame_mask"] = torch.zeros(2, 0, 3), torch.zeros(2, 0, dtype=torch.bool)
    with_some, _ = fusion.memory(states, some["token_mask"], some)
    with_none, _ = fusion.memory(states, none["token_mask"], none)
    assert with_some.isfinite().all()
    torch.testing.assert_close(with_some[0], with_none[0])
    assert not torch.allclose(with_some[1], with_none[1])
