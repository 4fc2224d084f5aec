"""The options of a run, validated; what a preset, a file, keywords and flags say, in that order."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from bench.errors import UsageError, unknown
from bench.options import Section, assignments, build_sections
from bench.systems.registry import option_sections
from bench.types import EVALUATED_SPLITS, ONE_QUERY_PER_VIDEO, PROTOCOLS


@dataclass(frozen=True)
class RunConfig:
    """Hold every option of ``bench run`` (contract section 1)."""

    data: str = "demo"
    generators: tuple[str, ...] = ("all",)
    retrievers: tuple[str, ...] = ("bm25", "dpr")
    preset: str = "quick"
    protocol: str = ONE_QUERY_PER_VIDEO
    query_seed: int = 0
    split: str = "test"
    seed: tuple[int, ...] = (0,)
    features: str | None = None
    out: Path | None = None
    store: Path | None = None
    no_train: bool = False
    audit_cache: bool = False
    device: str = "auto"
    engine: str = "local"
    quiet: bool = False
    verbose: bool = False
    sections: Mapping[str, Section] = field(default_factory=dict)


_LISTS = ((str, list, tuple), "a name or a list of names")
_PATHS = ((str, Path), "a path")
_SWITCH = ((bool,), "true or false")
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "data": _PATHS, "out": _PATHS, "store": _PATHS, "generators": _LISTS, "retrievers": _LISTS,
    "query_seed": ((int,), "a whole number"),
    "seed": ((int, str, list, tuple), "a whole number or a list of them"),
    "no_train": _SWITCH, "audit_cache": _SWITCH, "quiet": _SWITCH, "verbose": _SWITCH,
}  # fmt: skip
"""What a field may hold when it comes from a file or from Python; the others hold a text."""

FIELDS = tuple(f.name for f in dataclasses.fields(RunConfig) if f.name != "sections")


def preset_names() -> list[str]:
    """Return the names of the presets."""
    return sorted(p.name.removesuffix(".yaml") for p in _presets() if p.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """Return a preset's YAML text. Raises UsageError for an unknown name."""
    for path in _presets():
        if path.name == f"{name}.yaml":
            return str(path.read_text(encoding="utf-8"))
    raise unknown("preset", name, preset_names())


def configure(options: Mapping[str, Any]) -> RunConfig:
    """Return the validated configuration of keywords or flags that were given.

    Besides the fields of `RunConfig`, ``set`` (a mapping, or ``key=value`` strings) and ``config``
    (a YAML file of fields and ``section.key`` values) are understood. Raises UsageError.
    """
    given = {name: value for name, value in options.items() if value is not None}
    changes = assignments(given.pop("set", ()))
    from_file = _read_yaml(Path(given.pop("config"))) if "config" in given else {}
    fields = {key: value for key, value in from_file.items() if key in FIELDS and value is not None}
    for key, value in from_file.items():
        if key not in FIELDS and "." not in key and not isinstance(value, dict):
            raise unknown("option", key, FIELDS)
    fields.update(given)
    for name, value in fields.items():
        if name not in FIELDS:
            raise unknown("option", name, [*FIELDS, "set", "config"])
        _of_kind(name, value)
    preset = str(fields.get("preset", RunConfig.preset))
    values = _flat(_parse_yaml(preset_text(preset), f"preset {preset}"))
    values.update(_flat({key: value for key, value in from_file.items() if key not in FIELDS}))
    values.update(changes)
    return _checked({**fields, "sections": build_sections(option_sections(), values)})


def _checked(fields: dict[str, Any]) -> RunConfig:
    for name in ("generators", "retrievers"):
        if name in fields:
            fields[name] = _words(name, fields[name])
    if "seed" in fields:
        fields["seed"] = _seeds(fields["seed"])
    for name in ("out", "store"):
        if fields.get(name) is not None:
            fields[name] = Path(fields[name])
    fields["data"] = str(fields.get("data", RunConfig.data))
    config = RunConfig(**fields)
    check_choice("protocol", config.protocol, PROTOCOLS)
    check_choice("split", config.split, EVALUATED_SPLITS)
    check_choice("engine", config.engine, ("local",))
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", config.device):
        raise UsageError(f"option device={config.device!r} is unknown. Known: auto, cpu, cuda, cuda:N.")
    return config


def _of_kind(name: str, value: Any) -> None:
    kinds, wanted = _KINDS.get(name, ((str,), "a text"))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise UsageError(f"option {name}={value!r} is not {wanted}.")


def _words(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else list(value)
    words = [str(word).strip() for word in words if str(word).strip()]
    if not words:
        raise UsageError(f"option {name} is empty; see 'bench list {name}'.")
    return tuple(words)


def _seeds(value: Any) -> tuple[int, ...]:
    try:
        words = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
        seeds = tuple(int(str(word)) for word in words)
    except (TypeError, ValueError) as error:
        raise UsageError(f"option seed={value!r} is not a whole number or a list of them.") from error
    if not seeds or min(seeds) < 0 or len(set(seeds)) != len(seeds):
        raise UsageError(f"option seed={value!r}: seeds are whole numbers from 0 up, each once.")
    return seeds


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise UsageError for a value that is not among the known ones, with the near ones."""
    if value not in known:
        raise unknown(name, value, known)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} cannot be read: {error}.") from error
    return _parse_yaml(text, str(path))


def _parse_yaml(text: str, place: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{place} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict):
        raise UsageError(f"{place}: a mapping of options to values is expected.")
    return {str(key): value for key, value in found.items()}


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn ``{"bm25": {"k1": 1}}`` into ``{"bm25.k1": 1}``; flat keys stay."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": v for inner, v in value.items()})
        else:
            flat[key] = value
    return flat


def _presets() -> list[Any]:
    return list(resources.files("bench.config.presets").iterdir())
