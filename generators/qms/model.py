"""The module of QMS (paper, section III): an encoder-decoder with the entity-aware fusion, and its loss.

Shapes: ``b`` videos, ``t`` tokens of a transcript, ``d`` the width. V, T, T_e, M are as in the paper.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from generators.bart.model import FusedBart
from generators.neural.batches import Batch, Collate, check_length
from generators.neural.decoding.beams import Rules, search
from generators.neural.decoding.recording import StepRecorder, pad_memory
from generators.neural.examples import Example
from generators.neural.losses import per_sample, split_targets, token_losses
from generators.qms.confidence import Confidence
from generators.qms.fusion import EntityAware, Masked, Views, stack


@dataclass(frozen=True, slots=True, eq=False)
class Labelled(Example):
    """A training video with an entity label (eq. 9) for each token; ``row`` is its number in `Confidence`."""

    labels: list[int]
    row: int

    def __len__(self) -> int:
        return len(self.tokens) + len(self.frames)

    def without_text(self, empty: list[int]) -> Labelled:
        """Drop the transcript of an example and the labels of its words, for modality dropout."""
        return dataclasses.replace(self, tokens=empty, labels=[])


class LabelledBatch(Batch):
    """A batch with what the losses need besides."""

    labels: Tensor  # [b, s] float32
    rows: Tensor  # [b] int64


class CollateLabelled(Collate):
    """Makes a batch, with labels where the examples have them."""

    def __call__(self, items: Sequence[tuple[Example, list[int]]]) -> Batch:
        """Pad to the longest of the batch."""
        batch = super().__call__(items)
        if not all(isinstance(example, Labelled) for example, _ in items):
            return batch
        labels = torch.zeros(batch["tokens"].shape)
        for row, (example, _) in enumerate(items):
            of_words = cast(Labelled, example).labels
            labels[row, : len(of_words)] = torch.tensor(of_words, dtype=torch.float32)
        rows = torch.tensor([cast(Labelled, example).row for example, _ in items])
        return LabelledBatch(**batch, labels=labels, rows=rows)


@dataclass(frozen=True)
class Objective:
    """The settings of the loss."""

    rules: Rules
    """How the unimodal texts of eq. 15 are decoded."""
    entity_weight: float = 0.5
    entity_loss: str = "mean"
    scores: str = "free"
    norm: float = 0.0
    """Beta, where the regulariser is the norm of eq. 18 to the letter; else 0."""


class QMS(FusedBart):
    """QMS on a BART: the decoder attends to M = [V; T; T_e] (eq. 7), the loss is eq. 18.

    ``confidence`` must be set before training in a row that measures U.
    """

    fusion: EntityAware

    def __init__(self, bart: Any, fusion: EntityAware, objective: Objective) -> None:
        super().__init__(bart, fusion)
        self.parts, self.objective = fusion.parts, objective
        self.confidence: Confidence | None = None
        self._replay: StepRecorder | None = None
        if not self.parts.textual:
            bart.model.encoder = None

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Encode a batch into M ``[b, s, d]``, which the decoder attends to, and its mask."""
        return self.views(batch).fused

    def views(self, batch: Batch) -> Views:
        """Encode a batch into V, T (eq. 1) and M (eq. 7), with the selected words."""
        return self.fusion.views(self.encode_text(batch) if self.parts.textual else None, batch)

    def encode_text(self, batch: Batch) -> Masked:
        """Encode transcripts into T (eq. 1) and its mask."""
        text, mask = self.bart.get_input_embeddings()(batch["tokens"]), batch["token_mask"]  # [b, t, d]
        check_length(text, getattr(self.bart.config, "max_position_embeddings", None))  # mT5 has no table
        states = self.bart.get_encoder()(inputs_embeds=text, attention_mask=mask.long()).last_hidden_state
        return states, mask

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the parts of the loss of eq. 18; ``loss`` is their sum, which training minimises."""
        views = self.views(batch)
        parts = self.generation(views, batch)
        loss = parts.pop("generation")
        if views.scores is not None:
            assert views.words is not None
            assert views.selected is not None
            labels = cast(LabelledBatch, batch)["labels"]
            entity = entity_loss(views.scores, labels, views.words, self.objective.entity_loss)
            loss = loss + self.objective.entity_weight * entity  # eq. 18: L_g + lambda L_c
            parts |= {"loss_c": entity, "selected": views.selected.sum() / views.words.sum().clamp(min=1)}
        if self.objective.norm:
            parts["norm"] = torch.stack([p.norm() for p in self.parameters()]).norm()
            loss = loss + self.objective.norm * parts["norm"]  # eq. 18: beta ||Theta||_F
        return {"loss": loss, **parts}

    def loss_items(self, batch: Batch) -> int:
        """Count the samples: the parts of eq. 18 are means over them (`training.sharded.CountsItems`)."""
        return len(batch["tokens"])

    def generation(self, views: Views, batch: Batch) -> dict[str, Tensor]:
        """Compute the loss of eq. 17 and its parts, in one pass of the decoder over all memories."""
        if not self.parts.unimodal:
            read, labels, mask = split_targets(batch)
            loss = per_sample(token_losses(self.logits(read, *views.fused), labels), mask).mean()  # eq. 16
            return {"generation": loss, "loss_g": loss}
        read, *written = split_targets(batch)
        logits = self._logits_of_paths(read, views)  # [3b, t, v]
        labels, mask = (tensor.repeat(3, 1) for tensor in written)
        losses = per_sample(token_losses(logits, labels), mask).view(3, -1)  # [3, b], eq. 16
        # after the pass with gradients: under autocast, a decode without them must not be the first to cast
        scores = self.scores(views, batch, logits.detach())  # [2, b]
        means = dict(zip(("loss_g", "loss_v", "loss_t"), losses.mean(1), strict=True))
        means |= {"U_v": scores[0].mean(), "U_t": scores[1].mean()}
        return {"generation": weighted(losses, scores).mean(), **means}

    def _logits_of_paths(self, read: Tensor, views: Views) -> Tensor:
        """Score next tokens ``[3b, t, v]`` after ``read`` ``[b, t]``, from M, from V and from T.

        The three paths of a video are one sequence for the decoder, which projects M and attends to it once;
        masks keep them apart.
        """
        count, length = read.shape
        position = torch.arange(length, device=read.device).repeat(3)
        path = torch.arange(3, device=read.device).repeat_interleave(length)
        before = (path[:, None] == path) & (position[:, None] >= position)  # [3t, 3t]
        seen = views.masks().repeat_interleave(length, 1)  # [b, 3t, s]
        with counted(self.decoder, position):
            states = self.decoder(
                input_ids=read.repeat(1, 3), attention_mask=before.expand(count, 1, -1, -1),
                encoder_hidden_states=views.fused[0], encoder_attention_mask=seen[:, None], use_cache=False,
            ).last_hidden_state  # fmt: skip
        return self.score_vocabulary(states.unflatten(1, (3, length)).transpose(0, 1).flatten(0, 1))

    @torch.no_grad()
    def scores(self, views: Views, batch: Batch, logits: Tensor | None = None) -> Tensor:
        """Measure U_v and U_t (eq. 15), ``[2, b]``, without gradient; 0 where a modality is empty.

        ``logits`` are those of the three paths, for teacher-forced scores.
        """
        assert views.words is not None
        present = torch.stack((batch["frame_mask"].any(1), views.words.any(1))).float()
        if self.parts.scores == "unit":
            return present
        assert self.confidence is not None, "U is measured against queries, which are missing"
        if self.objective.scores == "teacher" and logits is not None:
            written = self._forced(logits, batch)
        else:
            written = self.unimodal(batch)
        rows = cast(LabelledBatch, batch)["rows"].tolist()
        scores: Tensor = torch.tensor(self.confidence(written, rows * 2), device=present.device).view(2, -1)
        return scores * present

    def unimodal(self, batch: Batch) -> list[list[int]]:
        """Write greedily from V alone, then from T alone: ids of all videos for one, then for the other.

        Without dropout anywhere, in the encoders neither (decision 24): what is measured is the model that
        will write summaries.
        """
        training = self.training
        self.eval()
        with torch.inference_mode():
            memory, mask = stack([self.fusion.encode_frames(batch), self.encode_text(batch)])
            rows = torch.arange(len(memory), device=memory.device)
            if self._replay is None and memory.is_cuda:
                self._replay = StepRecorder()
            written = search(
                self, self.begin(*pad_memory(memory, mask)), self.objective.rules, rows, self._replay
            )
        self.train(training)
        return written

    def _forced(self, logits: Tensor, batch: Batch) -> list[list[int]]:
        """Predict the likeliest token after each true prefix, for V and then for T, until an end."""
        _, _, mask = split_targets(batch)
        best = logits.argmax(-1)[len(mask) :]  # [2b, t], those of M left out
        rules = self.objective.rules
        start = len(rules.prompt) - 1  # the rest of the prompt is given, not written
        rows = zip(best[:, start:].tolist(), mask[:, start:].repeat(2, 1).tolist(), strict=True)
        return [_until(rules.eos, [i for i, real in zip(*row, strict=True) if real]) for row in rows]


@contextlib.contextmanager
def counted(decoder: Any, positions: Tensor) -> Iterator[None]:
    """Let a decoder with a table of positions take its tokens to be at ``positions`` ``[t]``.

    mT5 has no table: it looks at distances between tokens, which need no change.
    """
    table = getattr(decoder, "embed_positions", None)
    if table is None:
        yield
        return
    hook = table.register_forward_pre_hook(
        lambda _, given, named: (given, {**named, "position_ids": positions}), with_kwargs=True
    )
    try:
        yield
    finally:
        hook.remove()


def weighted(losses: Tensor, scores: Tensor) -> Tensor:
    """Weigh each sample's losses by eq. 17, from L_g, L_g^v, L_g^t ``[3, b]`` and U_v, U_t ``[2, b]``."""
    return (losses[0] + (scores.detach() * losses[1:]).sum(0)) / 3  # (L_g + U_v L_g^v + U_t L_g^t) / 3


