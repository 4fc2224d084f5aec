"""Fit a trainable system once for what it is and what it learns from; every run shares the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from bench.protocols import Trainable
from bench.store.artefacts import Artefact, Store
from bench.store.json_files import read_json_lines
from bench.systems.component import Component
from bench.systems.cost import measured
from bench.types import Json, Video

MODEL = "models"
"""The kind of artefact that a fitted system is."""

Splits: TypeAlias = tuple[Sequence[Video], Sequence[Video]]
"""Training and validation videos, with references."""


def model_key(component: Component[Any], train: str, val: str) -> dict[str, Json]:
    """Return the key of a fitted system from the digests of its training and validation videos."""
    return {**component.key, "train": train, "val": val}


def fitted_model(
    store: Store, component: Component[Any], key: dict[str, Json], splits: Callable[[], Splits]
) -> Artefact:
    """Return the model of a key, fitting the system when it is not there; the system then is that model."""
    system = cast("Trainable", component.system)

    def build(folder: Path) -> dict[str, Json]:
        component.context.scratch = store.scratch(MODEL, key)
        with measured() as cost:
            system.fit(*splits())
            system.save(folder)
        log = folder / "training.jsonl"  # a system may save one beside its weights
        lines: list[Json] = [*read_json_lines(log, allow_nan=True)] if log.is_file() else []
        return {
            "seconds": cost.seconds,
            "peak_mb": cost.peak_mb,
            "training": lines,
            "coverage": {f"{what} in training": n for what, n in component.coverage().items()},
        }

    artefact = store.fetch(MODEL, key, build)
    if not component.loaded:
        system.load(artefact.path)  # also after fitting: what is used is what was saved
        component.loaded = True
    return artefact
