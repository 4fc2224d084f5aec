"""The options of a run, listed once: flags, YAML keys, keywords of `bench.run` and settings follow."""

from __future__ import annotations

import contextlib
import dataclasses
import numbers
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Le, MinLen, Predicate

from bench.choices import EvaluatedSplit, Protocol
from bench.config.option import Option, options_of
from bench.errors import BenchError, UsageError, shorten, unknown
from bench.options import (
    Allowed,
    Section,
    Seed,
    assignments,
    build_sections,
    convert,
    expand_home,
    flatten,
    listed,
    split_list,
)


def _split(value: Any) -> Any:
    """Split a comma-separated text into words; one number or path becomes a list of one."""
    if isinstance(value, str):
        return split_list(value)
    if isinstance(value, (set, frozenset)):
        raise ValueError("a set has no order")
    return [value] if isinstance(value, (numbers.Real, os.PathLike)) else listed(value)


def _systems(group: str) -> Callable[[Any], Any]:
    """Make the reader of the option for systems of a group: words, classes, objects, or a list of them."""

    def read(value: Any) -> Any:
        from bench.systems.given import words_of

        return words_of(group, value)

    return read


def _name_or_folder(value: Any) -> Any:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return str(expand_home(text)) if str(text).startswith("~") else text


def _is_device(name: str) -> bool:
    return re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", name) is not None


def _are_distinct(values: Sequence[Any]) -> bool:
    return len(set(values)) == len(values)


if TYPE_CHECKING:
    from bench.protocols import Generator, Retriever

    GivenGenerators: TypeAlias = (
        str | Generator | Callable[..., Generator] | Sequence[str | Generator | Callable[..., Generator]]
    )
    GivenRetrievers: TypeAlias = (
        str | Retriever | Callable[..., Retriever] | Sequence[str | Retriever | Callable[..., Retriever]]
    )
else:  # the protocols import numpy, which no help text needs
    GivenGenerators = GivenRetrievers = str | Sequence[Any] | object
