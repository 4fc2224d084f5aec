"""What a run will do: the dataset, the evaluation, the systems, the store and the output folder."""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import __version__
from bench.choices import ALL_QUERIES, SPLITS, Split
from bench.config.run_config import RunConfig
from bench.context import Context
from bench.data.dataset import Dataset
from bench.data.evaluation_set import EvaluationSet, make_evaluation_set
from bench.data.options import DataOptions
from bench.data.reader import read_dataset
from bench.data.registered import dataset_folder, is_beir
from bench.errors import BenchError, UsageError, unknown
from bench.harness.options import IndexOptions, RunOptions
from bench.measures.limits import check_measures
from bench.metrics.ranking import Relevance
from bench.neural.launcher import process_count
from bench.options import flatten
from bench.output.schema import refuse_long_name
from bench.store.artefacts import Store, default_root
from bench.store.digests import digest, file_digest, videos_digest
from bench.store.remote import RemoteStore
from bench.systems.file_summaries import check_file
from bench.systems.given import OBJECT_PREFIX, check_word
from bench.systems.registry import FILE_PREFIX, cell_name, load, resolve
from bench.types import Json, Video


class VideoDigests:
    """Digests of what can be seen of videos, computed once for all systems and seeds."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._known: dict[Hashable, str] = {}

    def of_split(self, split: Split) -> str:
        """Digest all that can be learnt from a split: its videos with their references."""
        return self.of(split, lambda: self._dataset.videos(split, references=True))

    def of(self, name: Hashable, videos: Callable[[], Sequence[Video]]) -> str:
        """Digest a list of videos, once; ``name`` tells it from the other lists of a run."""
        if name not in self._known:
            self._known[name] = videos_digest(videos())
        return self._known[name]


_PROCESS = time.time_ns()


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What is decided before the first cell of a run."""

    config: RunConfig
    dataset: Dataset
    evaluation: EvaluationSet
    store: Store
    generators: Sequence[str]
    retrievers: Sequence[str]
    video_digests: VideoDigests
    began: int = field(default_factory=time.time_ns)
    """When the run began, in ns since 1970; the same in its workers."""
    process: int = _PROCESS
    """What distinguishes this process and its workers from others."""

    @property
    def seed(self) -> int:
        """The single seed of this run; a run of several seeds is divided into one run for each."""
        return self.config.seed[0]

    def videos(self, split: str, *, references: bool) -> list[Video]:
        """Build the videos of a split as generators see them."""
        return self.dataset.videos(split, references=references)

    def pool_videos(self, *, references: bool) -> list[Video]:
        """Select the videos that are summarized and searched, in dataset order."""
        videos = {v.video_id: v for split in self.splits for v in self.videos(split, references=references)}
        return [videos[video_id] for video_id in self.evaluation.pool]

    def for_seed(self, seed: int, out: Path | None = None) -> Plan:
        """Narrow the plan to a single seed, written to another folder if one is given."""
        config = dataclasses.replace(self.config, seed=(seed,), out=out or self.config.out)
        return dataclasses.replace(self, config=config)

    def relevance(self) -> Relevance:
        """Convert the evaluated relevance to arrays, over the pool in dataset order."""
        evaluated = self.evaluation
        return Relevance.from_mapping(evaluated.relevant, tuple(evaluated.queries), tuple(evaluated.pool))

    def context(self) -> Context:
        """Build a fresh context for one component."""
        return Context(
            language=self.dataset.language,
            seed=self.seed,
            device=self.config.device,
            threads=self.config.threads,
            process=self.process,
            processes=process_count(),
            sections=self.config.sections,
            store=self.store,
            quiet=self.config.quiet,
            audit_cache=self.config.audit_cache,
            allow_network=self.config.allow_network,
        )

    def newer_than(self, name: str) -> int:
        """Compute since when an artefact must be made to be reused: the run's start with ``--fresh``."""
        return self.began if {name, "all"} & set(map(cell_name, self.config.fresh)) else 0

    @property
    def index(self) -> IndexOptions:
        """Decide what is indexed of a video, and of which videos."""
        return index_options(self.config)

    @property
    def machine(self) -> RunOptions:
        """Decide how the run uses machines."""
        options = self.config.sections.get(RunOptions.section, RunOptions())
        assert isinstance(options, RunOptions)
        return options

    @property
    def splits(self) -> Sequence[str]:
        """List the splits whose videos are searched."""
        return SPLITS if self.index.pool == "all" else (self.config.split,)

    def settings(self) -> dict[str, Json]:
        """Record every setting with its value, defaults too; what repeats the run."""
        return {
            **self.config.settings(),
            "generators": list(self.generators),
            "retrievers": list(self.retrievers),
            "features": self.dataset.features.name if self.dataset.features else None,
        }

    def identity(self) -> str:
        """Name the run by a short digest of its settings, data and version."""
        settings = {key: value for key, value in self.settings().items() if key not in ("data", "device")}
        settings["engine"] = "local"  # where cells run decides nothing that they hold
        settings["options"] = {
            key: value
            for key, value in flatten(self.config.sections).items()
            if not key.startswith(f"{RunOptions.section}.")
        }
        words = [*self.generators, *self.retrievers]
        files = {word: _file(word) for word in words if word.startswith(FILE_PREFIX) or ".py:" in word}
        return digest([settings, files, self.dataset.digest, __version__])[:10]

    def out(self) -> Path:
        """Locate the output folder: ``--out`` or ``results/runs/<dataset>-<signature>``."""
        if self.config.out is not None:
            return self.config.out
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.dataset.name).strip(".-") or "dataset"
        return Path("results") / "runs" / f"{name}-{self.identity()}"


