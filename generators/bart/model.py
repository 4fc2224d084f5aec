"""The module of the BART rows: BART of the transformers library with a Fusion, by which the rows differ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import BartConfig, BartForConditionalGeneration

from generators.bart import stepping
from generators.bart.fusion import Fusion
from generators.neural.batches import Batch, check_length
from generators.neural.decoding.recording import pad_memory
from generators.neural.losses import per_token, split_targets, token_losses


class FusedBart(nn.Module):
    """BART whose encoder combines transcript and frames by a Fusion.

    The fused states go to the library's decoder as encoder outputs.
    """

    def __init__(self, bart: BartForConditionalGeneration, fusion: Fusion) -> None:
        super().__init__()
        self.bart = bart
        self.fusion = fusion

    @property
    def decoder(self) -> Any:
        """The library's decoder, whose layers attend to the fused memory."""
        return self.bart.model.decoder

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Encode a batch into what the decoder attends to: memory ``[b, s, d]`` and mask ``[b, s]``."""
        text = self.bart.get_input_embeddings()(batch["tokens"])  # [b, t, d]
        inputs, mask = self.fusion.inputs(text, batch)
        check_length(inputs, self.bart.config.max_position_embeddings)
        if (positions := self.fusion.positions(batch)) is not None:
            inputs = inputs + self._move(positions)
        states = self.bart.get_encoder()(inputs_embeds=inputs, attention_mask=mask.long()).last_hidden_state
        return self.fusion.memory(states, mask, batch)

    def _move(self, positions: Tensor) -> Tensor:
        """Compute what moves inputs to positions ``[b, s]``; the library's encoder adds those from 0 on."""
        table = self.bart.get_encoder().embed_positions
        counted = torch.arange(positions.shape[1], device=positions.device)
        moved: Tensor = table.weight[positions + table.offset] - table.weight[counted + table.offset]
        return moved  # [b, s, d]

    def logits(self, read: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Score each next token ``[b, t, v]`` after the tokens read ``[b, t]``, as in training."""
        states = self.decoder(
            input_ids=read, encoder_hidden_states=memory, encoder_attention_mask=mask.long(), use_cache=False
        ).last_hidden_state
        return self.score_vocabulary(states)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the loss: the cross entropy per token of the references that follow the prompt."""
        read, labels, mask = split_targets(batch)
        logits = self.logits(read, *self.encode(batch))
        return {"loss": per_token(token_losses(logits, labels), mask)}

    def start(self, batch: Batch) -> Any:
        """Encode a batch for a search."""
        return self.begin(*pad_memory(*self.encode(batch)))

    def begin(self, memory: Tensor, mask: Tensor) -> Any:
        """Start a search over a memory ``[m, s, d]`` with its mask ``[m, s]``."""
        return stepping.begin(self.decoder, memory, mask)

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read tokens ``[n, t]``, return log-probabilities ``[n, v]``."""
        last = stepping.advance(self.decoder, tokens, state)
        return self.score_vocabulary(last).float().log_softmax(-1), state

    def select(self, state: Any, rows: Tensor) -> Any:
        """Keep the given rows of memory and cache: videos that are still decoded."""
        return stepping.select(state, rows)

    def reorder(self, state: Any, rows: Tensor) -> Any:
        """Order the beams anew; those of a video share its memory."""
        return stepping.reorder(state, rows)

    def tensors(self, state: Any) -> list[Tensor]:
        """List what a search reads of a state, for its recording on a GPU."""
        return stepping.tensors(state)

    def score_vocabulary(self, states: Tensor) -> Tensor:
        """Project the decoder's states ``[..., d]`` to scores of all ids ``[..., v]``."""
        scores: Tensor = self.bart.lm_head(states) + self.bart.final_logits_bias
        return scores


def random_bart(config: dict[str, Any]) -> BartForConditionalGeneration:
    """Build a BART of the given shape with random weights."""
    return BartForConditionalGeneration(BartConfig(**config))
