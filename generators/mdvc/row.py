"""The MDVC row: its name, its options, its two vocabularies and the shape of its module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.types import Json, Video
from generators.from_scratch import FromScratchRow
from generators.neural.tokens import Encoded, Tokens, build, unique_texts
from generators.options import MDVCOptions

if TYPE_CHECKING:
    from torch import nn
    from transformers.tokenization_utils_base import PreTrainedTokenizerBase

READ = "read"
"""The folder of the vocabulary of what is read, in that of a saved model."""


class TwoVocabularies(Tokens):
    """A vocabulary for what is read beside that of what is written; special tokens have the same ids.

    Source: the released code has both (reference-models.md, section 4).
    """

    def __init__(self, written: PreTrainedTokenizerBase, read: Tokens, prompt: Sequence[int]) -> None:
        super().__init__(written, prompt)
        self.read = read

    def encode_sources(self, texts: Sequence[str], limit: int) -> list[Encoded]:
        """Encode transcripts with the vocabulary of what is read, which is not that of what is written."""
        return self.read.encode(texts, limit)

    def save(self, folder: Path) -> None:
        """Write both tokenizers, that of the input in a separate folder."""
        super().save(folder)
        self.read.save(folder / READ)

    @classmethod
    def load(cls, folder: Path, prompt: Sequence[int]) -> TwoVocabularies:
        """Restore both tokenizers from the folder that `save` wrote."""
        from transformers import PreTrainedTokenizerFast

        written = PreTrainedTokenizerFast.from_pretrained(str(folder))
        return cls(written, Tokens.load(folder / READ, prompt), prompt)


class MDVC(FromScratchRow[MDVCOptions]):
    """MDVC: a Transformer stream for frames and one for the transcript, joined late, from random weights.

    Source: reference-models.md section 4.
    """

    label = "MDVC"
    name = "mdvc"
    options_class = MDVCOptions

    tokens_class = TwoVocabularies

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build a vocabulary of all texts to read, and a small one of the queries to write.

        The output layer has the square of the small one.
        """
        read = super().vocabulary(train)
        written = build(unique_texts(video.references for video in train), self.options.vocabulary)
        return TwoVocabularies(written.tokenizer, read, written.prompt)

    def configuration(self, tokens: Tokens, frame_width: int) -> dict[str, Json]:
        """Describe the shape of the model, from which it can be built again."""
        assert isinstance(tokens, TwoVocabularies)
        o = self.options
        return {
            "vocabulary": len(tokens),
            "source_vocabulary": len(tokens.read),
            "pad": tokens.pad,
            "frame_width": frame_width,
            "width": o.width,
            "layers": o.layers,
            "heads": o.heads,
            "feed_forward": o.feed_forward,
            "dropout": o.dropout,
            "smoothing": o.smoothing,
        }

    def build_module(self, configuration: Mapping[str, Any]) -> nn.Module:
        """Build the streams of both modalities with random weights."""
        from generators.mdvc.model import MDVCModel

        return MDVCModel(**configuration)
