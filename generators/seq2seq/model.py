"""The module of Seq2Seq: LSTMs with global attention and input feeding (Luong et al. 2015), multimodal.

Shapes: ``b`` videos, ``s`` inputs, ``t`` tokens, ``d`` the width, ``n`` rows of a search.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from generators.neural.batches import Batch, compact
from generators.neural.losses import per_token, split_targets, token_losses


@dataclass(slots=True)
class LSTMState:
    """The state of a search: encoder outputs, and what the decoder passes from step to step."""

    memory: Tensor  # [n, s, d]
    mask: Tensor  # [n, s]
    hidden: Tensor  # [layers, n, d]
    cell: Tensor  # [layers, n, d]
    fed: Tensor  # [n, d], the last attentional vector

    def at(self, rows: Tensor) -> LSTMState:
        """Select the states of the given rows, in their order; a row may be repeated."""
        carried = self.hidden[:, rows], self.cell[:, rows], self.fed[rows]
        return LSTMState(self.memory[rows], self.mask[rows], *carried)


class AttentiveLSTM(nn.Module):
    """A bidirectional LSTM over ``[frames; tokens]``, and an LSTM with attention that writes.

    score = memory . W q; context = weighted memory; output = tanh(W_c [context; q]), which feeds the
    vocabulary layer and the next step. The decoder starts at the encoder's final state, layer by layer.
    """

    def __init__(
        self, *, vocabulary: int, width: int, layers: int, dropout: float, frame_width: int, pad: int
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width, padding_idx=pad)
        self.project = nn.Linear(frame_width, width)
        self.encoder = nn.LSTM(
            width,
            width // 2,
            layers,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=True,
            batch_first=True,
        )
        self.cells = nn.ModuleList(nn.LSTMCell(2 * width if i == 0 else width, width) for i in range(layers))
        self.general = nn.Linear(width, width, bias=False)
        self.combine = nn.Linear(2 * width, width, bias=False)
        self.vocabulary = nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(dropout)

    def start(self, batch: Batch) -> LSTMState:
        """Encode a batch into the state from which a search decodes."""
        both = torch.cat((self.project(batch["frames"]), self.embed(batch["tokens"])), dim=1)  # [b, f + t, d]
        inputs, mask = compact(both, torch.cat((batch["frame_mask"], batch["token_mask"]), dim=1))
        # packing ends each direction at the last real position: padding reaches no state
        packed = pack_padded_sequence(
            self.dropout(inputs), mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        outputs, (hidden, cell) = self.encoder(packed)
        memory, _ = pad_packed_sequence(outputs, batch_first=True)  # [b, s, d]
        return LSTMState(memory, mask, _join(hidden), _join(cell), torch.zeros_like(memory[:, 0]))

    def advance(self, tokens: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """Read one token of each row ``[n]``, return the attentional vector ``[n, d]``."""
        step = torch.cat((self.dropout(self.embed(tokens)), state.fed), dim=-1)
        hidden, cell = [], []
        for layer, unit in enumerate(self.cells):
            h, c = unit(step, (state.hidden[layer], state.cell[layer]))
            hidden.append(h)
            cell.append(c)
            step = self.dropout(h) if layer + 1 < len(self.cells) else h
        scores = (state.memory @ self.general(step)[:, :, None]).squeeze(-1).float()  # [n, s]
        weights = scores.masked_fill(~state.mask, torch.finfo(scores.dtype).min).softmax(-1)
        context = (weights.to(state.memory.dtype)[:, None, :] @ state.memory).squeeze(1)  # [n, d]
        fed = self.dropout(torch.tanh(self.combine(torch.cat((context, step), dim=-1))))
        return fed, LSTMState(state.memory, state.mask, torch.stack(hidden), torch.stack(cell), fed)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the loss per token of the targets."""
        read, labels, mask = split_targets(batch)
        state, written = self.start(batch), []
        for column in read.unbind(1):
            fed, state = self.advance(column, state)
            written.append(fed)
        logits = self.vocabulary(torch.stack(written, dim=1))  # [b, t, v]
        return {"loss": per_token(token_losses(logits, labels), mask)}

    def step(self, tokens: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """Read tokens ``[n, t]``, return log-probabilities ``[n, v]``."""
        fed = state.fed
        for column in tokens.unbind(1):
            fed, state = self.advance(column, state)
        return self.vocabulary(fed).float().log_softmax(-1), state

    def select(self, state: LSTMState, rows: Tensor) -> LSTMState:
        """Select the given rows of the state, when the search keeps or repeats beams."""
        return state.at(rows)

    def reorder(self, state: LSTMState, rows: Tensor) -> LSTMState:
        """Order the beams anew; those of a video share its memory."""
        return LSTMState(
            state.memory, state.mask, state.hidden[:, rows], state.cell[:, rows], state.fed[rows]
        )

    def tensors(self, state: LSTMState) -> list[Tensor]:
        """List the tensors of a state."""
        return [state.memory, state.mask, state.hidden, state.cell, state.fed]


def _join(final: Tensor) -> Tensor:
    """Put the two directions of each layer side by side: ``[2 * layers, b, d / 2]`` to ``[layers, b, d]``."""
    directions = final.view(-1, 2, *final.shape[1:])  # [layers, 2, b, d / 2]
    return directions.transpose(1, 2).flatten(2).contiguous()
