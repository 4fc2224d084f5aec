"""Frame encoders from a folder or the model hub, by transformers: CLIP, Chinese-CLIP, ResNet-50."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from bench.prepare.media.decoding import Pictures
from bench.prepare.media.encoders import Vectors
from bench.types import Json
from bench.weights import digest_weights, locate_weights, quiet_loading

_BATCH = 8


class _HubEncoder(ABC):
    """A model of transformers and its image processor, loaded from one folder."""

    name: ClassVar[str]
    default: ClassVar[str]
    model_class: ClassVar[str]
    dim: int

    def __init__(self, weights: str | None = None) -> None:
        import transformers

        self.folder = locate_weights(
            weights or self.default,
            option="encoder-weights",
            remedy="Download the model on a connected machine and give its folder: --encoder-weights FOLDER.",
        )
        with quiet_loading():
            processor: Any = transformers.AutoImageProcessor
            self._processor = processor.from_pretrained(self.folder, backend="pil", local_files_only=True)
            kind: Any = getattr(transformers, self.model_class)
            self._model = kind.from_pretrained(self.folder, local_files_only=True).eval()

    def identity(self) -> Mapping[str, Json]:
        """Identify the encoder by the files of the model, for the key of the features."""
        return {"weights": digest_weights(self.folder)}

    def encode(self, frames: Pictures) -> Vectors:
        """Encode ``[n, height, width, 3]`` pictures to ``[n, dim]``."""
        import torch

        vectors = []
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH):
                batch = list(frames[start : start + _BATCH])
                pixels = self._processor(images=batch, return_tensors="pt")["pixel_values"]  # [8, 3, h, w]
                vectors.append(self._vectors(pixels).float().numpy())
        return np.concatenate(vectors)

    @abstractmethod
    def _vectors(self, pixels: Any) -> Any:
        """Compute the vectors of preprocessed pictures: ``[b, 3, h, w]`` to ``[b, dim]``."""


class Clip(_HubEncoder):
    """CLIP by hub id or folder (openai/clip-vit-base-patch32): frames and transcripts in one space."""

    name = "clip"
    default = "openai/clip-vit-base-patch32"
    model_class = "CLIPModel"

    def __init__(self, weights: str | None = None) -> None:
        import transformers

        super().__init__(weights)
        self.dim = int(self._model.config.projection_dim)
        with quiet_loading():
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                self.folder, local_files_only=True
            )

    def _vectors(self, pixels: Any) -> Any:
        return _projected(self._model.get_image_features(pixel_values=pixels))  # [b, dim]

    def encode_texts(self, texts: list[str]) -> Vectors:
        """Encode texts to ``[n, dim]``; what is longer than the model reads is cut."""
        import torch

        vectors = []
        with torch.inference_mode():
            for text in texts:
                limit = self._model.config.text_config.max_position_embeddings
                tokens = self._tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
                vector = _projected(self._model.get_text_features(**tokens))  # [1, dim]
                vectors.append(vector.float().numpy())
        return np.concatenate(vectors) if vectors else np.zeros((0, self.dim), np.float32)


def _projected(output: Any) -> Any:
    """Unpack the vectors of CLIP's output, which is a tensor before transformers 5."""
    return getattr(output, "pooler_output", output)


class ChineseClip(Clip):
    """Chinese-CLIP by hub id or folder (OFA-Sys/chinese-clip-vit-base-patch16), as clip."""

    name = "chinese-clip"
    default = "OFA-Sys/chinese-clip-vit-base-patch16"
    model_class = "ChineseCLIPModel"


class ResNet50(_HubEncoder):
    """ResNet-50 by hub id or folder (microsoft/resnet-50): 2,048 numbers a frame, as in older papers."""

    name = "resnet50"
    default = "microsoft/resnet-50"
    model_class = "ResNetModel"

    def __init__(self, weights: str | None = None) -> None:
        super().__init__(weights)
        self.dim = int(self._model.config.hidden_sizes[-1])

    def _vectors(self, pixels: Any) -> Any:
        return self._model(pixel_values=pixels).pooler_output.flatten(1)  # [b, dim]
