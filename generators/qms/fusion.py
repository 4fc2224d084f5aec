"""The entity-aware fusion of QMS (paper, III-B2): which words matter, seen with the frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from generators.bart.fusion import Fusion
from generators.neural.batches import Batch, check_places, compact

Masked = tuple[Tensor, Tensor]
"""States ``[b, s, d]`` and the mask ``[b, s]`` of what is real."""


@dataclass(frozen=True)
class Parts:
    """Say which parts of QMS a row has: an ablation is this object with one change (paper, IV-D)."""

    visual: bool = True
    textual: bool = True
    entity: bool = True
    scores: str = "measured"
    """U_v and U_t of eq. 17: ``measured`` (eq. 15), ``unit`` (both 1), or ``none``: L_g alone."""
    sampling: bool = True

    @property
    def unimodal(self) -> bool:
        """Tell whether the unimodal paths are trained: it takes two modalities."""
        return self.visual and self.textual and self.scores != "none"

    @property
    def labels(self) -> bool:
        """Tell whether words are labelled: not without a transcript."""
        return self.entity and self.textual


@dataclass(frozen=True, slots=True)
class Views:
    """Hold what the decoder may attend to: M (eq. 7), and V and T alone where there are both."""

    fused: Masked
    visual: Masked | None = None
    textual: Masked | None = None
    words: Tensor | None = None
    """Which tokens are words of the transcript, no specials and no padding ``[b, t]``."""
    scores: Tensor | None = None
    """h before the sigmoid (eq. 4) ``[b, t]``."""
    selected: Tensor | None = None
    """m (eq. 5) ``[b, t]``."""


class Attention(nn.Module):
    """One-headed attention without output projection or residual (eq. 2 and 3; decision 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, asking: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """Return ``[b, t, d]`` from states ``[b, t, d]`` that see ``[b, f, d]``; zero where nothing is."""
        logits = self.query(asking) @ self.key(seen).transpose(1, 2) / seen.shape[-1] ** 0.5  # [b, t, f]
        weights = logits.masked_fill(~mask[:, None, :], torch.finfo(logits.dtype).min).softmax(-1)
        attended: Tensor = weights @ self.value(seen)
        return attended * mask.any(1)[:, None, None]


class EntityAware(Fusion):
    """Encode the frames, select words, and lay out M = [V; T; T_e].

    ``encoder`` and ``project`` are those of the frames, None in a row without them. A missing modality
    is one position of zeros. ``specials`` are ids that are no words.
    """

    def __init__(
        self,
        width: int,
        frame_width: int,
        parts: Parts,
        *,
        encoder: nn.Module,
        specials: tuple[int, ...],
        tau: float = 0.5,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.parts, self.tau = parts, tau
        self._specials = specials
        if parts.visual:
            self.project = nn.Linear(frame_width, width)
            self.encoder = encoder
        if parts.entity:
            self.attention = Attention(width)
        if parts.labels:
            self.head = nn.Sequential(
                nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1)
            )

    def memory(self, states: Tensor, mask: Tensor, batch: Batch) -> Masked:
        """Return M and its mask, from T."""
        return self.views((states, mask), batch).fused

    def views(self, textual: Masked | None, batch: Batch) -> Views:
        """Return M with what it was made of; ``textual`` is T."""
        visual = self.pictures(batch) if self.parts.visual else None
        if textual is None:
            assert visual is not None
            states, mask = visual
            return Views((self.attention(states, states, mask) if self.parts.entity else states, _some(mask)))
        words = self.words(batch)
        known = [pair for pair in (visual, textual) if pair is not None]
        if not self.parts.entity:
            return Views(join(known), visual, textual, words)
        seen = textual if visual is None else visual
        scores = self.head(self.attention(textual[0], *seen)).squeeze(-1)  # [b, t]
        selected = self.select(scores, words)
        return Views(join([*known, entities(textual[0], selected)]), visual, textual, words, scores, selected)

    def pictures(self, batch: Batch) -> Masked:
        """Return V (eq. 1) and its mask; a video without frames has zeros."""
        frames, mask = batch["frames"], batch["frame_mask"]
        if frames.shape[1] == 0:
            frames, mask = frames.new_zeros(len(frames), 1, frames.shape[2]), mask.new_zeros(len(mask), 1)
        inputs = self.project(frames)
        check_places(inputs, getattr(self.encoder.config, "max_position_embeddings", None))
        states = self.encoder(inputs_embeds=inputs, attention_mask=_some(mask).long()).last_hidden_state
        return states * mask[:, :, None], mask

    def words(self, batch: Batch) -> Tensor:
        """Return which tokens are words: neither padding nor specials (decision 9)."""
        specials = torch.tensor(self._specials, device=batch["tokens"].device)
        return batch["token_mask"] & ~torch.isin(batch["tokens"], specials)

    def select(self, scores: Tensor, words: Tensor) -> Tensor:
        """Return m: a threshold, through which no gradient flows (eq. 5, decision 5)."""
        return (scores.detach().sigmoid() >= self.tau) & words


def entities(states: Tensor, selected: Tensor) -> Masked:
    """Return T_e: the selected columns of T, the others removed (eq. 6)."""
    return compact(states, selected)


def join(pairs: list[Masked]) -> Masked:
    """Put states one after the other (eq. 7); a decoder's memory has no positions."""
    return torch.cat([states for states, _ in pairs], 1), _some(torch.cat([mask for _, mask in pairs], 1))


def stack(pairs: list[Masked]) -> Masked:
    """Put memories of the same videos below each other, ``[len(pairs) * b, longest, d]``."""
    longest = max(states.shape[1] for states, _ in pairs)
    states = [nn.functional.pad(states, (0, 0, 0, longest - states.shape[1])) for states, _ in pairs]
    masks = [nn.functional.pad(mask, (0, longest - mask.shape[1])) for _, mask in pairs]
    return torch.cat(states), _some(torch.cat(masks))


def _some(mask: Tensor) -> Tensor:
    """Return a mask with the first position of empty rows open: attention to nothing is not a number."""
    first = torch.zeros_like(mask)
    first[:, 0] = ~mask.any(1)
    return mask | first