Names: TypeAlias = Annotated[tuple[str, ...], MinLen(1), Allowed("one or more names, comma-separated")]
Seeds: TypeAlias = Annotated[
    tuple[Seed, ...],
    MinLen(1),
    Predicate(_are_distinct),
    Allowed("whole numbers from 0 to 2^32-1, comma-separated, each once"),
]
Threads: TypeAlias = Annotated[int, Ge(1), Le(1024), Allowed("a whole number from 1 to 1024")]
Engine: TypeAlias = Literal["local", "ray"]
Device: TypeAlias = Annotated[str, Predicate(_is_device), Allowed("one of auto, cpu, cuda, cuda:N")]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Every option of a run, checked: the only place where one is added.

    ``sections`` are the options of the components that follow from ``preset`` and ``set``. Raises
    UsageError for a value that is not allowed.
    """

    data: Option[str | Path, str] = Option(
        "demo", "NAME|DIR", help="registered dataset or a dataset folder", read=_name_or_folder
    )
    generators: Option[GivenGenerators, Names] = Option(
        ("all",),
        "LIST",
        help="names, globs, groups, file:PATH, file.py:Class, module:Class; comma-separated",
        read=_systems("generators"),
    )
    retrievers: Option[GivenRetrievers, Names] = Option(
        ("bm25", "dpr"),
        "LIST",
        help="names, globs, groups, file.py:Class, module:Class; comma-separated",
        read=_systems("retrievers"),
    )
    preset: Option[str, str] = Option(
        "quick", "NAME", help="sizes and training budgets: quick, base or paper"
    )
    protocol: Option[Protocol, Protocol] = Option("one-query-per-video", "NAME", help="evaluated queries")
    query_seed: Option[int | str, Seed] = Option(0, "N", help="seed of the draw of the evaluated queries")
    split: Option[EvaluatedSplit, EvaluatedSplit] = Option("test", "NAME", help="evaluated part of the data")
    seed: Option[int | str | Sequence[int], Seeds] = Option(
        (0,), "N[,N...]", help="one or more seeds; several give mean and deviation", read=_split
    )
    metrics: Option[str | Sequence[str], Names | tuple[()]] = Option(
        (),
        "LIST",
        help="measures beside R@k, P@k and Acc@k: nDCG@10, MRR@10, R@100, … (bench list metrics)",
        read=_split,
    )
    features: Option[str | None, str | None] = Option(
        None, "NAME", help="visual features", default_text="the dataset's first"
    )
    out: Option[str | Path | None, Path | None] = Option(
        None,
        "DIR",
        help="output folder",
        default_text="results/runs/<dataset>-<digest of the settings>",
        recorded=False,
    )
    store: Option[str | Path | None, Path | None] = Option(
        None,
        "DIR",
        help="datasets, models and other shared artefacts",
        default_text="$BENCH_STORE, or the user's cache",
        recorded=False,
    )
    remote_store: Option[str | None, str | None] = Option(
        None,
        "ADDRESS",
        help="artefacts are also fetched from and copied to this place, such as s3://bucket/prefix",
        default_text="none",
        recorded=False,
    )
    set: Option[str | Sequence[str] | Mapping[str, Any] | None, Mapping[str, Any] | None] = Option(
        None,
        "KEY=VALUE",
        help="option of a component, repeatable (bench list options)",
        read=assignments,
        recorded=False,
    )
    config: Option[str | Path | None, Path | None] = Option(
        None, "FILE.yaml", help="options from a file; other flags override it", recorded=False
    )
    fresh: Option[str | Sequence[str], Names | tuple[()]] = Option(
        (), "LIST", help="systems whose stored results are made again, or all", read=_split, recorded=False
    )
    no_train: Option[bool, bool] = Option(
        False, help="error if a model would have to be trained", recorded=False
    )
    allow_network: Option[bool, bool] = Option(
        False,
        help="let systems such as llm send transcripts to the endpoint that is set",
        recorded=False,
    )
    device: Option[str, Device] = Option("auto", "NAME", help="device of neural models")
    threads: Option[int | str, Threads] = Option(
        1, "N", help="CPU threads of each trained system; other numbers change the last bits of its weights"
    )
    engine: Option[Engine, Engine] = Option(
        "local", "NAME", help="where systems are fitted and cells run; ray: on a Ray cluster (docs/scale.md)"
    )
    audit_cache: Option[bool, bool] = Option(
        False,
        help="re-run cached searches and recompute a sample of cached embeddings, to verify the cache",
        recorded=False,
    )
    verify_determinism: Option[bool, bool] = Option(
        False,
        help="afterwards, compute a sample again in other batches, order, threads and processes; "
        "print each difference",
        recorded=False,
    )
    quiet: Option[bool, bool] = Option(False, help="no progress bars", recorded=False)
    verbose: Option[bool, bool] = Option(False, help="log each step; show tracebacks", recorded=False)
    sections: Mapping[str, Section] = field(init=False)

    def __post_init__(self) -> None:
        """Build the sections of the components. Raises UsageError for an unknown preset or option."""
        from bench.config.presets import preset_values
        from bench.systems.arguments import argument_sections
        from bench.systems.registry import option_sections

        values = {**preset_values(self.preset), **(self.set or {})}
        kinds = option_sections()
        kinds = {**kinds, **argument_sections(values, kinds, self._words)}
        object.__setattr__(self, "sections", build_sections(kinds, values))

    @property
    def _words(self) -> Mapping[str, Sequence[str]]:
        return {"generators": self.generators, "retrievers": self.retrievers}

    def changed_options(self) -> dict[str, Any]:
        """List the options of components whose values are not those of the preset."""
        from bench.config.presets import preset_values

        presets = preset_values(self.preset)
        changed = {}
        for name, section in self.sections.items():
            for one in dataclasses.fields(section):
                key, value = f"{name}.{one.name}", getattr(section, one.name)
                usual = one.default
                if key in presets:
                    usual = convert(type(section), one.name, presets[key], key)
                if value != usual:
                    changed[key] = value
        return changed

    def settings(self) -> dict[str, Any]:
        """Record what repeats the run, defaults too, as JSON; the inverse of `config_from_settings`."""
        values = {name: getattr(self, name) for name, option in OPTIONS.items() if option.recorded}
        settings = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        return {**settings, "options": flatten(self.sections)}


OPTIONS = options_of(RunConfig)


def configure(options: Mapping[str, Any]) -> RunConfig:
    """Validate the keywords or flags of a run; None counts as not given.

    The preset counts least, then the file ``config``, then the other options. Raises UsageError.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in OPTIONS:
            raise unknown("option", name, OPTIONS)
    if "config" in given:
        if not isinstance(given["config"], (str, os.PathLike)):
            raise UsageError(f"config: a path is expected, not {shorten(given['config'])}.")
        fields, values = _read_file(expand_home(given["config"]))
        given = {**fields, **given, "set": {**values, **assignments(given.get("set", ()))}}
    return RunConfig(**given)


def options_of_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Extract the options that repeat a run from the ``settings`` of its manifest.

    Options of plug-ins that are not installed are left out.
    """
    from bench.systems.arguments import argument_sections
    from bench.systems.registry import option_sections

    kinds = option_sections()
    words = {group: settings[group] for group in ("generators", "retrievers")}
    with contextlib.suppress(BenchError):  # the file of a class may be gone
        kinds = {**kinds, **argument_sections(settings["options"], kinds, words)}
    options = {name: value for name, value in settings.items() if value is not None and name != "options"}
    values = settings["options"].items()
    return {**options, "set": {key: value for key, value in values if key.partition(".")[0] in kinds}}


def config_from_settings(settings: Mapping[str, Any], **changes: Any) -> RunConfig:
    """Configure a run again from its manifest, with some options changed. Raises UsageError."""
    return configure({**options_of_settings(settings), **changes})


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a YAML file into the options of a run and the ``section.key`` values of its sections."""
    from bench.config.presets import flatten_sections, read_options
    from bench.systems.registry import option_sections

    content = read_options(path)
    in_file = {name: option for name, option in OPTIONS.items() if name not in ("set", "config")}
    for key, value in content.items():
        # one that no component has may be the arguments of a plug-in; `RunConfig` knows
        is_section = isinstance(value, dict) and (value or key in option_sections())
        if key not in in_file and "." not in key and not is_section:
            raise UsageError(f"{path}: {unknown('option', key, [*in_file, *option_sections()])}")
    fields = {key: value for key, value in content.items() if key in in_file and value is not None}
    values = {key: value for key, value in content.items() if key not in in_file}
    return fields, flatten_sections(values, str(path))
