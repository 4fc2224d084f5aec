"""Losses of a written target against the true one; ``b`` samples, ``t`` tokens, ``v`` ids."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from generators.neural.batches import Batch


def split_targets(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Split targets into what the decoder reads, what it should write, and its mask: ``[b, t - 1]`` each."""
    return batch["targets"][:, :-1], batch["targets"][:, 1:], batch["target_mask"][:, 1:]


def token_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute -log p of each label ``[b, t]``, from logits ``[b, t, v]`` and labels ``[b, t]``."""
    flat = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)  # [b, t]


def per_token(losses: Tensor, mask: Tensor) -> Tensor:
    """Average losses over all real tokens of the batch."""
    return (losses * mask).sum() / mask.sum().clamp(min=1)


def per_sample(losses: Tensor, mask: Tensor) -> Tensor:
    """Average losses over each sample's tokens, ``[b]`` (eq. 16)."""
    return (losses * mask).sum(1) / mask.sum(1).clamp(min=1)


def smoothed_divergence(
    log_probs: Tensor, labels: Tensor, mask: Tensor, *, smoothing: float, pad: int
) -> Tensor:
    """Compute the loss of label smoothing: the Kullback-Leibler divergence per real token.

    The true token has ``1 - smoothing``; the rest is shared by all others but the padding.
    ``log_probs`` ``[b, t, v]``. Source: Iashin & Rahtu 2020, released code.
    """
    wanted = torch.full_like(log_probs, smoothing / (log_probs.shape[-1] - 2))
    wanted[..., pad] = 0.0
    wanted.scatter_(-1, labels[..., None], 1.0 - smoothing)
    divergence = functional.kl_div(log_probs, wanted, reduction="none").sum(-1)  # [b, t]
    return per_token(divergence, mask)