def entity_loss(scores: Tensor, labels: Tensor, words: Tensor, reduction: str = "mean") -> Tensor:
    """Compute eq. 10 over a sample's words, ``mean`` or ``sum``, then the mean of samples (decision 15)."""
    losses = functional.binary_cross_entropy_with_logits(scores.float(), labels, reduction="none") * words
    each = losses.sum(1)
    return (each if reduction == "sum" else each / words.sum(1).clamp(min=1)).mean()


def _until(end: int, ids: list[int]) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids


def greedy(rules: Rules) -> Rules:
    """Set the rules of the decodes of eq. 15: greedy, nothing forbidden."""
    return dataclasses.replace(rules, beams=1, no_repeat_ngram=0, early_stopping=True)


def visual_encoder(bart: nn.Module) -> nn.Module:
    """Build Enc_v of eq. 1: like the model's text encoder, with random weights and no vocabulary."""
    like: Any = bart.get_encoder()  # type: ignore[operator]
    ids = {name: None for name in like.config.to_dict() if name.endswith("_token_id")}
    config = type(like.config).from_dict(like.config.to_dict() | ids | {"vocab_size": 1, "pad_token_id": 0})
    encoder = type(like)(config)
    del encoder.embed_tokens
    return cast(nn.Module, encoder)
