"""Which weights a BART row starts from: the option ``bart.weights``, and how they are identified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.types import Json
from bench.weights import digest_weights, locate_weights, minilm_folder
from generators.bart.options import BartOptions

DEFAULTS = {"zh": "fnlp/bart-base-chinese", "en": "facebook/bart-base"}
REVISIONS: Mapping[str, str] = {"facebook/bart-base": "aadd2ab0ae0c8268c7c9693540e9904811f36177"}
"""Pinned revisions of hub ids. The Chinese checkpoint changed its vocabulary in December 2022: set
``bart.revision`` to choose; the digests of the files are part of every key either way."""

MADE_HERE = {"self": "self-pretrained", "minilm": "MiniLM encoder, random decoder"}


@dataclass(frozen=True)
class Source:
    """Which weights a BART row starts from: the option ``bart.weights`` with ``auto`` resolved."""

    name: str
    revision: str | None = None

    @classmethod
    def of(cls, options: BartOptions, language: str) -> Source:
        """Resolve ``auto``. Raises UsageError for MiniLM with another language than English."""
        name = DEFAULTS.get(language, DEFAULTS["en"]) if options.weights == "auto" else options.weights
        if name == "minilm" and language != "en":
            raise UsageError(
                f"bart.weights=minilm reads English only, and this dataset is '{language}'. "
                "Use bart.weights=self."
            )
        return cls(name, options.revision or REVISIONS.get(name))

    @property
    def made_here(self) -> bool:
        """Whether the weights are made on this machine."""
        return self.name in MADE_HERE

    def __str__(self) -> str:
        if self.made_here:
            return MADE_HERE[self.name]
        if Path(self.name).is_dir():
            return f"{Path(self.name).resolve().name} (folder)"
        # where no revision was named, the hub's cache is named after the newest
        return f"{self.name}@{(self.revision or self.folder().name)[:8]}"

    def identity(self) -> dict[str, Json]:
        """Identify the checkpoint by the digests of its files; {} for weights made from the data."""
        if self.name == "self":
            return {}
        minilm = self.name == "minilm"
        folder = minilm_folder(option="bart.weights") if minilm else self.folder()
        return {"weights": {**digest_weights(folder)}}

    def folder(self) -> Path:
        """Locate a checkpoint: a folder, or the copy of what the model hub has under the name.

        Raises MissingError when the weights cannot be had.
        """
        return locate_weights(
            self.name,
            option="bart.weights",
            revision=self.revision,
            remedy="Name a folder, or use bart.weights=self to pretrain on the training split.",
        )
