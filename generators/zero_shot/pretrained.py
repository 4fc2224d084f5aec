"""What the rows share that write with a pretrained model of transformers, by hub id or folder."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.context import Context
from bench.errors import MissingError, third_party_errors
from bench.store.digests import digest
from bench.types import Json, Video, VideoId
from bench.weights import digest_weights, locate_weights, quiet_loading

if TYPE_CHECKING:
    from torch import Tensor


class PretrainedRow(ABC):
    """Writes summaries with a pretrained model that is not trained here.

    Videos are written about one at a time, so that no summary depends on those beside it.
    """

    label: ClassVar[str]
    section: ClassVar[str]
    """The section of its options, with ``weights`` and ``revision``."""
    model_class: ClassVar[str]
    """The class of transformers that reads the weights."""

    def __init__(self, context: Context, weights: str, revision: str | None) -> None:
        for module in ("torch", "transformers"):
            if importlib.util.find_spec(module) is None:
                raise ModuleNotFoundError(name=module)
        self._weights, self._revision = weights, revision
        self._device = context.device

    @abstractmethod
    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Write a summary of each video."""

    def identity(self) -> Mapping[str, Json]:
        """Identify the model by the digests of its files. Raises MissingError when it cannot be had."""
        return {"weights": {**digest_weights(self._folder)}}

    def signature(self) -> Mapping[str, str]:
        """Name the weights and the start of their digest, for the signature line."""
        return {"weights": f"{self._weights} {digest(digest_weights(self._folder))[:8]}"}

    def parameters(self) -> int:
        """Count the parameters of the model."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    def _generate(self, inputs: Mapping[str, Tensor], **settings: Any) -> list[str]:
        """Generate texts of one video, a line each."""
        import torch

        on_device = {name: value.to(self._device) for name, value in inputs.items()}
        with torch.inference_mode(), quiet_loading():
            tokens = self._model.generate(**on_device, **settings)  # [texts, t]
        texts = self._tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [" ".join(text.split()) for text in texts]

    def _load(self, kind: str, **settings: Any) -> Any:
        """Load a part of the model by a class of transformers. Raises MissingError for other files."""
        import transformers

        problem = f"{self.section}.weights={self._weights!r} could not be loaded as {self.model_class}"
        with third_party_errors(problem, MissingError), quiet_loading():
            return getattr(transformers, kind).from_pretrained(
                self._folder, local_files_only=True, **settings
            )

    @cached_property
    def _folder(self) -> Path:
        return locate_weights(self._weights, option=f"{self.section}.weights", revision=self._revision)

    @cached_property
    def _model(self) -> Any:
        import torch

        return self._load(self.model_class, dtype=torch.float32).to(self._device).eval()

    @cached_property
    def _tokenizer(self) -> Any:
        return self._load("AutoTokenizer")
