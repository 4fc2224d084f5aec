"""The captions that an image-to-text model writes for pictures of a video."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from bench.context import Context
from bench.errors import DataError, third_party_errors
from bench.store.environment import installed_versions
from bench.types import Json, Picture, Video, VideoId
from generators.zero_shot.options import CaptionOptions
from generators.zero_shot.pictures import require_pictures, spread
from generators.zero_shot.pretrained import PretrainedRow


class Caption(PretrainedRow):
    """Captions pictures of the video with a pretrained image-to-text model (BLIP, by hub id or folder).

    It looks at ``caption.frames`` pictures (``bench data prepare --keep-frames``) and reads no transcript;
    equal captions are written once. A video without pictures gets an empty summary, and is counted. Source:
    Li et al. 2022, BLIP.
    """

    label = "Caption"
    section = "caption"
    model_class = "AutoModelForImageTextToText"

    def __init__(self, context: Context) -> None:
        self._options = context.options(CaptionOptions)
        super().__init__(context, self._options.weights, self._options.revision)
        if importlib.util.find_spec("PIL") is None:
            raise ModuleNotFoundError(name="pillow")
        self._blind = 0

    def summarize(self, videos: Sequence[Video]) -> Mapping[VideoId, str]:
        """Caption each video. Raises MissingError when none has a picture, DataError for a damaged one."""
        require_pictures("caption", videos)
        self._blind = sum(1 for video in videos if not video.pictures)
        caption = cache(self._caption)
        return {
            video.video_id: " ".join(
                dict.fromkeys(caption(picture) for picture in spread(video.pictures, self._options.frames))
            )
            for video in videos
        }

    def identity(self) -> Mapping[str, Json]:
        """Identify the model by the digests of its files, and what decodes pictures by its version."""
        return {**super().identity(), **installed_versions(["pillow"])}

    def signature(self) -> Mapping[str, str]:
        """Name the weights and the number of pictures, for the signature line."""
        return {**super().signature(), "frames": str(self._options.frames)}

    def coverage(self) -> Mapping[str, int]:
        """Count the videos without pictures."""
        return {"videos without pictures": self._blind}

    def _caption(self, picture: Picture) -> str:
        from PIL import Image

        with third_party_errors(f"{picture.path} cannot be decoded", DataError):
            image = Image.open(io.BytesIO(picture.read())).convert("RGB")
        pixels = self._processor(images=image, return_tensors="pt")["pixel_values"]  # [1, 3, h, w]
        options = self._options
        settings = {"do_sample": False, "num_beams": options.beams, "max_new_tokens": options.max_tokens}
        return self._generate({"pixel_values": pixels}, **settings)[0]

    @cached_property
    def _processor(self) -> Any:
        return self._load("AutoImageProcessor", backend="pil")
