"""How a BART row combines frames and transcript: one class for each way, by which the rows differ.

Shapes: ``b`` videos, ``t`` tokens, ``f`` frames, ``d`` the width of the model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from bench.types import Json
from generators.neural.batches import Batch, compact


class Fusion(nn.Module):
    """Base class: the text alone. Subclasses change what goes into the encoder or comes out of it."""

    def inputs(self, text: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Make the encoder's inputs ``[b, s, d]`` and their mask, from token embeddings ``[b, t, d]``."""
        return text, batch["token_mask"]

    def memory(self, states: Tensor, mask: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Make what the decoder attends to, and its mask, from the encoder's outputs ``[b, s, d]``."""
        return states, mask

    def positions(self, batch: Batch) -> Tensor | None:
        """Compute the position of each input ``[b, s]``; None where they count from 0 to the end."""
        return None


class TextOnly(Fusion):
    """BART (Text): frames are not read."""

    def __init__(self, width: int, frame_width: int) -> None:
        super().__init__()


class Concat(Fusion):
    """BART (MM): projected frames before the tokens, in one encoder.

    Frames and tokens follow each other without a gap, so that padding moves no position. With
    ``token_positions`` ``kept``, frames and tokens count from 0 each: pretraining never saw a text that
    begins later.
    Source: paper-audit.md, decision 36.
    """

    def __init__(self, width: int, frame_width: int, *, token_positions: str = "shifted") -> None:
        super().__init__()
        self.project = nn.Linear(frame_width, width)
        self.modality = nn.Parameter(torch.randn(width) * 0.02)  # distinguishes a frame from a token
        self.token_positions = token_positions

    def inputs(self, text: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Concatenate ``[frames; tokens]``, each row packed without padding: ``[b, f + t, d]`` at most."""
        frames = self.project(batch["frames"]) + self.modality
        both = torch.cat((frames.to(text.dtype), text), dim=1)
        return compact(both, torch.cat((batch["frame_mask"], batch["token_mask"]), dim=1))

    def positions(self, batch: Batch) -> Tensor | None:
        """Count positions from 0 for the frames, and again from 0 for the tokens; None with ``shifted``."""
        if self.token_positions == "shifted":
            return None
        masks = batch["frame_mask"], batch["token_mask"]
        counted = torch.cat([mask.long().cumsum(1) - 1 for mask in masks], dim=1)  # [b, f + t]
        packed, _ = compact(counted[:, :, None], torch.cat(masks, dim=1))
        return packed.squeeze(-1).clamp(min=0)  # [b, s]


class _Residual(Fusion, ABC):
    """Adds to each text state what it attends to in the frames: norm(t + W [t; seen]) (VG-GPLMs)."""

    def __init__(self, width: int, seen: int, dropout: float) -> None:
        super().__init__()
        self.out = nn.Linear(width + seen, width)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)

    @abstractmethod
    def attend_to_frames(self, states: Tensor, batch: Batch) -> Tensor:
        """Attend from each text position to the frames, ``[b, t, seen]``."""

    def memory(self, states: Tensor, mask: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Add to each text state what it attends to in the frames: zeros for a video without frames."""
        if batch["frames"].shape[1] == 0:
            seen = states.new_zeros(*states.shape[:2], self.out.in_features - states.shape[2])
        else:
            seen = self.attend_to_frames(states, batch) * batch["frame_mask"].any(1)[:, None, None]
        fused = self.out(torch.cat((states, seen.to(states.dtype)), dim=-1))
        return self.norm(states + self.dropout(fused)), mask  # [b, t, d]


class DotProduct(_Residual):
    """VG-BART (DP): unscaled dot products of text states and projected frames weigh the raw frames.

    ``softmax_axis`` is ``frames``; ``text`` repeats the released code, which normalises over text
    positions and has no frame mask. Source: Yu et al. 2021, type 0; reference-models.md section 6.
    """

    def __init__(
        self, width: int, frame_width: int, *, softmax_axis: str = "frames", dropout: float = 0.1
    ) -> None:
        super().__init__(width, frame_width, dropout)
        self.project = nn.Linear(frame_width, width)
        self.softmax_axis = softmax_axis

    def weights(self, states: Tensor, batch: Batch) -> Tensor:
        """Weigh each frame at each text position, ``[b, t, f]``, by a softmax of dot products."""
        scores: Tensor = states.float() @ self.project(batch["frames"]).float().transpose(1, 2)  # [b, t, f]
        if self.softmax_axis == "text":
            return torch.softmax(scores, dim=1)
        lowest = torch.finfo(scores.dtype).min
        return torch.softmax(scores.masked_fill(~batch["frame_mask"][:, None, :], lowest), dim=2)

    def attend_to_frames(self, states: Tensor, batch: Batch) -> Tensor:
        """Sum the raw frames by their weights."""
        return self.weights(states, batch) @ batch["frames"]


class MultiHead(_Residual):
    """VG-BART (MH): text states attend to frames in a common width.

    Source: Yu et al. 2021, type 4; reference-models.md section 6.
    """

    def __init__(
        self, width: int, frame_width: int, *, common: int = 256, heads: int = 1, dropout: float = 0.1
    ) -> None:
        super().__init__(width, common, dropout)
        self.query = nn.Linear(width, common)
        self.key = nn.Linear(frame_width, common)
        self.value = nn.Linear(frame_width, common)
        self.attention = nn.MultiheadAttention(common, heads, batch_first=True)

    def attend_to_frames(self, states: Tensor, batch: Batch) -> Tensor:
        """Attend to the frames with several heads."""
        hidden = ~batch["frame_mask"]
        hidden = hidden & ~hidden.all(1, keepdim=True)  # a video without frames sees zero later, never NaN
        frames = batch["frames"]
        seen: Tensor = self.attention(
            self.query(states),
            self.key(frames),
            self.value(frames),
            key_padding_mask=hidden,
            need_weights=False,
        )[0]
        return seen


KINDS: dict[str, type[Fusion]] = {
    "text": TextOnly,
    "concat": Concat,
    "dot-product": DotProduct,
    "multi-head": MultiHead,
}


def make(name: str, width: int, frame_width: int, settings: dict[str, Json]) -> Fusion:
    """Build the fusion that a model's config names."""
    return KINDS[name](width, frame_width, **settings)
