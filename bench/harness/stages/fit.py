"""Training and validation videos → a fitted system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import MissingError
from bench.harness.plan import Plan
from bench.harness.stages.stage import Stage
from bench.store.artefacts import Artefact
from bench.systems.component import Component
from bench.systems.fitting import MODEL, fit_system, load_system, model_key
from bench.types import Json


class Fit(Stage[Mapping[str, Any]]):
    """Fit a trainable system, or load it; gives what its fitting recorded."""

    kind = MODEL

    def __init__(self, plan: Plan, component: Component[Any]) -> None:
        super().__init__(plan.store, newer_than=plan.newer_than(component.name))
        self._plan, self._component = plan, component

    def key(self) -> dict[str, Json]:
        """Key a fitted system by what it is and what it learns from."""
        digests = self._plan.video_digests
        return model_key(self._component, digests.of_split("train"), digests.of_split("val"))

    def make(self, folder: Path) -> dict[str, Json]:
        """Fit the system and save it. Raises MissingError where ``--no-train`` was given."""
        if self._plan.config.no_train:
            raise MissingError(
                f"{self._component.name} is not trained for this data and these options, and --no-train was "
                "given. Run once without --no-train, or name the --store that holds it."
            )
        splits = self._plan.videos("train", references=True), self._plan.videos("val", references=True)
        return fit_system(self.store, self._component, self.key(), splits, folder)

    def read(self, artefact: Artefact) -> Mapping[str, Any]:
        """Load the system, and return what its fitting recorded."""
        load_system(self._component, artefact)
        return artefact.meta


def ensure_fitted(plan: Plan, component: Component[Any]) -> Mapping[str, Any]:
    """Fit or load a system that is trained, and return what its fitting recorded; {} for others."""
    return Fit(plan, component).get() if component.trainable else {}


def learnt_key(plan: Plan, component: Component[Any]) -> Mapping[str, Json]:
    """Collect all that decides what a system makes of its input."""
    return {**component.key, "model": Fit(plan, component).key()} if component.trainable else component.key
