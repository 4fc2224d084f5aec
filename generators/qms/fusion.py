"""The entity-aware fusion of QMS (paper, III-B2): words selected with the help of the frames.

Shapes: ``b`` videos, ``t`` tokens of a transcript, ``f`` frames, ``d`` the width of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from generators.bart.fusion import Fusion
from generators.neural.batches import Batch, check_length, compact
from generators.qms.parts import Parts

Masked = tuple[Tensor, Tensor]
"""States ``[b, s, d]`` and the mask ``[b, s]`` of what is real."""


@dataclass(frozen=True, slots=True)
class Views:
    """What the decoder may attend to: M (eq. 7), and V and T (eq. 1) alone where there are both."""

    fused: Masked
    visual: Masked | None = None
    textual: Masked | None = None
    words: Tensor | None = None
    """Which tokens are words of the transcript, no specials and no padding ``[b, t]``."""
    scores: Tensor | None = None
    """h before the sigmoid (eq. 4) ``[b, t]``."""
    selected: Tensor | None = None
    """m (eq. 5) ``[b, t]``."""

    def masks(self) -> Tensor:
        """Mask M ``[b, 3, s]`` for the losses of eq. 16: all of it, then V alone, then T alone.

        M begins with V and T (eq. 7).
        """
        assert self.visual is not None
        assert self.textual is not None
        mask, frames, words = self.fused[1], self.visual[1], self.textual[1]
        before, behind = frames.shape[1], mask.shape[1] - frames.shape[1] - words.shape[1]
        visual = nn.functional.pad(_open_empty(frames), (0, mask.shape[1] - before))
        textual = nn.functional.pad(_open_empty(words), (before, behind))
        return torch.stack((mask, visual, textual), 1)


class Attention(nn.Module):
    """One-headed attention without output projection or residual (eq. 2 and 3; decision 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, states: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """Compute E (eq. 3): ``states`` ``[b, t, d]`` attend to ``seen`` ``[b, f, d]``, 0 where nothing is.

        E = softmax(Q K^T / sqrt(d)) V, with Q = states W_q, K = seen W_k, V = seen W_v (eq. 2).
        """
        logits = self.query(states) @ self.key(seen).transpose(1, 2) / seen.shape[-1] ** 0.5  # [b, t, f]
        weights = logits.masked_fill(~mask[:, None, :], torch.finfo(logits.dtype).min).softmax(-1)
        attended: Tensor = weights @ self.value(seen)
        return attended * mask.any(1)[:, None, None]


@dataclass(frozen=True)
class Selection:
    """How words are selected (eq. 4 and 5)."""

    specials: tuple[int, ...]
    """Ids of tokens that are not words."""
    tau: float = 0.5
    """A word is selected from this probability on (eq. 5)."""
    dropout: float = 0.1
    """Inside the perceptron of eq. 4."""


class EntityAware(Fusion):
    """Encodes the frames, selects words, and concatenates M = [V; T; T_e] (eq. 7).

    ``encoder`` encodes the frames; it is not used in a row without them. A missing modality is one position
    of zeros.
    """

    def __init__(self, encoder: Any, frame_width: int, parts: Parts, selection: Selection) -> None:
        super().__init__()
        width: int = encoder.config.d_model
        self.parts, self.selection = parts, selection
        if parts.visual:
            self.project = nn.Linear(frame_width, width)
            self.encoder = encoder
        if parts.entity:
            self.attention = Attention(width)
        if parts.labels:
            self.head = nn.Sequential(
                nn.Linear(width, width), nn.GELU(), nn.Dropout(selection.dropout), nn.Linear(width, 1)
            )

    def memory(self, states: Tensor, mask: Tensor, batch: Batch) -> Masked:
        """Fuse T with the frames: M (eq. 7), which the decoder attends to, and its mask."""
        return self.views((states, mask), batch).fused

    def views(self, textual: Masked | None, batch: Batch) -> Views:
        """Fuse as `memory` does, and keep what M was made of; ``textual`` is T."""
        visual = self.encode_frames(batch) if self.parts.visual else None
        if textual is None:
            assert visual is not None
            states, mask = visual
            return Views(
                (self.attention(states, states, mask) if self.parts.entity else states, _open_empty(mask))
            )
        words = self.words(batch)
        known = [pair for pair in (visual, textual) if pair is not None]
        if not self.parts.entity:
            return Views(join(known), visual, textual, words)
        seen = textual if visual is None else visual
        scores = self.head(self.attention(textual[0], *seen)).squeeze(-1)  # [b, t], eq. 4 before the sigmoid
        selected = self.select(scores, words)
        return Views(join([*known, entities(textual[0], selected)]), visual, textual, words, scores, selected)

    def encode_frames(self, batch: Batch) -> Masked:
        """Encode frames into V (eq. 1) and its mask; a video without frames has zeros."""
        frames, mask = batch["frames"], batch["frame_mask"]
        if frames.shape[1] == 0:
            frames, mask = frames.new_zeros(len(frames), 1, frames.shape[2]), mask.new_zeros(len(mask), 1)
        inputs = self.project(frames)
        check_length(inputs, getattr(self.encoder.config, "max_position_embeddings", None))
        states = self.encoder(inputs_embeds=inputs, attention_mask=_open_empty(mask).long()).last_hidden_state
        return states * mask[:, :, None], mask

    def words(self, batch: Batch) -> Tensor:
        """Mask the tokens that are words: neither padding nor specials (decision 9)."""
        specials = torch.tensor(self.selection.specials, device=batch["tokens"].device)
        return batch["token_mask"] & ~torch.isin(batch["tokens"], specials)

    def select(self, scores: Tensor, words: Tensor) -> Tensor:
        """Select words by a threshold, through which no gradient flows: m (eq. 5, decision 5)."""
        return (scores.detach().sigmoid() >= self.selection.tau) & words


def entities(states: Tensor, selected: Tensor) -> Masked:
    """Take the selected columns of T, the others removed: T_e (eq. 6)."""
    return compact(states, selected)


def join(pairs: list[Masked]) -> Masked:
    """Concatenate states along positions (eq. 7), ``[b, sum of lengths, d]``."""
    return torch.cat([states for states, _ in pairs], 1), _open_empty(
        torch.cat([mask for _, mask in pairs], 1)
    )


def stack(pairs: list[Masked]) -> Masked:
    """Concatenate memories of the same videos along the batch, ``[len(pairs) * b, longest, d]``."""
    longest = max(states.shape[1] for states, _ in pairs)
    states = [nn.functional.pad(states, (0, 0, 0, longest - states.shape[1])) for states, _ in pairs]
    masks = [nn.functional.pad(mask, (0, longest - mask.shape[1])) for _, mask in pairs]
    return torch.cat(states), _open_empty(torch.cat(masks))


def _open_empty(mask: Tensor) -> Tensor:
    """Set the first position of empty rows of a mask: attention to nothing would be NaN."""
    first = torch.zeros_like(mask)
    first[:, 0] = ~mask.any(1)
    return mask | first
