"""The module of MDVC (Iashin & Rahtu 2020): one transformer for each modality, joined at the output layer.

Shapes: ``b`` videos, ``s`` inputs of a stream, ``t`` tokens, ``d`` the width, ``v`` the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PegasusConfig
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.models.pegasus.modeling_pegasus import PegasusDecoder, PegasusEncoder

from generators.neural.batches import Batch, check_length
from generators.neural.decoding.recording import cached_tensors
from generators.neural.losses import smoothed_divergence, split_targets


@dataclass(slots=True)
class StreamState:
    """The state of one stream in a search of ``n`` rows."""

    memory: Tensor  # [n, s, d]
    mask: Tensor  # [n, s]
    cache: EncoderDecoderCache


class Stream(nn.Module):
    """The transformer of one modality: an encoder, and a decoder with its own target embedding.

    The library's Pegasus is what the release has: residual blocks that normalise first, sinusoidal
    positions, embeddings times sqrt(d); its last normalisation, which the release lacks, is taken out.
    """

    def __init__(self, config: PegasusConfig) -> None:
        super().__init__()
        self.scale = math.sqrt(config.d_model)
        self.encoder = PegasusEncoder(config)
        self.decoder = PegasusDecoder(config)
        self.encoder.layer_norm = self.decoder.layer_norm = nn.Identity()  # type: ignore[assignment]
        del self.encoder.embed_tokens  # inputs come embedded

    def encode(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Encode the embedded inputs of one stream into its memory ``[b, s, d]``."""
        check_length(inputs, self.encoder.config.max_position_embeddings)
        states: Tensor = self.encoder(
            inputs_embeds=inputs * self.scale, attention_mask=mask.long()
        ).last_hidden_state
        return states

    def decode(self, read: Tensor, state: StreamState, *, cached: bool) -> Tensor:
        """Decode the tokens read over the memory of one stream, ``[b, t, d]``."""
        states: Tensor = self.decoder(
            input_ids=read,
            encoder_hidden_states=state.memory,
            encoder_attention_mask=state.mask.long(),
            past_key_values=state.cache if cached else None,
            use_cache=cached,
        ).last_hidden_state
        return states


class MDVCModel(nn.Module):
    """A text stream and a visual stream that do not attend to each other, and a joint output layer.

    Generator: outputs side by side -> Linear to V -> ReLU -> dropout -> Linear V to V. A video without
    frames gives its visual stream one learned vector, so that nothing is read from padding.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        source_vocabulary: int,
        pad: int,
        frame_width: int,
        width: int,
        smoothing: float,
        **shape: Any,
    ) -> None:
        super().__init__()
        self.pad, self.smoothing = pad, smoothing
        config = _pegasus(vocabulary, pad, width, shape)
        self.text, self.visual = Stream(config), Stream(config)
        self.embed = nn.Embedding(source_vocabulary, width, padding_idx=pad)
        self.project = nn.Linear(frame_width, width)
        self.absent = nn.Parameter(torch.zeros(width))
        self.join = nn.Linear(2 * width, vocabulary)
        self.refine = nn.Linear(vocabulary, vocabulary)
        self.dropout = nn.Dropout(shape["dropout"])
        for name, weight in self.named_parameters():
            if weight.dim() > 1 and "embed_positions" not in name:
                nn.init.xavier_uniform_(weight)

    def start(self, batch: Batch) -> list[StreamState]:
        """Encode the streams of both modalities, from which a search decodes."""
        frames, mask = self._project_frames(batch)
        text = self.text.encode(self.embed(batch["tokens"]), batch["token_mask"])
        visual = self.visual.encode(frames, mask)
        return [_stream_state(text, batch["token_mask"]), _stream_state(visual, mask)]

    def _project_frames(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Project frames, with a learned vector in place of the frames of a video without any."""
        frames, mask = self.project(batch["frames"]), batch["frame_mask"]
        if frames.shape[1] == 0:
            frames, mask = frames.new_zeros(len(mask), 1, frames.shape[2]), mask.new_zeros(len(mask), 1)
        none = ~mask.any(1, keepdim=True)  # [b, 1]
        first = torch.where(none, self.absent.to(frames.dtype), frames[:, 0])
        frames = torch.cat((first[:, None], frames[:, 1:]), dim=1)  # [b, s, d]
        return frames, torch.cat((mask[:, :1] | none, mask[:, 1:]), dim=1)

    def log_probabilities(self, outputs: Sequence[Tensor]) -> Tensor:
        """Mix the outputs of both decoders into log-probabilities ``[b, t, v]``."""
        scores = self.refine(self.dropout(torch.relu(self.join(torch.cat(tuple(outputs), dim=-1)))))
        log_probabilities: Tensor = scores.float().log_softmax(-1)
        return log_probabilities

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the loss: the divergence from smoothed targets."""
        read, labels, mask = split_targets(batch)
        streams = zip((self.text, self.visual), self.start(batch), strict=True)
        written = self.log_probabilities(
            [stream.decode(read, state, cached=False) for stream, state in streams]
        )
        return {"loss": smoothed_divergence(written, labels, mask, smoothing=self.smoothing, pad=self.pad)}

    def step(self, tokens: Tensor, state: list[StreamState]) -> tuple[Tensor, list[StreamState]]:
        """Read tokens ``[n, t]``, return log-probabilities ``[n, v]``."""
        streams = zip((self.text, self.visual), state, strict=True)
        written = self.log_probabilities(
            [stream.decode(tokens, one, cached=True)[:, -1:] for stream, one in streams]
        )
        return written[:, 0], state

    def select(self, state: list[StreamState], rows: Tensor) -> list[StreamState]:
        """Keep the given rows of memory and cache: videos that are still decoded."""
        for one in state:
            one.cache.batch_select_indices(rows)
        return [StreamState(one.memory[rows], one.mask[rows], one.cache) for one in state]

    def reorder(self, state: list[StreamState], rows: Tensor) -> list[StreamState]:
        """Order the beams anew; those of a video share its memory."""
        for one in state:
            one.cache.self_attention_cache.batch_select_indices(rows)
        return state

    def tensors(self, state: list[StreamState]) -> list[Tensor]:
        """List the tensors of both streams' states."""
        return [tensor for one in state for tensor in (one.memory, one.mask, *cached_tensors(one.cache))]


def _stream_state(memory: Tensor, mask: Tensor) -> StreamState:
    return StreamState(memory, mask, EncoderDecoderCache(DynamicCache(), DynamicCache()))


def _pegasus(vocabulary: int, pad: int, width: int, shape: Mapping[str, Any]) -> PegasusConfig:
    return PegasusConfig(
        vocab_size=vocabulary,
        pad_token_id=pad,
        d_model=width,
        encoder_layers=shape["layers"],
        decoder_layers=shape["layers"],
        encoder_attention_heads=shape["heads"],
        decoder_attention_heads=shape["heads"],
        encoder_ffn_dim=shape["feed_forward"],
        decoder_ffn_dim=shape["feed_forward"],
        activation_function="relu",
        dropout=shape["dropout"],
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=True,
        max_position_embeddings=512,
    )
