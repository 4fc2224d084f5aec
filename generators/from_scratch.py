"""The base class of rows that start from random weights and a vocabulary of the training split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from bench.context import Context
from bench.types import Video
from generators.neural.row import NeuralRow
from generators.neural.tokens import Tokens, build, transcripts_and_queries
from generators.options import MDVCOptions, Seq2SeqOptions, TransformerOptions

Options = TypeVar("Options", Seq2SeqOptions, TransformerOptions, MDVCOptions)


class FromScratchRow(NeuralRow, Generic[Options]):
    """A row without pretraining: Seq2Seq, Transformer, MDVC.

    A subclass names its section of options, which holds the learning rate, and describes its module.
    """

    options_class: type[Options]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options: Options = self.read_options(self.options_class)

    @property
    def learning_rate(self) -> float:
        """The learning rate that the row's section sets."""
        return self.options.lr

    def vocabulary(self, train: Sequence[Video]) -> Tokens:
        """Build a vocabulary of the training transcripts and queries."""
        return build(transcripts_and_queries(train), self.text.vocabulary)