def make_plan(config: RunConfig) -> Plan:
    """Read the data and resolve the names. Raises BenchError for whatever cannot be run."""
    check_measures(config.metrics)
    for group, words in (("generators", config.generators), ("retrievers", config.retrievers)):
        for word in words:
            check_word(group, word)
            _check_engine(config, word)
    generators = resolve("generators", config.generators)
    retrievers = resolve("retrievers", config.retrievers)
    _check_names(generators, retrievers)
    _check_fresh(config, [*generators, *retrievers])
    for name in generators:
        if name.startswith(FILE_PREFIX):
            check_file(Path(name.removeprefix(FILE_PREFIX)))
    remote = RemoteStore(config.remote_store) if config.remote_store else None
    store = Store(config.store or default_root(), remote)
    data_options = config.sections["data"]
    assert isinstance(data_options, DataOptions)
    folder = dataset_folder(config.data, store.root / "datasets")
    dataset = read_dataset(folder, options=data_options, features=config.features)
    if is_beir(config.data) and config.protocol != ALL_QUERIES:
        config = dataclasses.replace(config, protocol=ALL_QUERIES)  # a document has no query of its own
    evaluated = make_evaluation_set(
        dataset,
        split=config.split,
        protocol=config.protocol,
        query_seed=config.query_seed,
        pool=index_options(config).pool,
    )
    return Plan(
        config=config,
        dataset=dataset,
        evaluation=evaluated,
        store=store,
        generators=_that_read(dataset.language, generators, config),
        retrievers=retrievers,
        video_digests=VideoDigests(dataset),
    )


def _that_read(language: str, names: Sequence[str], config: RunConfig) -> list[str]:
    """Leave out what a group or a glob brings and does not read the language; what is named fails."""
    brought = [] if language == "en" else [name for name in names if name not in config.generators]
    others = [name for name in brought if not _reads(name, language)]
    if others and not config.quiet:
        print(f"bench: left out, as they do not read '{language}': {', '.join(others)}", file=sys.stderr)
    if names and len(others) == len(names):
        raise UsageError(f"none of {', '.join(names)} reads the dataset's language, '{language}'.")
    return [name for name in names if name not in others]


def _reads(name: str, language: str) -> bool:
    """Ask a generator's class for its ``languages``; without any it reads all."""
    try:
        return language in getattr(load("generators", name), "languages", (language,))
    except BenchError:  # reported for its cell
        return True


def index_options(config: RunConfig) -> IndexOptions:
    """Look up the section of a configuration that sets how indexes are made; defaults where it has none."""
    options = config.sections.get(IndexOptions.section, IndexOptions())
    assert isinstance(options, IndexOptions)
    return options


def _check_engine(config: RunConfig, word: str) -> None:
    """Raise UsageError for an object of this process where other processes would have to build it."""
    if config.engine != "local" and word.startswith(OBJECT_PREFIX):
        name = cell_name(word)
        raise UsageError(
            f"option engine={config.engine} is not allowed with '{name}', an object of this process: the "
            "processes of a cluster do not have it. Put its class into a file that all nodes see, and name "
            "that: file.py:Class."
        )


def _check_names(generators: Sequence[str], retrievers: Sequence[str]) -> None:
    """Raise UsageError for names whose cells would share an entry of the manifest or a file, or have none."""
    taken = {"dataset": "the dataset"}
    blocks = [cell_name(word) for word in retrievers]
    if twice := [block for block in blocks if blocks.count(block) > 1]:
        raise UsageError(f"two retrievers would both be called '{twice[0]}'; rename a class.")
    for name in generators:
        cell = cell_name(name)
        for key in (cell, *(f"{cell}.{block}" for block in blocks)):
            owner = f"'{name}'" if key == cell else f"the run of '{name}'"
            other = taken.setdefault(key, owner)
            if other != owner:
                raise UsageError(f"{other} and {owner} would both be called '{key}'; rename a file.")
            refuse_long_name(name, key, "Rename the file.")


def _check_fresh(config: RunConfig, systems: Sequence[str]) -> None:
    names = ["all", *map(cell_name, systems)]
    for name in config.fresh:
        if cell_name(name) not in names:
            raise unknown("system in --fresh", name, names)


def _file(word: str) -> str:
    """Digest the file of summaries, or of a class, that a word names."""
    place = word.removeprefix(FILE_PREFIX) if word.startswith(FILE_PREFIX) else word.rpartition(":")[0]
    path = Path(place).expanduser()
    return file_digest(path) if path.is_file() else "missing"
