"""The pretrained BART that a row starts from, whichever way ``bart.weights`` names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.context import Context
from bench.errors import UsageError
from bench.types import Json, Video
from generators.bart.pretraining.recipe import Recipe
from generators.bart.sources import Source
from generators.neural.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor


class PretrainedBart:
    """Pretrained weights, their shape and tokenizer; made first where ``bart.weights`` says so.

    ``prepare`` comes first, as weights may have to be made from the training split.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.recipe = Recipe.of(context)
        self.source = Source.of(self.recipe.bart, context.language)
        self.facts: Mapping[str, float] = {}
        """Numbers of the pretraining, once it was done: the infilling loss."""
        self._folder: Path | None = None
        if self.recipe.pretrain.texts and self.source.name != "self":
            raise UsageError(
                f"pretrain.texts is read with bart.weights=self only, and bart.weights is {self.source.name}."
            )

    def prepare(self, train: Sequence[Video]) -> Tokens:
        """Locate or make the weights and return their tokenizer. Raises MissingError."""
        from generators.bart.checkpoints import read_tokens
        from generators.bart.pretraining.pretrain import self_pretrained
        from generators.bart.pretraining.warm_start import warm_started

        if not self.source.made_here:
            self._folder = self.source.folder()
        elif self.source.name == "minilm":
            self._folder = warm_started(self.context, self.recipe)
        else:
            made = self_pretrained(self.context, self.recipe, train)
            self._folder, self.facts = made.folder, made.facts
        return read_tokens(self._folder, self.config)

    @property
    def folder(self) -> Path:
        """The folder of the weights."""
        assert self._folder is not None, "weights are read before they are prepared"
        return self._folder

    @property
    def config(self) -> dict[str, Any]:
        """The shape and the special ids, as arguments of the library's BartConfig."""
        from generators.bart.checkpoints import read_config

        return read_config(self.folder)

    def weights(self) -> Mapping[str, Tensor]:
        """Read the weights, by their names in the library's model."""
        from generators.bart.checkpoints import read_weights

        return read_weights(self.folder).state_dict()

    def identity(self) -> dict[str, Json]:
        """Identify the weights by the digests of the files that they come from."""
        return {**self.source.identity(), **self.recipe.identity()}

    def signature(self) -> dict[str, str]:
        """Name the source of the weights, for the signature line."""
        return {"weights": str(self.source)}
