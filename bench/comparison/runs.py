"""The systems of one or two finished runs, by what is compared: generators or retrievers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.output.manifest import Manifest
from bench.output.per_item import ItemScores, RunItems
from bench.output.schema import QRELS, QUERIES, with_text
from bench.result import Result

GENERATOR, RETRIEVER = "generator", "retriever"
"""What may be compared: generators under one retriever, or retrievers over one generator's summaries."""


@dataclass(frozen=True, slots=True)
class System:
    """A generator with a retriever in one of the runs; ``shown`` is its label, unique among all systems."""

    run: int
    generator: str
    retriever: str
    name: str
    shown: str


@dataclass(frozen=True, eq=False)
class Runs:
    """One or two finished runs over the same queries and pool, and what of them is compared (``by``)."""

    results: Sequence[Result]
    by: str = GENERATOR
    queries: frozenset[str] | None = None
    """The slice of queries that is compared; None for all, and only then are generation metrics compared."""

    @cached_property
    def items(self) -> list[RunItems]:
        """Load the scores per item of each run."""
        return [RunItems(result.out, result.manifest) for result in self.results]

    @cached_property
    def folders(self) -> list[str]:
        """Name the folders of the runs, by their paths where the last parts are the same."""
        names = [result.out.name or result.out.resolve().name for result in self.results]
        return names if len(set(names)) == len(names) else [str(result.out) for result in self.results]

    @cached_property
    def cells(self) -> dict[tuple[str, str], list[System]]:
        """Group the systems of each metric by what they share, in order: what is compared in one block.

        They share a retriever (empty for generation), or, where retrievers are compared, a generator.
        """
        systems: dict[tuple[str, str], list[System]] = {}
        for number, result in enumerate(self.results):
            rows = with_text(result.headline.dropna(subset=["value"]))
            for row in rows[["generator", "retriever", "metric"]].itertuples(index=False):
                generator, retriever, metric = map(str, row)
                if not retriever and (self.by == RETRIEVER or self.queries is not None):
                    continue
                shared = retriever if self.by == GENERATOR else generator
                systems.setdefault((shared, metric), []).append(self._system(number, generator, retriever))
        return systems

    def scores(self, system: System) -> ItemScores:
        """Look up a system's scores per item."""
        scores = self.items[system.run].cell(system.generator, system.retriever)
        return scores if self.queries is None else scores.subset(self.queries)

    def is_reference(self, system: System) -> bool:
        """Check whether a system is a reference point, which is not ranked."""
        return system.name in self.results[system.run].manifest.references

    def matches_name(self, system: System, text: str) -> bool:
        """Check whether ``text`` names this system, by its name, its label or the name that tables show."""
        return text in (system.name, self.label(system.name), system.shown)

    def label(self, name: str) -> str:
        """Look up the label that tables show for a generator or retriever."""
        return next((r.manifest.labels[name] for r in self.results if name in r.manifest.labels), name)

    def _system(self, number: int, generator: str, retriever: str) -> System:
        name = generator if self.by == GENERATOR else retriever
        shown = self.label(name)
        if len(self.results) > 1:
            shown = f"{shown} [{self.folders[number]}]"
        return System(number, generator, retriever, name, shown)


def difference_in_evaluation(first: Manifest, second: Manifest) -> str:
    """Say what bars paired tests of two runs, with both values; empty for runs that can be compared.

    They need the same queries and judgements, the same pool, and equal scores ordered by the same rule.
    """
    ours, theirs = _evaluation_id(first), _evaluation_id(second)
    return next(
        (f"{what} ({ours[what]} and {theirs[what]})" for what in ours if ours[what] != theirs[what]), ""
    )


def _evaluation_id(manifest: Manifest) -> dict[str, str]:
    settings = manifest.settings
    return {
        "dataset digest": str(manifest.dataset.digest)[:8],
        "split": settings["split"],
        "pool (index.pool)": settings["options"].get("index.pool", "split"),
        "evaluated queries": manifest.files.get(QUERIES, "")[:8],
        "relevance": manifest.files.get(QRELS, "")[:8],
        "the order of equal scores": manifest.signature.get("ties", ""),
    }
