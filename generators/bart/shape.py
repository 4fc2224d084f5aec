"""The size of a BART that is made here, as options set it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generators.bart.options import BartOptions
from generators.neural.tokens import Tokens
from generators.options import TransformerOptions


@dataclass(frozen=True)
class BartShape:
    """The size of a BART that is made here, with random weights."""

    vocabulary: int
    specials: tuple[int, int, int]
    """The ids of padding, beginning and end."""
    encoder_layers: int
    decoder_layers: int
    width: int
    heads: int
    feed_forward: int
    dropout: float

    @classmethod
    def of(
        cls, tokens: Tokens, options: BartOptions | TransformerOptions, *, layers: tuple[int, int]
    ) -> BartShape:
        """Take the shape from a section of options, for a vocabulary.

        ``layers`` are those of encoder and decoder.
        """
        return cls(
            vocabulary=len(tokens),
            specials=tokens.special_ids,
            encoder_layers=layers[0],
            decoder_layers=layers[1],
            width=options.width,
            heads=options.heads,
            feed_forward=options.feed_forward,
            dropout=options.dropout,
        )

    def config(self) -> dict[str, Any]:
        """Convert the shape to the arguments of the library's BartConfig.

        Random weights are N(0, 0.02) at BART's width of 768, and wider spread in a narrower model, so that
        a layer's output is as large as in BART.
        """
        pad, bos, eos = self.specials
        return {
            "vocab_size": self.vocabulary,
            "d_model": self.width,
            "encoder_layers": self.encoder_layers,
            "decoder_layers": self.decoder_layers,
            "encoder_attention_heads": self.heads,
            "decoder_attention_heads": self.heads,
            "encoder_ffn_dim": self.feed_forward,
            "decoder_ffn_dim": self.feed_forward,
            "dropout": self.dropout,
            "attention_dropout": self.dropout,
            "activation_dropout": self.dropout,
            "init_std": 0.02 * (768 / self.width) ** 0.5,
            "max_position_embeddings": 512,
            "pad_token_id": pad,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "decoder_start_token_id": bos,
            "forced_eos_token_id": eos,
        }
