"""Text on screen by RapidOCR (PP-OCRv6, Apache-2.0), whose weights come inside its package: no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import DataError, MissingError, third_party_errors
from bench.prepare.media.decoding import Pictures
from bench.prepare.media.encoders import folder_of_package
from bench.store.environment import installed_versions
from bench.text import normalise
from bench.types import Json
from bench.weights import check_weights

SCREENS = 8
"""Frames of a video that are read, at most: each costs about a second."""
SCREEN_SIDE = 480
"""Pixels of the shorter side of these frames: lines of a video in full HD are illegible at 256."""
_PACKAGE = "rapidocr"
_MODELS = {
    "Det.model_path": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    "Rec.model_path": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}
_FILES = {"Det.model_path": "PP-OCRv6_det_small.onnx", "Rec.model_path": "PP-OCRv6_rec_small.onnx"}
"""Detection and recognition as in the wheel rapidocr 3.10.0; one model for Chinese, English and others."""


class ScreenReader:
    """Reads the text that is shown in the frames of a video."""

    def __init__(self) -> None:
        self._engine = _load_engine()

    def identity(self) -> Mapping[str, Json]:
        """Identify what decides the text, for the key of what is read."""
        versions = installed_versions(["av", "onnxruntime", "opencv-python-headless", "pyclipper", _PACKAGE])
        return {"models": {**_MODELS}, "frames": SCREENS, "side": SCREEN_SIDE, **versions}

    def read(self, pictures: Pictures) -> str:
        """Read the lines of pictures ``[n, height, width, 3]``, in their order, each distinct one once.

        Raises DataError where RapidOCR fails.
        """
        lines: dict[str, str] = {}
        for picture in pictures:
            with third_party_errors("text on screen could not be read", DataError):
                texts = self._engine(np.ascontiguousarray(picture[..., ::-1])).txts or ()  # BGR
            for text in texts:
                lines.setdefault(normalise(text), " ".join(text.split()))
        return " ".join(line for line in lines.values() if line)


def _load_engine() -> Any:
    try:
        folder = folder_of_package(_PACKAGE, package=_PACKAGE, what="text on screen (--ocr)") / "models"
    except MissingError as error:
        raise MissingError(
            f"{str(error).partition(' Install it')[0]} Install it with: "
            "pip install -c constraints.txt -e '.[prepare,ocr]'"
        ) from error
    remedy = f"Fix it with: pip install --force-reinstall {_PACKAGE}, or leave --ocr out."
    paths: dict[str, Path] = {name: folder / file for name, file in _FILES.items()}
    for name, path in paths.items():
        check_weights(path, _MODELS[name], what=path.stem, remedy=remedy)
    from rapidocr import RapidOCR

    one_thread = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    settings = {"Global.log_level": "critical", "Global.use_cls": False, **one_thread}
    return RapidOCR(params={**settings, **{name: str(path) for name, path in paths.items()}})
