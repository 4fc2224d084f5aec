"""Fit a trainable system once per key of system and data; all runs share the model through the store."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from bench.protocols import FittedWithout, Trainable
from bench.store.artefacts import Artefact, Store
from bench.store.json_files import read_json_lines
from bench.systems.arithmetic import limit_threads
from bench.systems.component import Component
from bench.systems.cost import measure_cost
from bench.types import Json, Video

MODEL = "models"
"""The kind of a fitted system in the store."""

Splits: TypeAlias = tuple[Sequence[Video], Sequence[Video]]
"""Training and validation videos, with references."""


def model_key(component: Component[Any], train: str, val: str) -> dict[str, Json]:
    """Key a fitted system by all that decides what it learns, and by what it learns from, as digests.

    Options that are read after fitting alone are not part of it (`bench.protocols.FittedWithout`).
    """
    system = component.system
    later = system.sections_after_fit() if isinstance(system, FittedWithout) else ()
    options = {f"options.{section}" for section in later}
    read = {name: value for name, value in component.read.items() if name not in options}
    return {**component.key, "read": read, "train": train, "val": val}


def fitted_model(
    store: Store, component: Component[Any], key: dict[str, Json], splits: Callable[[], Splits]
) -> Artefact:
    """Fit the system if the store has no model of the key, and load the model; the system is then ready."""
    artefact = store.fetch(MODEL, key, lambda folder: fit_system(store, component, key, splits(), folder))
    load_system(component, artefact)
    return artefact


def fit_system(
    store: Store, component: Component[Any], key: dict[str, Json], splits: Splits, folder: Path
) -> dict[str, Json]:
    """Fit a system and save it into a folder; return what is recorded of it."""
    system = cast("Trainable", component.system)
    component.context.scratch = store.scratch(MODEL, key)
    with limit_threads(component.context.threads), measure_cost() as cost:
        system.fit(*splits)
        system.save(folder)
    gc.collect()  # trainers hold optimizer states in cycles, which later peaks of memory should not count
    log = folder / "training.jsonl"  # a system may save one beside its weights
    lines: list[Json] = [*read_json_lines(log, allow_nan=True)] if log.is_file() else []
    return {
        "seconds": cost.seconds,
        "peak_mb": cost.peak_mb,
        "added_mb": cost.added_mb,
        "training": lines,
        "coverage": {f"{what} in training": n for what, n in component.coverage().items()},
    }


def load_system(component: Component[Any], artefact: Artefact) -> None:
    """Load a fitted system once in this process; also after fitting: what is used is what was saved."""
    if not component.loaded:
        cast("Trainable", component.system).load(artefact.path)
        component.loaded = True
