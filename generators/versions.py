"""Versions of what computes, for the keys of what rows share: another version may give other bytes."""

from __future__ import annotations

from importlib.metadata import version

from bench.types import Json

_NUMERICS = ("accelerate", "numpy", "tokenizers", "torch", "transformers")


def numerics() -> dict[str, Json]:
    """Return the installed versions."""
    return {name: version(name) for name in _NUMERICS}
